"""Writes one reader's frames to one connection, under a stall limit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from tornado.iostream import IOStream, StreamClosedError

from streamchat.handlers.open_streams import OpenStreams
from streamchat.handlers.tally import Tally
from streamchat.presenting.frames import AnyFrame, Chunk
from streamchat.turns.observer import Leaving
from streamchat.turns.rounds import Rounds
from streamchat.wire.wire import Wire

# What a client has to take within the stall limit.
PIECE_BYTES = 16_384

# RFC 9112, section 7.1. Nearly every chunk is so short that what stands before it can be looked up.
_LAST_CHUNK = b"0\r\n\r\n"
_SIZE_LINES = [b"%x\r\n" % size for size in range(1_024)]

# A client has been sent all there was to say to it.
CLEAN_ENDS: tuple[Leaving, ...] = ("finished", "failed")


class Stalled(Exception):
    """The client has not taken a piece within the stall limit."""


class Opening(Protocol):
    """A response that has not begun."""

    def open_stream(self, data: bytes) -> IOStream:
        """Write the headers and ``data``, and let go of the connection: it is among the open streams then."""

    def drop(self) -> None:
        """Close the connection without an answer."""


class SseDelivery:
    """The one writer of a streaming response. Chunks, which nearly all frames are, leave at the end of a round.

    ``open_streams`` has the connection for so long, and is given it back when ``keeps_alive`` says that the client may
    have another request. Without ``is_chunked``, which is HTTP/1.0, the end of the connection is that of the stream.
    """

    __slots__ = (
        "_has_ended",
        "_is_chunked",
        "_keeps_alive",
        "_leaving",
        "_on_end",
        "_on_gone",
        "_open_streams",
        "_opening",
        "_room",
        "_rounds",
        "_socket_send",
        "_stall_seconds",
        "_stream",
        "_wire",
        "tally",
    )

    def __init__(
        self,
        opening: Opening,
        wire: Wire,
        rounds: Rounds,
        open_streams: OpenStreams,
        *,
        is_chunked: bool,
        keeps_alive: bool,
        stall_seconds: float,
        received_at: float,
        on_gone: Callable[[], None],
        on_end: Callable[[Leaving], None] | None = None,
    ) -> None:
        self._opening: Opening | None = opening
        self._wire = wire
        self._rounds = rounds
        self._open_streams = open_streams
        self._is_chunked = is_chunked
        self._keeps_alive = keeps_alive
        self._stall_seconds = stall_seconds
        self._on_gone = on_gone
        self._on_end = on_end
        self.tally = Tally(received_at)
        self._leaving = b""  # at the end of the round
        self._has_ended = False  # the body, as HTTP has it
        self._room: asyncio.Future[None] | None = None  # that what was to leave has to wait for
        self._stream: IOStream | None = None
        self._socket_send: Callable[[bytes], int]

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
        if self._room is None and type(frames[-1]) is Chunk:
            if not self._leaving:
                self._rounds.call_last(self._leave)
            self._leaving += data
            return None
        data, self._leaving = self._framed(self._leaving + data), b""
        if frames[-1].is_terminal and self._is_chunked:
            # What it is to the client, too, and one packet less.
            self._has_ended = True
            data += _LAST_CHUNK
        if self._room is None:
            return self._write(stream, data)
        held_up, self._room = self._room, None
        return asyncio.ensure_future(self._write_after(held_up, stream, data))

    def end(self, leaving: Leaving) -> None:
        """End the response: cleanly when all has been said, and not at all when the client has left before."""
        opening, stream = self._opening, self._stream
        if opening is not None:
            self._opening = None
            opening.drop()
        elif stream is not None:
            if leaving in CLEAN_ENDS and not stream.closed():
                self._finish(stream)
            else:
                self._close(stream)
        if self._on_end is not None:
            self._on_end(leaving)

    def _leave(self) -> None:
        """The end of the round; what was to leave then may have left before, with a frame that could not wait."""
        data, self._leaving = self._leaving, b""
        if data and self._stream is not None:
            self._room = self._write(self._stream, self._framed(data))
            if self._room is not None:
                # Whoever follows may never ask for it: that the client has gone may be seen first.
                self._room.add_done_callback(_look_at)

    def _begin(self, data: bytes) -> asyncio.Future[None] | None:
        """The first piece takes the headers with it, so it goes through Tornado, which has no more to do then."""
        opening, self._opening = self._opening, None
        assert opening is not None
        stream = self._stream = opening.open_stream(data[:PIECE_BYTES])
        stream.set_close_callback(self._on_gone)
        if stream.closed():
            raise StreamClosedError
        # Or the kernel keeps a frame back until the client has acknowledged the one before, which may take 40 ms and
        # the way there and back.
        stream.set_nodelay(True)
        self._socket_send = stream.socket.send
        rest = self._framed(data[PIECE_BYTES:])
        if not stream.writing():
            return self._write(stream, rest) if rest else None
        # Nothing more is written here: this is done when what was written before has left.
        begun = within(stream.write(b""), self._stall_seconds)
        return asyncio.ensure_future(self._write_after(begun, stream, rest)) if rest else begun

    def _finish(self, stream: IOStream) -> None:
        """All has left. Let the connection have another request, or close it."""
        written = stream.write(_LAST_CHUNK if self._is_chunked and not self._has_ended else b"")
        if not self._keeps_alive:
            written.add_done_callback(lambda _: self._close(stream))
        elif stream.closed():
            self._open_streams.remove(stream)
        else:
            self._open_streams.give_back(stream)

    def _close(self, stream: IOStream) -> None:
        self._open_streams.remove(stream)
        stream.close()

    async def _write_after(self, begun: asyncio.Future[None], stream: IOStream, data: bytes) -> None:
        await begun
        left = self._write(stream, data)
        if left is not None:
            await left

    def _framed(self, data: bytes) -> bytes:
        """One chunk of the body; nothing has none, for it would end the response."""
        if not (self._is_chunked and data):
            return data
        size = len(data)
        return (_SIZE_LINES[size] if size < len(_SIZE_LINES) else b"%x\r\n" % size) + data + b"\r\n"

    def _write(self, stream: IOStream, data: bytes) -> asyncio.Future[None] | None:
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
