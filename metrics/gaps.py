"""The times between chunks: counted by each delivery where they happen, added up here when it is done.

prometheus_client's own histogram takes one observation at a time, and a stream has hundreds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from streamchat.turns.observer import GAP_SECONDS


class GapTally:
    """The gaps of one door's streams, by GAP_SECONDS and longer, and their sum in seconds."""

    def __init__(self) -> None:
        self.counts = [0] * (len(GAP_SECONDS) + 1)
        self.sum = 0.0

    def add(self, counts: Sequence[int], seconds: float) -> None:
        """Add one stream's; from its first to its last chunk they make ``seconds``."""
        for index, count in enumerate(counts):
            self.counts[index] += count
        self.sum += seconds


class GapHistogram(Collector):
    """``streamchat_chunk_gap_seconds`` by door; register it, then add to ``tallies``."""

    def __init__(self, doors: Iterable[str]) -> None:
        self.tallies = {door: GapTally() for door in doors}

    def collect(self) -> Iterator[HistogramMetricFamily]:
        family = HistogramMetricFamily(
            "streamchat_chunk_gap_seconds", "Time between two chunks of a stream.", labels=("door",)
        )
        bounds = [*map(str, GAP_SECONDS), "+Inf"]
        for door, tally in self.tallies.items():
            family.add_metric((door,), list(zip(bounds, accumulate(tally.counts), strict=True)), tally.sum)
        yield family
