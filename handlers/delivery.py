"""Writes one reader's frames to one connection, under a stall limit, and keeps count of what left."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

from tornado.iostream import StreamClosedError
from tornado.web import RequestHandler

from streamchat.presenting.frames import Frame
from streamchat.turns.observer import Delivery, Leaving
from streamchat.wire.wire import Wire


class Stalled(Exception):
    """The client has taken nothing for the whole stall limit."""


class SseDelivery:
    """The one writer of a streaming response. Counts locally; nothing is told to an observer before the end."""

    def __init__(self, handler: RequestHandler, wire: Wire, *, stall_seconds: float, received_at: float) -> None:
        self._handler = handler
        self._wire = wire
        self._stall_seconds = stall_seconds
        self._received_at = received_at
        self._first_frame_at: float | None = None
        self._first_chunk_at: float | None = None
        self._last_chunk_at = 0.0
        self._chunks = self._characters = self._frames = 0
        self._end = ""

    async def deliver(self, frames: list[Frame]) -> None:
        """Write and flush. Raises Stalled, or StreamClosedError when the client has gone."""
        self._handler.write(self._wire.encode(frames))
        flushed = self._handler.flush()
        if not flushed.done():
            await self._drained(flushed)
        flushed.result()
        self._count(frames)

    async def _drained(self, flushed: asyncio.Future[None]) -> None:
        done, _ = await asyncio.wait([flushed], timeout=self._stall_seconds)
        if not done:
            # Nobody waits for this flush any more; its failure, once the socket is closed, is ours.
            flushed.add_done_callback(lambda future: future.cancelled() or future.exception())
            raise Stalled

    def _count(self, frames: list[Frame]) -> None:
        now = monotonic()
        self._first_frame_at = self._first_frame_at or now
        self._frames += len(frames)
        for payload, _, is_durable, is_terminal, _ in frames:
            if is_terminal:
                self._end = payload["status"]
            elif is_durable and payload["data"]:
                self._chunks += 1
                self._characters += len(payload["data"])
                self._first_chunk_at = self._first_chunk_at or now
                self._last_chunk_at = now

    def summary(self, door: str, leaving: Leaving, *, resumed: bool) -> Delivery:
        """What has left by now."""
        first_chunk = self._first_chunk_at
        return Delivery(
            door=door,
            resumed=resumed,
            leaving=leaving,
            end=self._end,
            first_frame_seconds=self._since_request(self._first_frame_at),
            first_chunk_seconds=self._since_request(first_chunk),
            streaming_seconds=self._last_chunk_at - first_chunk if first_chunk else 0.0,
            total_seconds=monotonic() - self._received_at,
            chunks=self._chunks,
            characters=self._characters,
            frames=self._frames,
        )

    def _since_request(self, at: float | None) -> float | None:
        return None if at is None else at - self._received_at


def drop(handler: RequestHandler) -> None:
    """Close the connection without a clean end: what was sent must not look whole."""
    connection: Any = handler.request.connection
    if connection is not None and connection.stream is not None:
        connection.stream.close()


def leaving_of(error: BaseException | None) -> Leaving:
    """How a reader left, by the exception that ended its loop."""
    match error:
        case None:
            return "finished"
        case Stalled():
            return "stalled"
        case StreamClosedError():
            return "client_gone"
        case _:
            return "failed"
