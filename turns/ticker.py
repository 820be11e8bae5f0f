"""One timer for every stream that waits: a wheel of buckets instead of a sleep for each.

A stream that is paced waits ten times a second. With a loop timer of its own, each wait costs a heap
insert, a cancel and a wake-up of the selector; here all streams that are due within one tick share these.
"""

from __future__ import annotations

import asyncio
import heapq
import math
from collections.abc import Callable

TICK_SECONDS = 0.005

# A loop may fire up to its clock's resolution early (uvloop: a millisecond); a tick later would double the wait.
_EARLY_TICKS = 0.2


class Ticker:
    """Calls back at or up to one tick after the time asked for. Times are ``loop.time()`` seconds."""

    def __init__(self, loop: asyncio.AbstractEventLoop, tick_seconds: float = TICK_SECONDS) -> None:
        self._loop = loop
        self._tick_seconds = tick_seconds
        self._buckets: dict[int, list[Callable[[], None]]] = {}
        self._order: list[int] = []
        self._timer: asyncio.TimerHandle | None = None
        self._timer_bucket = 0

    def call_at(self, when: float, wake: Callable[[], None]) -> None:
        """Call ``wake`` once at ``when``; it can't be taken back, so it must stand being called in vain."""
        number = math.ceil(when / self._tick_seconds)
        bucket = self._buckets.get(number)
        if bucket is not None:
            bucket.append(wake)
            return
        self._buckets[number] = [wake]
        heapq.heappush(self._order, number)
        if self._timer is None or number < self._timer_bucket:
            self._set_timer(number)

    def _set_timer(self, number: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_bucket = number
        self._timer = self._loop.call_at(number * self._tick_seconds, self._tick)

    def _tick(self) -> None:
        self._timer = None
        now = math.floor(self._loop.time() / self._tick_seconds + _EARLY_TICKS)
        try:
            while self._order and self._order[0] <= now:
                for wake in self._buckets.pop(heapq.heappop(self._order)):
                    wake()
        finally:
            if self._order and self._timer is None:
                self._set_timer(self._order[0])
