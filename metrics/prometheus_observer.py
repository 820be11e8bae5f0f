"""Counts and times turns for Prometheus, from their beginning to their end and to their clients."""

from __future__ import annotations

from collections import deque
from itertools import product
from typing import get_args

from prometheus_client import CollectorRegistry, Gauge, Info

from streamchat.metrics.doors import OPENING_DOORS
from streamchat.metrics.series import SECONDS, Series
from streamchat.metrics.stream_metrics import StreamMetrics
from streamchat.turns.observer import Delivery, Stage
from streamchat.turns.turn import Turn

ENDS = (
    ("complete", "complete"),
    ("error", "raised"),
    ("error", "not_text"),
    ("error", "too_long"),
    ("error", "died"),
    ("error", "no_worker"),
    ("error", "no_query"),
    ("error", "attachment_unreachable"),
    ("error", "attachment_too_large"),
    ("error", "attachment_wrong_type"),
    ("error", "shutdown"),
    ("timeout", "deadline"),
    ("cancelled", "owner"),
    ("cancelled", "client_gone"),
    ("cancelled", "interrupted"),
)
STAGES = (*get_args(Stage), "streaming", "total")
TOKENS = ("prompt", "completion")
RECENT = 100


class PrometheusObserver:
    """An Observer. ``registry`` is its own unless one is given; the metrics of other rooms join it."""

    def __init__(self, version: str, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._recent_processing: deque[float] = deque(maxlen=RECENT)
        series = Series(self.registry)
        self._stages = series.histograms(
            "stage_seconds", "Time a turn spent in a stage.", ("door", "stage"), product(OPENING_DOORS, STAGES), SECONDS
        )
        ends = ((door, *end) for door, end in product(OPENING_DOORS, ENDS))
        self._turns = series.counters("turns_total", "Ended turns.", ("door", "cause", "reason"), ends)
        self._tokens = series.counters_by(
            "tokens_total", "Tokens of ended turns whose functions count them.", "kind", TOKENS
        )
        self._streams = StreamMetrics(self.registry)
        average = Gauge(
            "streamchat_average_processing_seconds",
            f"Mean processing time of the last {RECENT} answers.",
            registry=self.registry,
        )
        average.set_function(self._average_processing)
        Info("streamchat_build", "Version of streamchat.", registry=self.registry).info({"version": version})

    def stage_left(self, turn: Turn, stage: Stage, seconds: float) -> None:
        self._stages[turn.rules.door, stage].observe(seconds)
        if stage == "processing" and turn.answered_at is not None:
            self._recent_processing.append(seconds)

    def turn_ended(self, turn: Turn) -> None:
        assert turn.ended is not None
        self._turns[turn.rules.door, turn.ended.cause, turn.ended.reason or "complete"].inc()
        if turn.usage is not None:
            self._tokens["prompt"].inc(turn.usage.prompt_tokens)
            self._tokens["completion"].inc(turn.usage.completion_tokens)

    def delivered(self, turn: Turn, delivery: Delivery) -> None:
        self._streams.count(delivery)
        if not delivery.resumed:
            self._stages[delivery.door, "total"].observe(delivery.total_seconds)
            if delivery.first_chunk_seconds is not None:
                self._stages[delivery.door, "streaming"].observe(delivery.streaming_seconds)

    def _average_processing(self) -> float:
        recent = self._recent_processing
        return sum(recent) / len(recent) if recent else 0.0
