"""How far a query may be by now, judged by how long such queries really take."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict, deque
from collections.abc import Hashable

FIRST_PERCENT = 5.0
LAST_PERCENT = 95.0
UNKNOWN_SECONDS = 150.0
ENOUGH = 5

_WINDOW = 50
_MAX_KEYS = 1_000

Durations = tuple[float, ...]


def percent_done(elapsed: float, durations: Durations) -> float:
    """5 to 95. With fewer than five durations (sorted seconds): 5 + 90 x elapsed / 150.

    With history: the share of such queries that would be done by now, straight lines between those known,
    and past the slowest of them ever slower towards the end.
    """
    known = len(durations) >= ENOUGH
    share = _share_done(elapsed, durations) if known else elapsed / UNKNOWN_SECONDS
    return FIRST_PERCENT + (LAST_PERCENT - FIRST_PERCENT) * min(1.0, share)


def remaining_seconds(elapsed: float, durations: Durations) -> float | None:
    """The mean of what queries that took longer than this still needed; None when nothing is known."""
    if len(durations) < ENOUGH:
        return None
    longer = durations[bisect_right(durations, elapsed) :]
    return sum(longer) / len(longer) - elapsed if longer else None


def _share_done(elapsed: float, durations: Durations) -> float:
    count = len(durations) + 1
    index = bisect_right(durations, elapsed)
    if index == len(durations):
        return 1.0 - durations[-1] / max(elapsed, durations[-1], 1e-9) / count
    lower = durations[index - 1] if index else 0.0
    return (index + (elapsed - lower) / (durations[index] - lower)) / count


class Calibration:
    """The recent durations of each kind of query; both the kinds and their histories are bounded."""

    def __init__(self) -> None:
        self._recent: OrderedDict[Hashable, deque[float]] = OrderedDict()

    def record(self, kind: Hashable, seconds: float) -> None:
        """A query of this kind has come to its answer in ``seconds``."""
        self._recent.setdefault(kind, deque(maxlen=_WINDOW)).append(seconds)
        self._recent.move_to_end(kind)
        if len(self._recent) > _MAX_KEYS:
            self._recent.popitem(last=False)

    def durations(self, kind: Hashable) -> Durations:
        """The recent durations of this kind, sorted, in seconds."""
        return tuple(sorted(self._recent.get(kind, ())))
