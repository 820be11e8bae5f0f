import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamchat.backends.openai_events import MAX_EVENT_BYTES, EventReader, EventTooLong


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: a\n\n", [b"a"]),
        (b"data:a\n\ndata: b\n\n", [b"a", b"b"]),
        (b"data:  a\n\n", [b" a"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b"data: a\r\n\r\ndata: b\r\r", [b"a"]),
        (b"data: a\r\rdata: b\r\r\n", [b"a", b"b"]),
        (b": ping\n\nevent: x\nid: 7\nretry: 1\ndata: a\n\n", [b"a"]),
        (b"event: x\n\n", []),
        (b"data\n\ndatax: a\n\n", []),
        (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", [b"b"]),
        (b"data: a", []),
        (b"data: a\n", []),
        ("data: 你好\u2028\u0085\n\n".encode(), ["你好\u2028\u0085".encode()]),
    ],
    ids=lambda value: repr(value) if isinstance(value, bytes) else None,
)
def test_an_event_is_told_once_its_blank_line_is_there(stream, events):
    assert EventReader().take(stream) == events


BOM = b"\xef\xbb\xbf"
PARTS = [BOM, BOM[:1], b"data: a", b"data:", b"\n", b"\r\n", b"\r", b": x", "你".encode(), b"id: 1"]


@given(st.lists(st.sampled_from(PARTS)), st.integers(1, 5))
def test_it_does_not_matter_where_the_bytes_are_cut(parts, size):
    # A CR at the very end may be half of a CR LF: what comes next tells.
    stream = b"".join(parts) + b"\ndata: end\n\n"
    reader = EventReader()
    in_pieces = [event for at in range(0, len(stream), size) for event in reader.take(stream[at : at + size])]
    assert in_pieces == EventReader().take(stream)


def test_many_small_events_are_not_one_long_one():
    reader = EventReader()
    for _ in range(3):
        assert reader.take(b"data: x\n\n" * (MAX_EVENT_BYTES // 10)) == [b"x"] * (MAX_EVENT_BYTES // 10)


@pytest.mark.parametrize("piece", [b"x" * 100_000, b"data: " + b"x" * 100_000 + b"\n"], ids=["a line", "lines"])
def test_an_event_without_end_is_refused(piece):
    def read_on():
        reader = EventReader()
        for _ in range(MAX_EVENT_BYTES // 100_000 + 1):
            reader.take(piece)

    with pytest.raises(EventTooLong):
        read_on()


def test_what_is_done_is_not_given_nor_what_comes_after_it():
    reader = EventReader()
    assert reader.take(b"data: a\n\ndata: [DONE]\n\ndata: b\n\n") == [b"a"]
    assert reader.is_done


@pytest.mark.parametrize(
    "received",
    [
        b"data: a\n\n",
        b"data: a\n\ndata: b\n\n",
        b"data: a\ndata: b\n\n",
        b"data: a\rdata: b\n\n",
        b"data: a\n\nid: 1\ndata: b\n\n",
        b"data: \n\n",
        b"data: a\n\ndata: [DONE]\n\ndata: c\n\n",
        b"data: [DONE]\n\n",
        b"data: says [DONE]\n\n",
        b"data: a\n\n\n\n",
    ],
)
def test_what_comes_whole_is_read_as_what_comes_byte_by_byte(received: bytes) -> None:
    whole, by_bytes = EventReader(), EventReader()
    told = whole.take(received)
    assert told == [event for byte in received for event in by_bytes.take(bytes([byte]))]
    assert whole.is_done == by_bytes.is_done
    assert whole.take(b"data: z\n\n") == by_bytes.take(b"data: z\n\n")
