"""Where the frames of one turn on a WebSocket go."""

from __future__ import annotations

import asyncio

from streamchat.handlers.socket_writer import SocketWriter
from streamchat.handlers.tally import Tally
from streamchat.presenting.frames import AnyFrame
from streamchat.wire.websocket import WebSocketWire


class SocketDelivery:
    """Gives one turn's frames to the socket's writer, and counts them."""

    __slots__ = ("_wire", "_writer", "tally")

    def __init__(self, writer: SocketWriter, stream_id: str, *, received_at: float) -> None:
        self._writer = writer
        self._wire = WebSocketWire(stream_id)
        self.tally = Tally(received_at)

    def deliver(self, frames: list[AnyFrame]) -> asyncio.Future[None] | None:
        """As SocketWriter.put: None when all has left, or a future that is done once there is room for more."""
        room = self._writer.put(self._wire.messages(frames))
        self.tally.count(frames)
        return room
