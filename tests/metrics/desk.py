"""The metrics of turns and doors on one registry, in a house with a hand-moved clock."""

from __future__ import annotations

from typing import Any, cast

from prometheus_client import CollectorRegistry

from streamchat.metrics.door_metrics import DoorMetrics
from streamchat.metrics.prometheus_observer import PrometheusObserver
from streamchat.turns.house import House
from streamchat.turns.observer import Delivery
from streamchat.turns.query import Query, TurnLimits, TurnRules
from streamchat.turns.ticker import Ticker
from streamchat.turns.turn import Turn
from tests.fakes.clock import HandClock
from tests.fakes.executors import ScriptedExecutor
from tests.fakes.rounds import rounds_here


class Desk:
    """Turns that are counted; nobody has a door here but by its metrics."""

    def __init__(self, executor: ScriptedExecutor | None = None) -> None:
        self.metrics = PrometheusObserver("1.2.3")
        self.doors = DoorMetrics(self.metrics.registry)
        self.clock = HandClock()
        self.executor = executor or ScriptedExecutor()
        self.house = House(
            executor=self.executor,
            observer=self.metrics,
            ticker=Ticker(cast("Any", self.clock), rounds_here()),
            call_later=self.clock.call_later,
            clock=self.clock,
            limits=TurnLimits(cancel_grace_seconds=0.0, max_answer_characters=100),
        )

    def turn(self, door: str = "smart", **rules: Any) -> Turn:
        turn = Turn(
            "st_one",
            query=Query(message="hello", username="ada"),
            owner="ada",
            rules=TurnRules(**{"timeout_seconds": 150.0, "door": door, **rules}),
            house=self.house,
            on_change=lambda turn: None,
        )
        turn.submit()
        return turn

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"streamchat_{name}", labels)


def delivery(**changed: Any) -> Delivery:
    fields: dict[str, Any] = {
        "door": "smart",
        "resumed": False,
        "leaving": "finished",
        "end": "complete",
        "code": "",
        "first_frame_seconds": 0.002,
        "first_chunk_seconds": 1.5,
        "streaming_seconds": 4.0,
        "total_seconds": 6.0,
        "chunks": 20,
        "characters": 400,
        "frames": 30,
    }
    return Delivery(**fields | changed)


def series_of(registry: CollectorRegistry) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    """Every name with its labels that a scrape would see."""
    return {
        (sample.name, tuple(sorted(sample.labels.items())))
        for family in registry.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    }
