from streamchat.presenting.frames import Frame
from streamchat.wire.place_first import PlaceFirst
from streamchat.wire.sse import SseWire


def test_the_place_comes_once_and_before_everything_else() -> None:
    wire = PlaceFirst(SseWire("s"), "s", 2)
    assert wire.encode([Frame({"a": 1}, 3)]) == b'id: s:2\n\ndata: {"a":1}\nid: s:3\n\n'
    assert wire.encode([Frame({"a": 2}, 4)]) == b'data: {"a":2}\nid: s:4\n\n'


def test_the_place_comes_at_once_when_there_is_no_frame_yet() -> None:
    wire = PlaceFirst(SseWire("s"), "s", 0)
    assert wire.encode([]) == b"id: s:0\n\n"
    assert wire.encode([]) == b""
