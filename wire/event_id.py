"""Where a client has got to in a stream: the id that it read last, ``{stream_id}:{durable frames so far}``."""

from __future__ import annotations

import re

_EVENT_ID = re.compile(r"(?P<stream>[A-Za-z0-9_-]{1,64}):(?P<number>[0-9]{1,9})", re.ASCII)


class BadEventId(ValueError):
    """A Last-Event-ID that no frame of this stream ever had."""


def seen_frames(event_id: str, stream_id: str) -> int:
    """How many durable frames a client has seen whose last id was ``event_id``; "" is none at all."""
    if not event_id:
        return 0
    match = _EVENT_ID.fullmatch(event_id)
    if match is None or match["stream"] != stream_id:
        raise BadEventId(f"not an id of stream {stream_id}")
    return int(match["number"])
