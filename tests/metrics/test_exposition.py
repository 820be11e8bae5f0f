"""The text of a scrape: what was asked for, whole, and without a pause for anybody else."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from streamchat.metrics.exposition import Exposed, Exposition, asks_for_openmetrics

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
# What Prometheus 2 and 3 send.
PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


class TurnsOfTheLoop(Collector):
    """Three metrics, each with how often the loop had gone round when it was made. Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self._turns = 0

    def go_round(self) -> None:
        self._turns += 1
        self._handle = asyncio.get_running_loop().call_soon(self.go_round)

    def stop(self) -> None:
        self._handle.cancel()

    def collect(self) -> Iterator[Metric]:
        self.asked += 1
        for name in ("first", "second", "third"):
            yield GaugeMetricFamily(name, "Turns.", value=self._turns)


def some_metrics() -> CollectorRegistry:
    registry = CollectorRegistry()
    Counter("things_total", "Things.", ("kind",), registry=registry).labels("a").inc(3)
    Histogram("took_seconds", "How long.", registry=registry).observe(0.3)
    return registry


def render(registry: CollectorRegistry, accept: str = "") -> Exposed:
    return asyncio.run(Exposition(registry).render(accept))


@pytest.mark.parametrize(
    ("accept", "is_openmetrics"),
    [
        ("", False),
        ("*/*", False),
        ("text/html, text/plain;version=0.0.4", False),
        (PROMETHEUS_2, True),
        (PROMETHEUS_3, True),
        (OPENMETRICS, True),
        ("Application/OpenMetrics-Text;Version=1.0.0", True),
        ("application/openmetrics-text", True),
        ("application/openmetrics-text;version=0.0.1", False),
        ("application/openmetrics-text;version=2.0.0", False),
        ("application/openmetrics-text;version=1.0.0;q=0.1", True),
        ("application/openmetrics-text;version=1.0.0;q=0", False),
        ("application/openmetrics-text;version=1.0.0; q=0.000", False),
        ("application/openmetrics-text;version=abc", False),
        ("application/openmetrics-textile", False),
        (";;=;,,=", False),
    ],
)
def test_openmetrics_is_for_whoever_asks_for_a_version_that_there_is(accept: str, is_openmetrics: bool) -> None:
    assert asks_for_openmetrics(accept) == is_openmetrics


@pytest.mark.parametrize("accept", ["text/plain;version=9x", "application/openmetrics-text;version=1é", "\x00", ","])
def test_no_words_of_a_client_are_answered_or_make_it_fail(accept: str) -> None:
    exposed = render(some_metrics(), accept)
    assert exposed.content_type == "text/plain; version=0.0.4; charset=utf-8"


def test_the_text_is_what_prometheus_client_makes_of_the_whole() -> None:
    registry = some_metrics()
    assert render(registry).text.endswith(generate_latest(registry))


def test_openmetrics_is_whole_and_ends_once() -> None:
    exposed = render(some_metrics(), OPENMETRICS)
    assert exposed.content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert exposed.text.count(b"# EOF") == 1
    names = {family.name for family in text_string_to_metric_families(exposed.text.decode())}
    assert names >= {"things", "took_seconds"}


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="only Linux tells it so")
@pytest.mark.parametrize("accept", ["", OPENMETRICS])
def test_the_process_is_told_of(accept: str) -> None:
    text = render(CollectorRegistry(), accept).text.decode()
    for name in ("resident_memory_bytes", "cpu_seconds_total", "open_fds", "max_fds", "start_time_seconds"):
        assert f"\nprocess_{name} " in text


async def while_it_goes_round(collector: TurnsOfTheLoop, scrapes: int) -> list[Exposed]:
    registry = CollectorRegistry()
    registry.register(collector)
    collector.asked = 0  # registering asks for the names
    exposition = Exposition(registry)
    collector.go_round()
    try:
        return await asyncio.gather(*(exposition.render("") for _ in range(scrapes)))
    finally:
        collector.stop()


def test_the_loop_goes_on_between_two_metrics() -> None:
    (exposed,) = asyncio.run(while_it_goes_round(TurnsOfTheLoop(), 1))
    lines = [line for line in exposed.text.decode().splitlines() if line.startswith(("first ", "second ", "third "))]
    turns = [float(line.split()[1]) for line in lines]
    assert turns[0] < turns[1] < turns[2]


def test_whoever_asks_meanwhile_gets_the_same_text() -> None:
    collector = TurnsOfTheLoop()
    exposed = asyncio.run(while_it_goes_round(collector, 3))
    assert (collector.asked, len(set(exposed))) == (1, 1)


def test_the_next_scrape_is_rendered_anew() -> None:
    registry = some_metrics()
    counter = Counter("scrapes_total", "Scrapes.", registry=registry)

    async def twice() -> tuple[Exposed, Exposed]:
        exposition = Exposition(registry)
        before = await exposition.render("")
        counter.inc()
        return before, await exposition.render("")

    before, after = asyncio.run(twice())
    assert b"scrapes_total 0.0" in before.text
    assert b"scrapes_total 1.0" in after.text


def test_one_who_gives_up_takes_nothing_from_the_others() -> None:
    async def one_gives_up() -> Exposed:
        exposition = Exposition(some_metrics())
        first, second = (asyncio.create_task(exposition.render("")) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        return await second

    assert b"things_total" in asyncio.run(one_gives_up()).text
