"""Server-sent events that begin with the reader's place in the stream: an id, and no event.

For an EventSource, which says what it has seen only if it has seen an id: this one comes with the headers, long before
a first frame may. A block without data is dispatched to nobody, but its id is kept (WHATWG HTML, 9.2.6).
"""

from __future__ import annotations

from collections.abc import Iterable

from streamchat.presenting.frames import AnyFrame
from streamchat.wire.wire import Wire


class PlaceFirst:
    """Encodes as ``wire`` does, after the place: behind ``number`` durable frames of the stream."""

    __slots__ = ("_place", "_wire")

    def __init__(self, wire: Wire, stream_id: str, number: int) -> None:
        self._place = f"id: {stream_id}:{number}\n\n".encode()
        self._wire = wire

    def encode(self, frames: Iterable[AnyFrame]) -> bytes:
        place, self._place = self._place, b""
        return place + self._wire.encode(frames)
