"""One timer for every stream that waits: a wheel of buckets instead of a sleep for each.

A stream that is paced waits ten times a second. With a loop timer of its own, each wait costs a heap
insert, a cancel and a wake-up of the selector; here all streams that are due within one tick share these.
"""

from __future__ import annotations

import asyncio
import heapq
import math
from collections.abc import Callable

from streamchat.turns.rounds import Rounds

# Short enough that nobody sees it in the pace, long enough that streams share wake-ups.
TICK_SECONDS = 0.005

# How far a time may be off that was added up of others. A clock of whole milliseconds puts every fifth time on a tick:
# one that is called there once, and a tick later the next time, would be off by a tick and back for good.
ROUNDING_SECONDS = 1e-6

# A loop may fire up to its clock's resolution early (uvloop: a millisecond); a tick later would double the wait.
_EARLY_SECONDS = 0.001


class Ticker:
    """Calls back at or up to one tick after the time asked for: all who are due, in one of ``rounds``.

    Times are ``loop.time()`` seconds.
    A tick is a number: ``tick * tick_seconds`` is the time it stands for.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, rounds: Rounds, tick_seconds: float = TICK_SECONDS) -> None:
        self.tick_seconds = tick_seconds
        self.rounds = rounds
        self._loop = loop
        self._buckets: dict[int, list[Callable[[int], None]]] = {}
        self._order: list[int] = []
        self._timer: asyncio.TimerHandle | None = None
        self._timer_tick = 0
        self._is_ringing = False

    def tick_at(self, when: float) -> int:
        """The first tick that is not before ``when``, but for ROUNDING_SECONDS."""
        return math.ceil((when - ROUNDING_SECONDS) / self.tick_seconds)

    def call_at(self, tick: int, ring: Callable[[int], None]) -> None:
        """Call ``ring`` with the tick once it has come. It can't be taken back: it must stand being called in vain."""
        bucket = self._buckets.get(tick)
        if bucket is not None:
            bucket.append(ring)
            return
        self._buckets[tick] = [ring]
        heapq.heappush(self._order, tick)
        if not self._is_ringing:
            self._set_timer()

    def _ring_bucket(self, tick: int) -> None:
        bucket = iter(self._buckets.pop(tick))
        try:
            for ring in bucket:
                ring(tick)
        finally:
            # One that fails must not silence the others: they are called in the loop's next round.
            for ring in bucket:
                self._loop.call_soon(ring, tick, context=self.rounds.context)

    def _set_timer(self) -> None:
        """One timer, for the earliest tick."""
        tick = self._order[0]
        if self._timer is not None:
            if self._timer_tick <= tick:
                return
            self._timer.cancel()
        self._timer_tick = tick
        self._timer = self._loop.call_at(tick * self.tick_seconds, self._ring, context=self.rounds.context)

    def _ring(self) -> None:
        self._timer = None
        # Whoever is called asks for the next call: the timer is set once, when all have asked.
        self._is_ringing = True
        try:
            self.rounds.run(self._ring_due)
        finally:
            self._is_ringing = False
            if self._order:
                self._set_timer()

    def _ring_due(self) -> None:
        now = math.floor((self._loop.time() + _EARLY_SECONDS) / self.tick_seconds)
        while self._order and self._order[0] <= now:
            self._ring_bucket(heapq.heappop(self._order))
