"""Counts and times turns and streams for Prometheus, on a registry of its own.

Nothing is counted per frame: a delivery hands over its sums when it is done. Every label has a fixed list
of values, all created at start, so that a rate() is right from the first event on.
"""

from __future__ import annotations

from collections import deque
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.exposition import choose_encoder

from streamchat.turns.observer import Delivery, Stage
from streamchat.turns.turn import Turn

STREAM_DOORS = ("basic", "advanced", "smart", "streams")
TURN_DOORS = ("basic", "advanced", "smart", "raw")
REQUEST_DOORS = (
    "basic",
    "advanced",
    "smart",
    "chat",
    "streams",
    "conversations",
    "profiles",
    "health",
    "metrics",
    "page",
    "other",
)
STATUSES = ("200", "204", "400", "401", "404", "405", "409", "410", "413", "415", "429", "500", "503", "504")
ENDS = (
    ("complete", "complete"),
    ("error", "raised"),
    ("error", "not_text"),
    ("error", "too_long"),
    ("error", "died"),
    ("error", "no_worker"),
    ("error", "shutdown"),
    ("timeout", "deadline"),
    ("cancelled", "owner"),
    ("cancelled", "client_gone"),
)
SECONDS = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 90, 120, 150, 300)
SPEEDS = (1, 5, 10, 20, 45, 90, 180, 360, 720, 1_500, 5_000, 20_000, 100_000)
RECENT = 100


class PrometheusObserver:
    """An Observer. ``registry`` is its own unless one is given."""

    def __init__(self, version: str, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._recent_processing: deque[float] = deque(maxlen=RECENT)
        self._stage = self._histogram("stage_seconds", "Time a turn spent in a stage.", ("door", "stage"), SECONDS)
        self._streaming = self._histogram("streaming_seconds", "First to last chunk of a stream.", ("door",), SECONDS)
        self._first_frame = self._histogram("first_frame_seconds", "Request to first frame.", ("door",), SECONDS)
        self._first_chunk = self._histogram("first_chunk_seconds", "Request to first chunk.", ("door",), SECONDS)
        self._speed = self._histogram(
            "streaming_characters_per_second", "Streaming speed of a stream.", ("door",), SPEEDS
        )
        self._chunk_speed = self._histogram(
            "streaming_chunks_per_second", "Chunks a second of a stream.", ("door",), SPEEDS
        )
        self._turns = self._counter("turns_total", "Ended turns.", ("door", "cause", "reason"))
        self._streams = self._counter("streams_total", "Streams by how their reader left.", ("door", "leaving"))
        self._characters = self._counter("streamed_characters_total", "Characters of answers sent.", ("door",))
        self._chunks = self._counter("streamed_chunks_total", "Chunks sent.", ("door",))
        self._requests = self._counter("requests_total", "HTTP requests by outcome.", ("door", "status"))
        self._resumes = self._counter("resumes_total", "Resumed streams by result.", ("result",))
        self._auth_failures = Counter(
            "streamchat_auth_failures_total", "Requests without a valid token.", registry=self.registry
        )
        self._lost = Counter(
            "streamchat_exchanges_lost_total", "Exchanges that could not be stored.", registry=self.registry
        )
        average = Gauge(
            "streamchat_average_processing_seconds",
            f"Mean processing time of the last {RECENT} answers.",
            registry=self.registry,
        )
        average.set_function(self._average_processing)
        Info("streamchat_build", "Version of streamchat.", registry=self.registry).info({"version": version})
        self._create_labels()

    # What happened in a turn.

    def stage_left(self, turn: Turn, stage: Stage, seconds: float) -> None:
        self._stage.labels(door_of(turn), stage).observe(seconds)
        if stage == "processing" and turn.answered_at is not None:
            self._recent_processing.append(seconds)

    def turn_ended(self, turn: Turn) -> None:
        assert turn.ended is not None
        self._turns.labels(door_of(turn), turn.ended.cause, turn.ended.reason or "complete").inc()

    def delivered(self, turn: Turn, delivery: Delivery) -> None:
        door = delivery.door
        self._streams.labels(door, delivery.leaving).inc()
        self._characters.labels(door).inc(delivery.characters)
        self._chunks.labels(door).inc(delivery.chunks)
        if delivery.resumed:
            return
        if delivery.first_frame_seconds is not None:
            self._first_frame.labels(door).observe(delivery.first_frame_seconds)
        if delivery.first_chunk_seconds is not None:
            self._first_chunk.labels(door).observe(delivery.first_chunk_seconds)
            self._streaming.labels(door).observe(delivery.streaming_seconds)
        if delivery.streaming_seconds > 0:
            self._speed.labels(door).observe(delivery.characters / delivery.streaming_seconds)
            self._chunk_speed.labels(door).observe(delivery.chunks / delivery.streaming_seconds)

    # What happened at a door.

    def request_finished(self, door: str, status: int) -> None:
        """Count a request; a door or status that is in no list is counted as "other"."""
        self._requests.labels(
            door if door in REQUEST_DOORS else "other", str(status) if str(status) in STATUSES else "other"
        ).inc()

    def resumed(self, result: str) -> None:
        """Count an attempt to resume: "resumed", "complete" (nothing was missing) or "impossible"."""
        self._resumes.labels(result).inc()

    def auth_failed(self) -> None:
        """Count a request without a valid token."""
        self._auth_failures.inc()

    def exchange_lost(self) -> None:
        """Count an exchange that the store did not take."""
        self._lost.inc()

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """The metrics and their content type: OpenMetrics or Prometheus text, as ``accept`` asks."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    def _average_processing(self) -> float:
        recent = self._recent_processing
        return sum(recent) / len(recent) if recent else 0.0

    def _histogram(self, name: str, text: str, labels: tuple[str, ...], buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"streamchat_{name}", text, labels, buckets=buckets, registry=self.registry)

    def _counter(self, name: str, text: str, labels: tuple[str, ...]) -> Counter:
        return Counter(f"streamchat_{name}", text, labels, registry=self.registry)

    def _create_labels(self) -> None:
        for door, stage in product(TURN_DOORS, ("accepted", "queued", "processing", "total")):
            self._stage.labels(door, stage)
        for door, (cause, reason) in product(TURN_DOORS, ENDS):
            self._turns.labels(door, cause, reason)
        for door in STREAM_DOORS:
            for metric in (self._streaming, self._first_frame, self._first_chunk, self._speed, self._chunk_speed):
                metric.labels(door)
            for counter in (self._characters, self._chunks):
                counter.labels(door)
            for leaving in ("finished", "client_gone", "stalled", "failed"):
                self._streams.labels(door, leaving)
        for door, status in product(REQUEST_DOORS, (*STATUSES, "other")):
            self._requests.labels(door, status)
        for result in ("resumed", "complete", "impossible"):
            self._resumes.labels(result)


def door_of(turn: Turn) -> str:
    """The door that opened the turn, by the name of its style."""
    return str(turn.rules.view.get("style", "raw"))
