"""The metrics as text for whoever scrapes them, without a pause for the streams that are on their way.

Rendering all series in one go takes some 10 ms. A thread would not help: it computes, so the loop would wait for it
all the same (5 ms a turn, CPython's switch interval), and it would read the rooms while they change. So each metric
is rendered by itself on the loop, which does something else in between; and once for all who ask at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

_OPENMETRICS = "application/openmetrics-text"
# The versions in which a scraper may ask for it; there is but one so far, and "" takes any.
_VERSIONS = ("", "1.0.0")
_END = b"# EOF\n"


class Exposed(NamedTuple):
    """The body of a scrape, and its content type."""

    text: bytes
    content_type: str


class Exposition:
    """Renders one registry, and what the kernel knows of this process. Belongs to one loop."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        # Not in the registry: with 10,000 connections it takes 10 ms to count the open files, in the kernel.
        self._process = ProcessCollector(registry=None)
        self._rendering: dict[bool, asyncio.Task[Exposed]] = {}

    async def render(self, accept: str) -> Exposed:
        """OpenMetrics or Prometheus text, as the header ``accept`` asks."""
        wants_openmetrics = asks_for_openmetrics(accept)
        task = self._rendering.get(wants_openmetrics)
        if task is None:
            task = asyncio.create_task(self._render(wants_openmetrics), name="render metrics")
            self._rendering[wants_openmetrics] = task
            task.add_done_callback(lambda _: self._rendering.pop(wants_openmetrics))
        # One who leaves does not take the others' text away.
        return await asyncio.shield(task)

    async def _render(self, wants_openmetrics: bool) -> Exposed:
        # Never the client's own words: the encoder repeats them, and some make it fail.
        encode, content_type = choose_encoder(_OPENMETRICS if wants_openmetrics else "")
        parts = [encode(_Only(metric)) for metric in await asyncio.to_thread(self._of_process)]
        for metric in self._registry.collect():
            parts.append(encode(_Only(metric)))
            await asyncio.sleep(0)
        if wants_openmetrics:
            parts = [part.removesuffix(_END) for part in parts]
            parts.append(_END)
        return Exposed(b"".join(parts), content_type)

    def _of_process(self) -> list[Metric]:
        return list(self._process.collect())


class _Only(Collector):
    """A single metric where an encoder wants all of them."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> Iterator[Metric]:
        yield self._metric


def asks_for_openmetrics(accept: str) -> bool:
    """Whether the header names OpenMetrics in a version that there is. Weights beside 0 are not looked at."""
    return any(_is_openmetrics(part) for part in accept.split(","))


def _is_openmetrics(media_range: str) -> bool:
    kind, *more = (part.strip().lower() for part in media_range.split(";"))
    parameters = {name.strip(): value.strip() for name, _, value in (part.partition("=") for part in more)}
    refused = parameters.get("q", "").rstrip("0.") == "" and "q" in parameters
    return kind == _OPENMETRICS and parameters.get("version", "") in _VERSIONS and not refused
