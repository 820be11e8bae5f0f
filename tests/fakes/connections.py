"""A connection in a test's hands: how much the kernel takes, and when the rest is taken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from tornado.iostream import IOStream, StreamClosedError


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
        self.on_closed: Callable[[], None] | None = None

    def set_nodelay(self, value: bool) -> None:
        self.is_prompt = value

    def send(self, data: bytes) -> int:
        if self.is_closed:
            raise OSError("closed")
        if not self.room:
            raise BlockingIOError
        self.taken += data[: self.room]
        return min(self.room, len(data))

    def set_close_callback(self, callback: Callable[[], None] | None) -> None:
        self.on_closed = callback

    def getpeername(self) -> tuple[str, int]:
        return "127.0.0.1", 1

    def writing(self) -> bool:
        return self.waiting is not None and not self.waiting.done()

    def write(self, data: memoryview) -> asyncio.Future[None]:
        if self.is_closed:
            raise StreamClosedError
        if not data and self.waiting is not None:
            return self.waiting
        assert self.waiting is None or self.waiting.done(), "one writer, one piece at a time"
        self.taken += data
        self.largest = max(self.largest, len(data))
        self.waiting = asyncio.get_running_loop().create_future()
        return self.waiting

    def closed(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True


class ResponseToOpen:
    """A response whose headers leave at once, or when the test sets ``flushed``."""

    def __init__(self, stream: SlowStream, *, is_slow: bool = False) -> None:
        self.first = b""
        self.flushed = asyncio.get_running_loop().create_future()
        self.is_dropped = False
        self._stream = stream
        if is_slow:
            stream.waiting = self.flushed

    def open_stream(self, data: bytes) -> IOStream:
        self.first += data
        return cast("IOStream", self._stream)

    def drop(self) -> None:
        self.is_dropped = True


class KeepingLender:
    """An HTTP server that serves nothing: it keeps what it has lent, and what it gets back."""

    def __init__(self) -> None:
        self.lent: list[object] = []
        self.taken_back: list[IOStream] = []

    def lend(self, connection: object) -> None:
        self.lent.append(connection)

    def take_back(self, stream: IOStream, address: object) -> None:
        self.taken_back.append(stream)


class BodyConnection:
    """A Tornado connection that a body is read from: keeps the limits that it is given."""

    def __init__(self) -> None:
        self.max_body_size = 0
        self.body_seconds = 0.0

    def set_max_body_size(self, size: int) -> None:
        self.max_body_size = size

    def set_body_timeout(self, seconds: float) -> None:
        self.body_seconds = seconds
