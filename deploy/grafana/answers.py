"""Asks a Prometheus what a dashboard's panels ask, as Grafana does it: with the variables put in, over a span of time.

Reads the JSON that Grafana reads, not the code that made it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

# About as many points as a panel has room for.
POINTS = 240
_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From when to when, in Unix seconds, and how often Prometheus scrapes."""

    start: float
    end: float
    scrape_seconds: float = 15.0

    @property
    def step_seconds(self) -> float:
        return max((self.end - self.start) / POINTS, self.scrape_seconds)

    @property
    def rate_interval(self) -> str:
        """Grafana's $__rate_interval (documentation of the Prometheus data source, "Use $__rate_interval")."""
        return f"{max(self.step_seconds + self.scrape_seconds, 4 * self.scrape_seconds):.0f}s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A line of a panel: what the legend calls it, its labels, and its points."""

    name: str
    labels: Mapping[str, str]
    times: list[float]
    values: list[float]


class Questioner:
    """Puts the panels of a dashboard to a Prometheus. ``chosen`` are values for the dashboard's variables."""

    def __init__(self, url: str, span: Span, chosen: Mapping[str, str]) -> None:
        self._url = url.rstrip("/")
        self.span = span
        self._variables = {"instance": ".+", "__rate_interval": span.rate_interval, **chosen}

    def put_in(self, text: str) -> str:
        """The text with every variable's value; one that is not known stays as it is."""
        return re.sub(r"\$(\w+)", lambda found: self._variables.get(found[1], found[0]), text)

    def ask(self, panel: Mapping[str, Any]) -> list[Series]:
        """Every series of every target. Raises httpx.HTTPStatusError when Prometheus refuses."""
        return [series for target in panel["targets"] for series in self._ask(target)]

    def _ask(self, target: Mapping[str, Any]) -> list[Series]:
        span = self.span
        question = {"start": span.start, "end": span.end, "step": span.step_seconds}
        response = httpx.post(
            f"{self._url}/api/v1/query_range",
            data={"query": self.put_in(target["expr"]), **question},
            timeout=_PATIENCE_SECONDS,
        )
        response.raise_for_status()
        return [_series(answer, target["legendFormat"]) for answer in response.json()["data"]["result"]]


def _series(answer: Mapping[str, Any], legend: str) -> Series:
    labels = answer["metric"]
    return Series(
        name=re.sub(r"{{(\w+)}}", lambda found: labels.get(found[1], ""), legend),
        labels=labels,
        times=[float(time) for time, _ in answer["values"]],
        values=[float(value) for _, value in answer["values"]],
    )
