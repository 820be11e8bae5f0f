"""A cursor on one turn's log, for one client: what is new, and waiting for more of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from math import inf

from streamchat.turns.events import Entry, Notice
from streamchat.turns.log import EventLog
from streamchat.turns.ticker import Ticker


class Reader:
    """Reads a log from its start; ``close`` tells the turn that this client has left.

    Times are seconds since the turn was accepted. ``wait`` may return early, never late by more than
    a tick: whoever waits looks again.
    """

    __slots__ = (
        "_alarms",
        "_clock",
        "_cursor",
        "_loop",
        "_on_close",
        "_seen",
        "_ticker",
        "_unsubscribe",
        "_waiter",
        "accepted_at",
        "is_closed",
        "log",
    )

    def __init__(
        self,
        log: EventLog,
        *,
        accepted_at: float,
        clock: Callable[[], float],
        ticker: Ticker,
        on_close: Callable[[], None],
    ) -> None:
        self.log = log
        self.accepted_at = accepted_at
        self.is_closed = False
        self._cursor = 0
        self._seen: Notice | None = None
        self._loop = asyncio.get_running_loop()
        self._clock = clock
        self._ticker = ticker
        self._on_close = on_close
        self._alarms: list[float] = []  # those that are still to ring, the next one last
        self._waiter: asyncio.Future[None] | None = None
        self._unsubscribe = log.subscribe(self.wake)

    @property
    def now(self) -> float:
        """Seconds since the turn was accepted."""
        return self._clock() - self.accepted_at

    def take(self) -> Sequence[Entry]:
        """The entries that were appended since the last call."""
        if self._cursor == len(self.log):
            return ()
        entries = self.log.read(self._cursor)
        self._cursor += len(entries)
        return entries

    def take_notice(self) -> Notice | None:
        """The latest notice, once; None when it was taken already."""
        notice = self.log.notice
        if notice is self._seen:
            return None
        self._seen = notice
        return notice

    async def wait(self, until: float) -> None:
        """Wait until the log grows, a notice changes, ``wake`` is called, or the time ``until``."""
        if self.is_closed or self._cursor != len(self.log) or self.log.notice is not self._seen:
            return
        if until < (self._alarms[-1] if self._alarms else inf):
            self._alarms.append(until)
            self._ticker.call_at(self.accepted_at + until, self._alarm)
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def wake(self) -> None:
        """End the wait that is under way, if there is one."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def close(self) -> None:
        """Stop reading; closing twice is closing once."""
        if self.is_closed:
            return
        self.is_closed = True
        self._unsubscribe()
        self.wake()
        self._on_close()

    def _alarm(self) -> None:
        # An alarm can't be taken back: one that was overtaken by an earlier one may ring in vain.
        self._alarms.pop()
        self.wake()
