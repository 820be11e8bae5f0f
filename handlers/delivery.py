"""Writes one reader's frames to one connection, under a stall limit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tornado.iostream import IOStream, StreamClosedError
from tornado.web import RequestHandler

from streamchat.handlers.outbox import Outbox
from streamchat.handlers.tally import Tally
from streamchat.presenting.frames import AnyFrame, Chunk
from streamchat.turns.observer import Leaving
from streamchat.wire.wire import Wire

# What a client has to take within the stall limit.
PIECE_BYTES = 16_384


class Stalled(Exception):
    """The client has not taken a piece within the stall limit."""


class SseDelivery:
    """The one writer of a streaming response. Chunks, which nearly all frames are, leave through the outbox."""

    __slots__ = (
        "_handler",
        "_is_chunked",
        "_leaving",
        "_outbox",
        "_room",
        "_socket_send",
        "_stall_seconds",
        "_stream",
        "_wire",
        "tally",
    )

    def __init__(
        self, handler: RequestHandler, wire: Wire, outbox: Outbox, *, stall_seconds: float, received_at: float
    ) -> None:
        self._handler = handler
        self._wire = wire
        self._outbox = outbox
        self._stall_seconds = stall_seconds
        self.tally = Tally(received_at)
        self._leaving = b""  # what is in the outbox
        self._room: asyncio.Future[None] | None = None  # that what was in the outbox has to wait for
        self._stream: IOStream | None = None
        self._socket_send: Callable[[bytes], int]
        self._is_chunked = handler.request.version == "HTTP/1.1"

    def deliver(self, frames: list[AnyFrame]) -> asyncio.Future[None] | None:
        """Write and flush. Returns None when there is room for more, or else a future that is done once there is.

        What becomes of chunks is told by the next call. The future fails with Stalled when the client does not take
        PIECE_BYTES within the stall limit. Raises StreamClosedError, now or through the future, when the client has
        gone.
        """
        data, stream = self._wire.encode(frames), self._stream
        self.tally.count(frames)
        if stream is None:
            return self._begin(data)
        if not data:
            return None  # the dialect has no words for these; a chunk without bytes would end the response
        if self._room is not None:
            held_up, self._room = self._room, None
            return asyncio.ensure_future(self._write_after(held_up, stream, data))
        if type(frames[-1]) is Chunk:
            if not self._leaving:
                self._outbox.put(self._leave)
            self._leaving += data
            return None
        data, self._leaving = self._leaving + data, b""
        return self._write(stream, data)

    def end(self, leaving: Leaving) -> None:
        """End the response: cleanly when all has been said, and not at all when the client has left before."""
        if leaving not in ("finished", "failed"):
            drop(self._handler)
            return
        finished = self._handler.finish()
        if not self._is_chunked:
            # The end of the connection is the end of the stream.
            finished.add_done_callback(lambda _: drop(self._handler))

    def _leave(self) -> None:
        """Called by the outbox; what was in it may have left before, with a frame that could not wait."""
        data, self._leaving = self._leaving, b""
        if data and self._stream is not None:
            self._room = self._write(self._stream, data)
            if self._room is not None:
                # Whoever follows may never ask for it: that the client has gone may be seen first.
                self._room.add_done_callback(_look_at)

    def _begin(self, data: bytes) -> asyncio.Future[None] | None:
        """The first piece takes the headers with it, so it goes through Tornado."""
        connection: Any = self._handler.request.connection
        stream = self._stream = connection.stream
        # Or the kernel keeps a frame back until the client has acknowledged the one before, which may take 40 ms and
        # the way there and back.
        stream.set_nodelay(True)
        self._handler.write(data[:PIECE_BYTES])
        written = self._handler.flush()
        if stream.closed():
            raise StreamClosedError
        self._socket_send = stream.socket.send
        rest = data[PIECE_BYTES:]
        if written.done():
            return self._write(stream, rest) if rest else None
        begun = within(written, self._stall_seconds)
        return asyncio.ensure_future(self._write_after(begun, stream, rest)) if rest else begun

    async def _write_after(self, begun: asyncio.Future[None], stream: IOStream, data: bytes) -> None:
        await begun
        left = self._write(stream, data)
        if left is not None:
            await left

    def _write(self, stream: IOStream, data: bytes) -> asyncio.Future[None] | None:
        if self._is_chunked:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        # A frame nearly always fits into the kernel's buffer. Then it needs no place in the stream's one, where nothing
        # waits now, and no future to tell when it has left there: a third of what a frame costs.
        try:
            sent = self._socket_send(data)
        except OSError:
            sent = 0  # no room, or nobody there: the stream's own write tells which
        if sent == len(data):
            return None
        return asyncio.ensure_future(self._write_rest(stream, memoryview(data)[sent:]))

    async def _write_rest(self, stream: IOStream, rest: memoryview) -> None:
        """Write what the kernel had no room for, by pieces: who takes them slowly is not stalled."""
        for start in range(0, len(rest), PIECE_BYTES):
            await within(stream.write(rest[start : start + PIECE_BYTES]), self._stall_seconds)


def _look_at(done: asyncio.Future[None]) -> None:
    """An exception that nobody has looked at is logged as an error."""
    if not done.cancelled():
        done.exception()


def within(written: asyncio.Future[None], seconds: float) -> asyncio.Future[None]:
    """The same future, but it fails with Stalled after ``seconds``."""
    loop = asyncio.get_running_loop()
    limited: asyncio.Future[None] = loop.create_future()

    def settle(done: asyncio.Future[None]) -> None:
        timer.cancel()
        error = None if done.cancelled() else done.exception()
        if limited.done():
            return
        if error is None:
            limited.set_result(None)
        else:
            limited.set_exception(error)

    def give_up() -> None:
        if not limited.done():
            limited.set_exception(Stalled())

    timer = loop.call_later(seconds, give_up)
    written.add_done_callback(settle)
    return limited


def drop(handler: RequestHandler) -> None:
    """Close the connection without a clean end: what was sent must not look whole."""
    connection: Any = handler.request.connection
    if connection is not None and connection.stream is not None:
        connection.stream.close()
