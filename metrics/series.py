"""Makes metrics whose series are all there from the start: every label has a fixed list of values.

So a rate() is right from the first event on, and no event looks for its labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Histogram

SECONDS = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 90, 120, 150, 300)

Key = tuple[str, ...]
_Metric = TypeVar("_Metric")


class Series:
    """Makes them on one registry. What is made ``by`` one label is found by its value, the rest by all values."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def counter(self, name: str, text: str) -> Counter:
        return Counter(f"streamchat_{name}", text, registry=self._registry)

    def counters(self, name: str, text: str, labels: Key, values: Iterable[Key]) -> dict[Key, Counter]:
        counter = Counter(f"streamchat_{name}", text, labels, registry=self._registry)
        return {key: counter.labels(*key) for key in values}

    def counters_by(self, name: str, text: str, label: str, values: Iterable[str]) -> dict[str, Counter]:
        return _of_one(self.counters(name, text, (label,), ((value,) for value in values)))

    def histograms(
        self, name: str, text: str, labels: Key, values: Iterable[Key], bounds: Sequence[float]
    ) -> dict[Key, Histogram]:
        histogram = Histogram(f"streamchat_{name}", text, labels, buckets=bounds, registry=self._registry)
        return {key: histogram.labels(*key) for key in values}

    def histograms_by(
        self, name: str, text: str, label: str, values: Iterable[str], bounds: Sequence[float]
    ) -> dict[str, Histogram]:
        return _of_one(self.histograms(name, text, (label,), ((value,) for value in values), bounds))


def _of_one(series: dict[Key, _Metric]) -> dict[str, _Metric]:
    return {value: metric for (value,), metric in series.items()}
