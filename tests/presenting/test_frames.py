from streamchat.presenting.frames import Frame, keepalive


def test_a_frame_is_durable_unless_it_is_said_not_to_be() -> None:
    frame = Frame({"status": "streaming"}, 3)
    assert frame.is_durable
    assert not frame.is_terminal
    assert not frame.is_keepalive


def test_a_keepalive_says_nothing_and_counts_for_nothing() -> None:
    assert keepalive(3) == Frame({}, 3, is_durable=False, is_terminal=False, is_keepalive=True)
