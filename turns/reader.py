"""A cursor on one turn's log, for one client: what is new, and a call when there is more of it or when it is time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from math import inf

from streamchat.turns.events import Entry, Notice
from streamchat.turns.log import EventLog, MemoryLog
from streamchat.turns.ticker import ROUNDING_SECONDS, Ticker

# The tick of an alarm that is not set.
_NEVER = sys.maxsize


def _nobody() -> None:
    """Nobody is to be woken."""


class Reader:
    """Reads a log from its start; ``close`` tells the turn that this client has left.

    Whoever follows is woken as a plain callback, never from inside of what has changed the log: ``listen`` says whom.
    Times are seconds since the turn was accepted.
    """

    __slots__ = (
        "_accepted_at",
        "_alarm_at",
        "_clock",
        "_cursor",
        "_is_waking",
        "_on_close",
        "_rings",
        "_rung_at",
        "_seen",
        "_tick",
        "_ticker",
        "_wake",
        "has_news",
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
        self.log: EventLog = log
        self.is_closed = False
        self.has_news = True
        self._accepted_at = accepted_at
        self._cursor = 0
        self._seen: Notice | None = None
        self._clock = clock
        self._ticker = ticker
        self._tick = _NEVER  # of the alarm that is to wake, and its time
        self._alarm_at = inf
        self._rings: list[int] = []  # ticks at which the ticker will call, the next one last
        self._rung_at = 0.0
        self._on_close = on_close
        self._wake: Callable[[], None] = _nobody
        self._is_waking = False
        log.subscribe(self._log_changed)

    @property
    def now(self) -> float:
        """Seconds since the turn was accepted; never before an alarm that has rung, though a loop may ring early."""
        now = self._clock() - self._accepted_at
        return now if now > self._rung_at else self._rung_at

    def take(self) -> Sequence[Entry]:
        """The entries that were appended since the last call."""
        self.has_news = False
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

    def listen(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` soon after the log has grown, a notice has changed, or the reader was closed; and at alarms."""
        self._wake = wake

    def wake_soon(self) -> None:
        """Wake in the loop's next round; once, however often and for whatever reason it is asked for."""
        if not self._is_waking:
            self._is_waking = True
            self._ticker.rounds.call(self._wake_now)

    def ignore(self) -> None:
        """Wake nobody any more."""
        self._wake = _nobody

    def alarm_at(self, when: float) -> None:
        """Wake at ``when``, late by at most a tick. Only the earliest alarm counts: after it, the next is set anew."""
        at = self._accepted_at + when
        if at >= self._alarm_at:
            return  # among them the keep-alive that every frame puts off
        tick = self._ticker.tick_at(at)
        if tick < self._tick:
            self._tick, self._alarm_at = tick, tick * self._ticker.tick_seconds
            self._have_it_ring(tick)

    def close(self) -> None:
        """Stop reading; closing twice is closing once."""
        if self.is_closed:
            return
        self.is_closed = True
        self.log.unsubscribe(self._log_changed)
        # An alarm that is still to ring holds this reader; it must not hold the log, which may be forgotten sooner.
        self.log = MemoryLog()
        self.wake_soon()
        on_close, self._on_close = self._on_close, _nobody
        on_close()

    def _log_changed(self) -> None:
        self.has_news = True
        self.wake_soon()

    def _wake_now(self) -> None:
        self._is_waking = False
        self._wake()

    def _have_it_ring(self, tick: int) -> None:
        # A call can't be taken back. The one of an alarm that was overtaken is kept for the alarms to come: a stream
        # that is silent and quick by turns would otherwise leave one call after another in the ticker.
        if not self._rings or tick < self._rings[-1]:
            self._rings.append(tick)
            self._ticker.call_at(tick, self._ring)

    def _ring(self, tick: int) -> None:
        self._rings.pop()
        if tick == self._tick:
            self._tick, self._alarm_at = _NEVER, inf
            # Twice, or what is due there might be missed by the last digit, and asked for at the same tick for ever.
            self._rung_at = tick * self._ticker.tick_seconds + 2 * ROUNDING_SECONDS - self._accepted_at
            self._wake()
        elif self._tick != _NEVER:
            self._have_it_ring(self._tick)
