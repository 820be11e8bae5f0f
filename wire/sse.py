"""Server-sent events: the frames of the three streaming doors.

Each frame is a data line, an id line and a blank line, in this order, because many clients look for a
line that starts a frame with ``data: ``. Format: WHATWG HTML, 9.2.5 "Parsing an event stream".
"""

from __future__ import annotations

from collections.abc import Iterable

from streamchat.presenting.frames import AnyFrame, Chunk
from streamchat.wire.chunk_text import chunk_template
from streamchat.wire.json_text import only_json_line_ends, to_json

CONTENT_TYPE = "text/event-stream; charset=utf-8"
# What stands before and after a chunk's JSON, which is still open.
_AROUND = ("data: ", "}\nid: %s:%s\n\n")
KEEPALIVE = ": keep-alive\n\n"


class SseWire:
    """Encodes the frames of one stream; an id is ``{stream_id}:{durable frames so far}``."""

    __slots__ = ("_fields", "_stream_id", "_template")

    def __init__(self, stream_id: str) -> None:
        self._stream_id = stream_id
        self._fields: tuple[str, ...] = ()
        self._template = chunk_template(self._fields, *_AROUND)

    def encode(self, frames: Iterable[AnyFrame]) -> bytes:
        # Encoded run by run: one character beyond Latin-1 makes Python hold a whole str at two bytes a character.
        blocks: list[bytes] = []
        run: list[Chunk] = []
        for frame in frames:
            if type(frame) is Chunk:
                run.append(frame)
                continue
            if run:
                blocks.append(_encoded(self._chunks(run)))
                run = []
            blocks.append(_encoded(self._event(frame)))
        if run:
            blocks.append(_encoded(self._chunks(run)))
        return b"".join(blocks)

    def _chunks(self, run: list[Chunk]) -> str:
        fields = run[0].fields
        if fields is not self._fields:
            self._fields = fields
            self._template = chunk_template(fields, *_AROUND)
        return self._template.write_run(run, self._stream_id)

    def _event(self, frame: AnyFrame) -> str:
        if frame.is_keepalive:
            return KEEPALIVE
        return f"data: {to_json(frame.payload)}\nid: {self._stream_id}:{frame.number}\n\n"


def _encoded(text: str) -> bytes:
    # Outside of JSON there is nothing but ASCII: what is escaped is escaped inside of it.
    return text.encode() if text.isascii() else only_json_line_ends(text).encode()


def lone_event(payload: dict[str, object]) -> bytes:
    """A frame outside any stream: the body of an error that came before the first frame. It has no id."""
    return f"data: {to_json(payload)}\n\n".encode()
