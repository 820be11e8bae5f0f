"""How long a function has waited for its user: that is the user's time, not the function's. Knows no clock."""

from __future__ import annotations


class UserTime:
    """Counts while at least one question is ``open``. All times are seconds since the turn was accepted."""

    __slots__ = ("_since", "_waited", "open")

    def __init__(self) -> None:
        self.open = 0
        self._waited = 0.0
        self._since = 0.0

    def asked(self, at: float) -> None:
        """One more question is open."""
        if not self.open:
            self._since = at
        self.open += 1

    def closed(self, at: float) -> None:
        """One of them is answered, or has expired."""
        self._waited, self._since = self.until(at), at
        self.open -= 1

    def until(self, at: float) -> float:
        """Seconds that have been waited by then."""
        return self._waited + (at - self._since if self.open else 0.0)
