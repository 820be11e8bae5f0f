"""The turns that one WebSocket follows: so many at a time, each with one reader, and shown to its end.

Knows no messages. Showing ends by itself when a turn is over or its reader is closed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from streamchat.handlers.errors import Refused, bad_field
from streamchat.handlers.rooms import Rooms
from streamchat.handlers.showing import show
from streamchat.handlers.socket_delivery import SocketDelivery
from streamchat.handlers.socket_writer import SocketWriter
from streamchat.presenting.frames import AnyFrame
from streamchat.presenting.presenter import Presenter
from streamchat.turns.reader import Reader
from streamchat.turns.turn import Turn

DOOR = "ws"


class SocketTurns:
    """Whoever opens a reader closes it, or has it shown: then it is closed at the end."""

    def __init__(self, rooms: Rooms, writer: SocketWriter) -> None:
        self._rooms = rooms
        self._writer = writer
        self._readers: dict[str, Reader] = {}
        self._opening = 0
        self._has_left = False

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place for one more turn, taken while it is being opened; Refused when there is none."""
        most = self._rooms.limits.max_socket_turns
        if len(self._readers) + self._opening >= most:
            raise Refused("rate_limited", limit=f"{most} turns on a WebSocket")
        self._opening += 1
        try:
            yield
        finally:
            self._opening -= 1

    def open_reader(self, turn: Turn) -> Reader:
        """The socket's one reader of the turn, closed at once when the client has left meanwhile; or Refused."""
        if turn.id in self._readers:
            raise bad_field("stream_id", f"{turn.id} is followed on this socket already")
        reader = self._readers[turn.id] = turn.open_reader()
        if self._has_left:
            reader.close()
        return reader

    def close_reader(self, turn: Turn) -> None:
        """The turn is followed no more."""
        self._readers.pop(turn.id).close()

    def show(
        self,
        turn: Turn,
        reader: Reader,
        presenter: Presenter,
        *,
        received_at: float,
        first: Sequence[AnyFrame],
        resumed: bool,
    ) -> None:
        """Have the turn shown from now on, ``first`` before what the presenter gives."""
        delivery = SocketDelivery(
            self._writer, turn.id, received_at=received_at, on_end=partial(self.close_reader, turn)
        )
        show(self._rooms, turn, reader, presenter, delivery, door=DOOR, first=first, resumed=resumed)

    def close(self) -> None:
        """The client has left: its readers close, and what shows them ends by itself."""
        self._has_left = True
        for reader in list(self._readers.values()):
            reader.close()
