"""A turn's time limit. It stands still while the function waits for its user: a person's time is not the function's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streamchat.turns.call_later import CallLater


def _nobody() -> None:
    """Nobody is to be called."""


class Deadline:
    """Calls ``ring`` once, when the time is over. Times are ``clock()`` seconds; ``call_later`` goes by it."""

    __slots__ = ("_at", "_call_later", "_clock", "_left", "_ring", "_timer")

    def __init__(
        self,
        call_later: CallLater,
        clock: Callable[[], float],
        ring: Callable[[], None],
    ) -> None:
        self._call_later = call_later
        self._clock = clock
        self._ring = ring
        self._at = 0.0
        self._left = 0.0
        self._timer: Any = None

    def start(self, seconds: float) -> float:
        """Let the time run from now on; returns when it will be over."""
        self._at = self._clock() + seconds
        self._timer = self._call_later(seconds, self._ring)
        return self._at

    @property
    def is_over(self) -> bool:
        """Whether the time has run out, though nobody may have been called yet."""
        return self._timer is not None and self._clock() >= self._at

    def hold(self) -> None:
        """Let the time stand still."""
        self._left = max(0.0, self._at - self._clock())
        self._stop()

    def resume(self) -> None:
        """Go on with the time that is left."""
        self.start(self._left)

    def close(self) -> None:
        """Never ring, and let go of who would have been called."""
        self._stop()
        self._ring = _nobody

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
