"""The one writer of a WebSocket: messages from many, in fair turns, under a stall limit. Knows no message's meaning.

Tornado writes pings, pongs and the close itself, in between: all that is handed to the stream is whole fragments.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from tornado.iostream import IOStream, StreamClosedError

from streamchat.handlers.delivery import PIECE_BYTES, Stalled, within
from streamchat.wire.websocket import ends_message


class _Lane:
    """What one giver has waiting; its ``room`` is done when all of it has left."""

    __slots__ = ("fragments", "room")

    def __init__(self, fragments: Sequence[bytes]) -> None:
        self.fragments = deque(fragments)
        self.room: asyncio.Future[None] | None = None


class SocketWriter:
    """Writes to one stream. Whoever gives messages waits for room before it gives more: so what waits is bounded.

    ``may_write`` tells whether messages may still be sent: nothing follows a close.
    """

    __slots__ = ("_lanes", "_may_write", "_stall_seconds", "_stream", "_writing")

    def __init__(self, stream: IOStream, *, stall_seconds: float, may_write: Callable[[], bool]) -> None:
        self._stream = stream
        self._stall_seconds = stall_seconds
        self._may_write = may_write
        self._lanes: deque[_Lane] = deque()
        self._writing: asyncio.Task[None] | None = None

    @property
    def is_held_up(self) -> bool:
        """Whether the client has to take something before more is sent."""
        return self._writing is not None

    @property
    def waiting_bytes(self) -> int:
        """What waits to be sent, but for a piece that is on its way."""
        return sum(len(fragment) for lane in self._lanes for fragment in lane.fragments)

    def put(self, fragments: Sequence[bytes]) -> asyncio.Future[None] | None:
        """Send whole messages. Returns None when all has left, or a future that is done once it has.

        The future fails with Stalled when the client does not take a piece within the stall limit. Raises
        StreamClosedError, now or through the future, when the client has gone.
        """
        if not self._may_write():
            raise StreamClosedError
        if not fragments:
            return None
        lane = _Lane(fragments)
        self._lanes.append(lane)
        if self._writing is None:
            self._write_now()
        if self._writing is None:
            return None
        lane.room = asyncio.get_running_loop().create_future()
        return lane.room

    def _write_now(self) -> None:
        while self._lanes:
            piece, emptied = self._gather()
            sent = self._send(piece)
            if sent < len(piece):
                # The stream has the rest before anybody else writes to it: a pong must not come amid a fragment.
                begun = within(self._stream.write(piece[sent:]), self._stall_seconds)
                self._writing = asyncio.create_task(self._write_rest(begun, emptied), name="write to a socket")
                return

    def _send(self, piece: bytes) -> int:
        """Hand ``piece`` to the kernel, past the stream's buffer when that is empty; see SseDelivery."""
        if self._stream.closed():
            raise StreamClosedError
        if self._stream.writing():
            return 0
        try:
            return self._stream.socket.send(piece)
        except OSError:
            return 0  # no room, or nobody there: the stream's own write tells which

    def _gather(self) -> tuple[bytes, list[_Lane]]:
        """About a piece of what waits, one message of each lane in turn; and the lanes that are empty then."""
        gathered, size, emptied = list[bytes](), 0, list[_Lane]()
        while self._lanes and size < PIECE_BYTES:
            lane = self._lanes[0]
            fragment = lane.fragments.popleft()
            gathered.append(fragment)
            size += len(fragment)
            if not lane.fragments:
                emptied.append(self._lanes.popleft())
            elif ends_message(fragment):
                self._lanes.rotate(-1)
        return b"".join(gathered), emptied

    async def _write_rest(self, begun: asyncio.Future[None], emptied: list[_Lane]) -> None:
        """Wait for what the kernel had no room for, and write what has come meanwhile, piece by piece."""
        try:
            await begun
            _tell(emptied)
            while self._lanes:
                if not self._may_write():
                    raise StreamClosedError
                piece, emptied = self._gather()
                await within(self._stream.write(piece), self._stall_seconds)
                _tell(emptied)
        except (Stalled, StreamClosedError) as gone:
            _tell([*emptied, *self._lanes], gone)
            self._lanes.clear()
            if isinstance(gone, Stalled):
                self._stream.close()
        finally:
            self._writing = None


def _tell(lanes: Sequence[_Lane], error: Exception | None = None) -> None:
    for lane in lanes:
        if lane.room is None or lane.room.done():
            continue
        if error is None:
            lane.room.set_result(None)
        else:
            lane.room.set_exception(error)
