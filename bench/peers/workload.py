"""What every peer is asked for, and the frames it answers with: the same fields and the same JSON encoder as ours.

A peer is started without arguments, says its port on one line and serves ``GET /stream?frames=&gap=&size=``. It gives
the loop a turn after every frame, also when it streams as fast as it can: a frame is an event of its own.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import parse_qs

import ujson

HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
CONTENT_TYPE = "text/event-stream; charset=utf-8"
_LETTERS = "a quick brown fox jumps over the lazy dog and naps "


class Wanted(NamedTuple):
    """One stream: so many frames of ``size`` characters, and ``gap`` seconds of sleep after each; 0 only yields."""

    frames: int
    gap: float
    size: int


class Event(NamedTuple):
    """One frame before it is framed."""

    data: str
    id: str


def wanted_of(query: str) -> Wanted:
    """The stream that a query string asks for."""
    fields = {name: values[0] for name, values in parse_qs(query).items()}
    return Wanted(int(fields["frames"]), float(fields["gap"]), int(fields["size"]))


def events_of(wanted: Wanted) -> Iterator[Event]:
    """Every event of a stream, the terminal one included, each encoded when it is asked for."""
    total = wanted.frames * wanted.size
    text = (_LETTERS * (wanted.size // len(_LETTERS) + 1))[: wanted.size]
    for number in range(1, wanted.frames + 1):
        position = number * wanted.size
        payload = {"success": True, "data": text, "status": "streaming", "progress": round(100.0 * position / total, 1)}
        payload |= {"is_complete": False, "total_length": total, "current_position": position}
        yield Event(_json(payload), f"st_0123456789abcdefghij:{number}")
    end = {"success": True, "data": "", "status": "complete", "is_complete": True}
    yield Event(_json(end), f"st_0123456789abcdefghij:{wanted.frames + 1}")


def framed(event: Event) -> bytes:
    """The event as server-sent events have it."""
    return f"data: {event.data}\nid: {event.id}\n\n".encode()


def listening_socket() -> socket.socket:
    """A socket on a free loopback port; its number is printed for whoever started this server."""
    # With its protocol said: asyncio sends at once (TCP_NODELAY) only on sockets that name it, as its own do.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen(4_096)
    listening.setblocking(False)
    print(listening.getsockname()[1], flush=True)
    return listening


def _json(payload: dict[str, object]) -> str:
    return ujson.dumps(payload, ensure_ascii=False, escape_forward_slashes=False, allow_nan=False)
