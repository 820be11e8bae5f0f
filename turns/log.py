"""What happened in one turn, in order: appended once, read by any number of readers.

Two rules. A fact is never changed and never removed. After Ended nothing is accepted but one Withdrawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import Protocol

from streamchat.turns.events import Ended, Entry, Fact, Notice, Withdrawn, size_of

# What CPython takes for an entry and its fact, and for a character of mixed text: estimates for the memory bounds.
BYTES_PER_FACT = 200
BYTES_PER_CHARACTER = 2


class LogClosed(Exception):
    """The turn has ended: a late fact is refused."""


class EventLog(Protocol):
    """Where a turn's facts live; a fleet puts another implementation in this place.

    ``notice`` is the latest notice, ``size`` the characters of all facts, ``bytes`` about what they occupy.
    """

    notice: Notice | None
    size: int
    is_withdrawn: bool

    @property
    def bytes(self) -> int:
        """About how much memory the log holds."""

    def __len__(self) -> int:
        """How many facts there are."""

    def append(self, at: float, fact: Fact) -> None:
        """Write a fact that happened ``at`` seconds after the turn was accepted; LogClosed after the end."""

    def notify(self, notice: Notice) -> None:
        """Show ``notice`` to whoever reads now, instead of the one before."""

    def read(self, start: int) -> Sequence[Entry]:
        """Every entry from index ``start`` on."""

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` after every append and notify."""

    def unsubscribe(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` no more."""


class MemoryLog:
    """An EventLog in this process's memory."""

    __slots__ = (
        "_closed",
        "_entries",
        "_latest_at",
        "_wakes",
        "is_withdrawn",
        "notice",
        "size",
    )

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._wakes: list[Callable[[], None]] = []
        self._closed = False
        self._latest_at = -inf
        self.is_withdrawn = False
        self.notice: Notice | None = None
        self.size = 0

    def append(self, at: float, fact: Fact) -> None:
        # Asked first, because nearly every fact is such.
        if type(fact) is str:
            if self._closed:
                raise LogClosed("the turn has ended")
            self.size += len(fact)
        else:
            self._guard(fact)
            self.size += size_of(fact)
        # Time never runs backwards in a log: readers replay it as it was.
        if at < self._latest_at:
            at = self._latest_at
        self._latest_at = at
        self._entries.append((at, fact))
        self._wake()

    def notify(self, notice: Notice) -> None:
        self.notice = notice
        self._wake()

    def read(self, start: int) -> Sequence[Entry]:
        return self._entries[start:]

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def bytes(self) -> int:
        return BYTES_PER_FACT * len(self._entries) + BYTES_PER_CHARACTER * self.size

    def subscribe(self, wake: Callable[[], None]) -> None:
        self._wakes.append(wake)

    def unsubscribe(self, wake: Callable[[], None]) -> None:
        self._wakes.remove(wake)

    def _guard(self, fact: Fact) -> None:
        if isinstance(fact, Withdrawn):
            if not self._closed or self.is_withdrawn:
                raise LogClosed("only an ended turn can be withdrawn, and only once")
            self.is_withdrawn = True
        elif self._closed:
            raise LogClosed("the turn has ended")
        self._closed = self._closed or isinstance(fact, Ended)

    def _wake(self) -> None:
        for wake in tuple(self._wakes):
            wake()
