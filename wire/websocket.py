"""WebSocket: the same frames as JSON objects that say whose they are, each in a text message (RFC 6455, section 5).

A frame is the object that server-sent events have, and in it ``stream_id`` and ``id``, which is the event's id.
A long message goes out in fragments, so that whoever writes can see a slow client take it piece by piece.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import pack

from streamchat.presenting.frames import AnyFrame, Chunk, Payload
from streamchat.wire.chunk_text import chunk_template
from streamchat.wire.json_text import only_json_line_ends, to_json

FRAGMENT_BYTES = 16_384

# The first place is for _own in WebSocketWire.
_AROUND = ("", ',"stream_id":"%s:%s"}')
_FIN, _TEXT, _CONTINUATION = 0x80, 0x1, 0x0


class WebSocketWire:
    """Encodes the frames of one stream; an id is ``{stream_id}:{durable frames so far}``, as in server-sent events."""

    __slots__ = ("_fields", "_own", "_stream_id", "_template")

    def __init__(self, stream_id: str) -> None:
        self._stream_id = stream_id
        # The template has one place for a stream's id, and the id is told twice.
        self._own = f'{stream_id}","id":"{stream_id}'
        self._fields: tuple[str, ...] = ()
        self._template = chunk_template(self._fields, *_AROUND)

    def messages(self, frames: Iterable[AnyFrame]) -> list[bytes]:
        """The fragments of one message a frame; keep-alives, which pings are for, are left out."""
        fragments: list[bytes] = []
        for frame in frames:
            if not frame.is_keepalive:
                fragments += text_message(self._text(frame))
        return fragments

    def _text(self, frame: AnyFrame) -> str:
        if type(frame) is not Chunk:
            own = {"stream_id": self._stream_id, "id": f"{self._stream_id}:{frame.number}"}
            return to_json(frame.payload | own)
        if frame.fields is not self._fields:
            self._fields = frame.fields
            self._template = chunk_template(frame.fields, *_AROUND)
        return only_json_line_ends(self._template.write(frame, self._own))


def json_message(payload: Payload) -> list[bytes]:
    """The fragments of a message that is no frame."""
    return text_message(to_json(payload))


def text_message(text: str) -> list[bytes]:
    """The fragments of one text message, unmasked as a server's are; none has more than FRAGMENT_BYTES of it."""
    data = text.encode()
    if len(data) <= FRAGMENT_BYTES:
        return [_fragment(_FIN | _TEXT, data)]
    pieces = [data[start : start + FRAGMENT_BYTES] for start in range(0, len(data), FRAGMENT_BYTES)]
    opcodes = [_TEXT, *[_CONTINUATION] * (len(pieces) - 1)]
    opcodes[-1] |= _FIN
    return [_fragment(opcode, piece) for opcode, piece in zip(opcodes, pieces, strict=True)]


def ends_message(fragment: bytes) -> bool:
    """Whether the message that this fragment belongs to is whole with it."""
    return bool(fragment[0] & _FIN)


def _fragment(opcode: int, data: bytes) -> bytes:
    length = len(data)
    return (pack("!BB", opcode, length) if length < 126 else pack("!BBH", opcode, 126, length)) + data
