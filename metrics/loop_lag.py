"""How late the event loop calls back: the one number that says whether everybody's stream is held up."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry, Histogram

SECONDS = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
# Between two looks, in seconds. Never the same, or something else that comes at a fixed beat would always be met,
# or never.
EARLIEST, LATEST = 0.2, 0.3
RECENT = 40
# Looks that one hold-up may count for: four minutes of it, and no more work for the loop that has just come back.
MOST_MISSED = 1_000


class RecentLag(NamedTuple):
    """Seconds, over the last RECENT looks: some ten seconds."""

    mean: float
    highest: float


class LoopLag:
    """A probe that asks to be called back and looks how late that is. ``start`` and ``stop`` it on its loop.

    ``call_later`` is the loop's; ``clock`` is monotonic. What holds up the loop is seen if it lasts until the next
    look, and for as long as it goes on from there. It counts for every look that it made impossible, too: else a loop
    that stands still for half of the time would be on time at nearly every look ("coordinated omission"), and the
    quantiles would say that all is well.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        call_later: Callable[[float, Callable[[], None]], Any],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._histogram = Histogram(
            "streamchat_loop_lag_seconds", "How late the event loop calls back.", buckets=SECONDS, registry=registry
        )
        self._call_later = call_later
        self._clock = clock
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._due = 0.0
        self._timer: Any = None

    def start(self) -> None:
        """Look from now on."""
        delay = random.uniform(EARLIEST, LATEST)
        self._due = self._clock() + delay
        self._timer = self._call_later(delay, self._look)

    def stop(self) -> None:
        """Look no more; harmless when it never started."""
        if self._timer is not None:
            self._timer.cancel()

    @property
    def recent(self) -> RecentLag:
        """How late it was lately; zeros before the first look."""
        looks = self._recent or (0.0,)
        return RecentLag(mean=sum(looks) / len(looks), highest=max(looks))

    def _look(self) -> None:
        # A loop may be early by its timers' resolution.
        lag = max(0.0, self._clock() - self._due)
        missed = min(int(lag / LATEST), MOST_MISSED)
        for later in range(missed + 1):
            self._histogram.observe(lag - later * LATEST)
        self._recent.append(lag)
        self.start()
