"""How many tokens an answer has taken so far, as its function says: written now and then, and the last word always.

A function may count at every token; the log must not grow by that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streamchat.turns.call_later import CallLater
from streamchat.turns.events import Usage

# Between two counts in a log.
USAGE_SECONDS = 0.5


class TokenCount:
    """One turn's. ``latest`` is what was said last; ``append`` writes into the turn's log."""

    def __init__(self, *, append: Callable[[Usage], None], call_later: CallLater) -> None:
        self.latest: Usage | None = None
        self._written: Usage | None = None
        self._append = append
        self._call_later = call_later
        self._timer: Any = None  # set while it is too early to write again

    def count(self, usage: Usage) -> None:
        """Take the totals so far: they are written at once, or with the last ones of this half second."""
        self.latest = usage
        if self._timer is None:
            self._write()

    def close(self) -> None:
        """The turn is about to end: write what is not written yet."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if self.latest is not None and self.latest != self._written:
            self._append(self.latest)

    def _write(self) -> None:
        self._timer = None
        if self.latest is None or self.latest == self._written:
            return
        self._written = self.latest
        self._append(self.latest)
        self._timer = self._call_later(USAGE_SECONDS, self._write)
