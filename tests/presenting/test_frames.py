from streamchat.presenting.frames import Chunk, Frame, keepalive


def test_a_frame_is_durable_unless_it_is_said_not_to_be() -> None:
    frame = Frame({"status": "streaming"}, 3)
    assert frame.is_durable
    assert not frame.is_terminal
    assert not frame.is_keepalive


def test_a_keepalive_says_nothing_and_counts_for_nothing() -> None:
    assert keepalive(3) == Frame({}, 3, is_durable=False, is_terminal=False, is_keepalive=True)


def test_a_chunk_is_durable_and_not_the_end() -> None:
    chunk = Chunk("a", 2, 1, 1, 3, ())
    assert (chunk.is_durable, chunk.is_terminal, chunk.is_keepalive) == (True, False, False)
    assert chunk.payload == {"success": True, "data": "a", "status": "streaming"}


def test_a_chunk_knows_how_far_it_reaches_unless_the_end_is_unknown() -> None:
    assert Chunk("a", 2, 1, 20, 500, ()).percent == 4.0
    assert Chunk("a", 2, 1, 1, 3, ()).percent == 33.3
    assert Chunk("a", 4, 3, 3, 3, ()).percent == 100.0
    assert Chunk("a", 2, 1, 20, None, ()).percent is None
