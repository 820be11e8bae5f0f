from streamchat.presenting.frames import Frame
from streamchat.wire.sse import SseWire
from streamchat.wire.wire import Wire


def test_server_sent_events_are_a_wire() -> None:
    wire: Wire = SseWire("st_one")
    assert isinstance(wire.encode([Frame({}, 1)]), bytes)
