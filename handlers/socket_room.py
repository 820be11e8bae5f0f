"""The room that a WebSocket's message has while it is read, when it is longer than usual: see large_bodies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from streamchat.handlers.large_bodies import LargeBodies, reading_seconds


class MessageRoom:
    """One socket's; it reads one message at a time. ``usual_bytes`` of a message need no room.

    ``caller`` tells whose it is, ``felt`` that more has come of it. ``give_up`` is called when it takes longer than a
    message of ``max_bytes`` may.
    """

    __slots__ = ("_caller", "_give_up", "_large", "_seconds", "_taken_bytes", "_timer", "felt", "usual_bytes")

    def __init__(
        self,
        large: LargeBodies,
        caller: Callable[[], str],
        felt: Callable[[], None],
        give_up: Callable[[], None],
        *,
        usual_bytes: int,
        max_bytes: int,
    ) -> None:
        self._large = large
        self._caller = caller
        self.felt = felt
        self._give_up = give_up
        self.usual_bytes = usual_bytes
        self._seconds = reading_seconds(max_bytes)
        self._taken_bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def take(self, size: int) -> None:
        """The message has ``size`` bytes, or more. Raises Refused when there is no room for it."""
        if size <= self._taken_bytes:
            return
        self._large.enter(self._caller(), size - self._taken_bytes)
        self._taken_bytes = size
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._give_up)

    def has_all(self) -> None:
        """The message has been read; it has its room until it has been answered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def leave(self) -> None:
        """The message has been answered, or never will be."""
        self.has_all()
        if self._taken_bytes:
            self._large.leave(self._caller(), self._taken_bytes)
            self._taken_bytes = 0
