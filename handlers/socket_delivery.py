"""Where the frames of one turn on a WebSocket go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from streamchat.handlers.socket_writer import SocketWriter
from streamchat.handlers.tally import Tally
from streamchat.presenting.frames import AnyFrame
from streamchat.turns.observer import Leaving
from streamchat.wire.websocket import WebSocketWire


class SocketDelivery:
    """Gives one turn's frames to the socket's writer, and counts them."""

    __slots__ = ("_on_end", "_wire", "_writer", "tally")

    def __init__(self, writer: SocketWriter, stream_id: str, *, received_at: float, on_end: Callable[[], None]) -> None:
        self._writer = writer
        self._wire = WebSocketWire(stream_id)
        self._on_end = on_end
        self.tally = Tally(received_at)

    def deliver(self, frames: list[AnyFrame]) -> asyncio.Future[None] | None:
        """As SocketWriter.put: None when all has left, or a future that is done once there is room for more."""
        room = self._writer.put(self._wire.messages(frames))
        self.tally.count(frames)
        return room

    def end(self, leaving: Leaving) -> None:
        """The socket stays open, whatever has become of this turn."""
        self._on_end()
