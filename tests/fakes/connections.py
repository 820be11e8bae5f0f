"""A connection in a test's hands: how much the kernel takes, and when the rest is taken."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

from tornado.iostream import StreamClosedError


class SlowStream:
    """A Tornado stream to a client whose kernel takes ``room`` bytes at a time, and the rest when the test says so."""

    def __init__(self) -> None:
        self.room = 0
        self.taken = bytearray()
        self.waiting: asyncio.Future[None] | None = None
        self.largest = 0
        self.is_closed = False
        self.is_prompt = False
        self.socket = self

    def set_nodelay(self, value: bool) -> None:
        self.is_prompt = value

    def send(self, data: bytes) -> int:
        if self.is_closed:
            raise OSError("closed")
        if not self.room:
            raise BlockingIOError
        self.taken += data[: self.room]
        return min(self.room, len(data))

    def write(self, data: memoryview) -> asyncio.Future[None]:
        if self.is_closed:
            raise StreamClosedError
        assert self.waiting is None or self.waiting.done(), "one writer, one piece at a time"
        self.taken += data
        self.largest = max(self.largest, len(data))
        self.waiting = asyncio.get_running_loop().create_future()
        return self.waiting

    def closed(self) -> bool:
        return self.is_closed


class OpenResponse:
    """A request handler whose headers leave at once, or when the test says so."""

    def __init__(self, stream: SlowStream, version: str = "HTTP/1.1", *, is_slow: bool = False) -> None:
        self.request = SimpleNamespace(version=version, connection=SimpleNamespace(stream=stream))
        self.first = b""
        self.flushed = asyncio.get_running_loop().create_future()
        if not is_slow:
            self.flushed.set_result(None)

    def write(self, data: bytes) -> None:
        self.first += data

    def flush(self) -> asyncio.Future[None]:
        return self.flushed


class BodyConnection:
    """A Tornado connection that a body is read from: keeps the limits that it is given."""

    def __init__(self) -> None:
        self.max_body_size = 0
        self.body_seconds = 0.0

    def set_max_body_size(self, size: int) -> None:
        self.max_body_size = size

    def set_body_timeout(self, seconds: float) -> None:
        self.body_seconds = seconds
