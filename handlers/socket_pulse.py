"""Whether somebody is still at the other end of a WebSocket: pings, and what it means when none is answered."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

# Pings of sockets that were opened together must not fall due together.
_JITTER = 0.2


class Pulse:
    """Pings every ``interval_seconds``, less some jitter; ``give_up`` is called after ``patience_seconds`` of silence.

    While the client has to take something first (``is_held_up``), it is the writer that is patient or not: an answer
    could only come after that.
    """

    __slots__ = (
        "_asked_at",
        "_give_up",
        "_interval_seconds",
        "_is_held_up",
        "_loop",
        "_patience_seconds",
        "_ping",
        "_timer",
    )

    def __init__(
        self,
        ping: Callable[[], None],
        give_up: Callable[[], None],
        is_held_up: Callable[[], bool],
        *,
        interval_seconds: float,
        patience_seconds: float,
    ) -> None:
        self._ping = ping
        self._give_up = give_up
        self._is_held_up = is_held_up
        self._interval_seconds = interval_seconds
        self._patience_seconds = patience_seconds
        self._loop = asyncio.get_running_loop()
        self._asked_at: float | None = None
        self._timer = self._loop.call_later(self._pause(), self._beat)

    def felt(self) -> None:
        """The client has given a sign of life."""
        self._asked_at = None

    def stop(self) -> None:
        """Ping no more."""
        self._timer.cancel()

    def _beat(self) -> None:
        now = self._loop.time()
        if self._is_held_up():
            self._asked_at = None
        elif self._asked_at is None:
            self._asked_at = now
            self._ping()
        elif now - self._asked_at >= self._patience_seconds:
            self._give_up()
            return
        else:
            self._ping()
        self._timer = self._loop.call_later(self._pause(), self._beat)

    def _pause(self) -> float:
        return self._interval_seconds * (1.0 - _JITTER * random.random())
