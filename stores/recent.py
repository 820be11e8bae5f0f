"""What was read a moment ago, so that the same row is not read for every request. Knows no database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """Values by key, each for ``seconds`` after it was put, at most ``most`` of them.

    All live equally long, so the first is the oldest. A row that changes elsewhere is seen that much later.
    """

    def __init__(self, *, seconds: float, most: int, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._most = most
        self._clock = clock
        self._entries: dict[str, tuple[Value, float]] = {}

    def get(self, key: str) -> Value | None:
        """The value, unless it is too old or was never put."""
        value, expires_at = self._entries.get(key, (None, 0.0))
        return value if self._clock() < expires_at else None

    def put(self, key: str, value: Value) -> None:
        """Keep the value from now on."""
        self.forget(key)
        if len(self._entries) >= self._most:
            del self._entries[next(iter(self._entries))]
        self._entries[key] = value, self._clock() + self._seconds

    def forget(self, key: str) -> None:
        """The value has changed or is gone."""
        self._entries.pop(key, None)
