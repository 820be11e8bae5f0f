"""How many read one turn now, and how long it goes on when nobody does. Knows no reader's place."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from streamchat.turns.call_later import CallLater
from streamchat.turns.query import OnDisconnect


def patience_of(on_disconnect: OnDisconnect, linger_seconds: float) -> float | None:
    """How many seconds a turn goes on that its last reader has left; None: to its end."""
    match on_disconnect:
        case "continue":
            return None
        case "cancel":
            return 0.0
        case "grace":
            return linger_seconds


class Readership:
    """One turn's, which has so many ``patience_seconds``."""

    __slots__ = ("_call_later", "_patience_seconds", "_timer", "count")

    def __init__(self, call_later: CallLater, patience_seconds: float | None) -> None:
        self.count = 0
        self._call_later = call_later
        self._patience_seconds = patience_seconds
        self._timer: Any = None

    def came(self) -> None:
        """One more reads."""
        self.count += 1
        self._be_calm()

    def left(self, give_up: Callable[[], None]) -> None:
        """One has left; ``give_up`` is called when nobody comes in time and the turn has not ended by then."""
        self.count -= 1
        if not self.count and self._patience_seconds is not None:
            self._timer = self._call_later(self._patience_seconds, partial(self._run_out, give_up))

    def close(self) -> None:
        """The turn has ended: there is nothing to give up."""
        self._patience_seconds = None
        self._be_calm()

    def _run_out(self, give_up: Callable[[], None]) -> None:
        self._timer = None
        give_up()

    def _be_calm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
