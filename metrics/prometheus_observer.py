"""Counts and times turns and streams for Prometheus, on a registry of its own.

Nothing is counted per frame: a delivery hands over its sums when it is done. Every label has a fixed list of values,
and every series is made at start: a rate() is right from the first event on, and no event looks for its labels.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

from streamchat.metrics.gaps import GapHistogram, GapTally
from streamchat.turns.observer import Delivery, Stage
from streamchat.turns.turn import Turn

OPENING_DOORS = ("basic", "advanced", "smart", "chat", "ws", "openai", "ui_messages")
STREAM_DOORS = ("basic", "advanced", "smart", "ws", "openai", "ui_messages", "streams")
DOORS = (*OPENING_DOORS, "streams")
REQUEST_DOORS = (
    "basic",
    "advanced",
    "smart",
    "chat",
    "ws",
    "openai",
    "ui_messages",
    "streams",
    "input",
    "tickets",
    "conversations",
    "profiles",
    "models",
    "analytics",
    "health",
    "metrics",
    "page",
    "other",
)
STATUSES = (
    "101",
    "200",
    "204",
    "400",
    "401",
    "403",
    "404",
    "405",
    "409",
    "410",
    "413",
    "415",
    "422",
    "429",
    "500",
    "503",
    "504",
)
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
# How a response ended for its client: its terminal frame's status, an error's code, or how the client left.
STREAM_ENDS = (
    "complete",
    "timeout",
    "cancelled",
    "processing_error",
    "overloaded",
    "shutting_down",
    "internal_error",
    "attachment_unavailable",
    "client_gone",
    "stalled",
)
STAGES = (*get_args(Stage), "streaming", "total")
# Why a message on a WebSocket may be refused: the error codes that can be the answer to one.
MESSAGE_REFUSALS = (
    "invalid_request",
    "unauthorized",
    "profile_not_found",
    "stream_not_found",
    "stream_gone",
    "no_input_expected",
    "conversation_busy",
    "rate_limited",
    "body_too_large",
    "overloaded",
    "shutting_down",
    "internal_error",
    "other",
)
RESUMES = ("resumed", "complete", "impossible")
TOKENS = ("prompt", "completion")
ATTACHMENT_KINDS = ("image", "audio", "video", "text", "application")
FETCH_RESULTS = ("fetched", "forbidden", "unreachable", "timeout", "too_large", "wrong_type")
SECONDS = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 90, 120, 150, 300)
SPEEDS = (1, 5, 10, 20, 45, 90, 180, 360, 720, 1_500, 5_000, 20_000, 100_000)
RECENT = 100


class PrometheusObserver:
    """An Observer. ``registry`` is its own unless one is given."""

    def __init__(self, version: str, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._recent_processing: deque[float] = deque(maxlen=RECENT)
        turns = self._counter("turns_total", "Ended turns.", ("door", "cause", "reason"))
        requests = self._counter("requests_total", "HTTP requests by outcome.", ("door", "status"))
        resumes = self._counter("resumes_total", "Resumed streams by result.", ("result",))
        self._stages = self._histogram(
            "stage_seconds", "Time a turn spent in a stage.", ("door", "stage"), product(OPENING_DOORS, STAGES), SECONDS
        )
        self._turns = {(door, *end): turns.labels(door, *end) for door, end in product(OPENING_DOORS, ENDS)}
        self._requests = {key: requests.labels(*key) for key in product(REQUEST_DOORS, (*STATUSES, "other"))}
        self._resumes = {result: resumes.labels(result) for result in RESUMES}
        ends = self._counter("stream_ends_total", "Responses by how they ended for their client.", ("door", "end"))
        refusals = self._counter(
            "socket_messages_refused_total", "Messages on WebSockets answered with an error.", ("code",)
        )
        self._message_refusals = {code: refusals.labels(code) for code in MESSAGE_REFUSALS}
        kinds = self._counter("attachments_total", "Attachments of questions by their kind.", ("kind",))
        self._attachments = {kind: kinds.labels(kind) for kind in (*ATTACHMENT_KINDS, "other")}
        fetches = self._counter("attachment_fetches_total", "Attachments fetched from URLs by result.", ("result",))
        self._fetches = {result: fetches.labels(result) for result in FETCH_RESULTS}
        self._ends = {key: ends.labels(*key) for key in product(DOORS, STREAM_ENDS)}
        self._streams = self._stream_metrics()
        self._auth_failures = Counter(
            "streamchat_auth_failures_total", "Requests without a valid token.", registry=self.registry
        )
        self._lost = Counter(
            "streamchat_exchanges_lost_total", "Exchanges that could not be stored.", registry=self.registry
        )
        self._analytics_lost = Counter(
            "streamchat_analytics_lost_total", "Records of turns that could not be stored.", registry=self.registry
        )
        tokens = self._counter("tokens_total", "Tokens of ended turns whose functions count them.", ("kind",))
        self._tokens = {kind: tokens.labels(kind) for kind in TOKENS}
        average = Gauge(
            "streamchat_average_processing_seconds",
            f"Mean processing time of the last {RECENT} answers.",
            registry=self.registry,
        )
        average.set_function(self._average_processing)
        Info("streamchat_build", "Version of streamchat.", registry=self.registry).info({"version": version})

    # What happened in a turn.

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
        self._ends[delivery.door, end_of(delivery)].inc()
        if not delivery.resumed:
            self._stages[delivery.door, "total"].observe(delivery.total_seconds)
            if delivery.first_chunk_seconds is not None:
                self._stages[delivery.door, "streaming"].observe(delivery.streaming_seconds)
        streams = self._streams.get(delivery.door)
        if streams is not None:  # an answer in one piece is no stream
            streams.count(delivery)

    # What happened at a door.

    def request_finished(self, door: str, status: int) -> None:
        """Count a request; a door or status that is in no list is counted as "other"."""
        known = self._requests.get((door, str(status)))
        (known or self._requests[_listed(door, REQUEST_DOORS), _listed(str(status), STATUSES)]).inc()

    def resumed(self, result: str) -> None:
        """Count an attempt to resume: "resumed", "complete" (nothing was missing) or "impossible"."""
        self._resumes[result].inc()

    def auth_failed(self) -> None:
        """Count a request without a valid token."""
        self._auth_failures.inc()

    def message_refused(self, code: str) -> None:
        """Count a message on a WebSocket that was answered with an error; an unlisted code is counted as "other"."""
        self._message_refusals[_listed(code, MESSAGE_REFUSALS)].inc()

    def attachment_taken(self, media_type: str) -> None:
        """Count an attachment that has passed its checks; an unlisted kind is counted as "other"."""
        self._attachments[_listed(media_type.partition("/")[0], ATTACHMENT_KINDS)].inc()

    def attachment_fetched(self, result: str) -> None:
        """Count an attempt to fetch an attachment: one of FETCH_RESULTS."""
        self._fetches[result].inc()

    def exchange_lost(self) -> None:
        """Count an exchange that the store did not take."""
        self._lost.inc()

    def analytics_lost(self) -> None:
        """Count a turn's record that the store did not take."""
        self._analytics_lost.inc()

    def _average_processing(self) -> float:
        recent = self._recent_processing
        return sum(recent) / len(recent) if recent else 0.0

    def _histogram(
        self, name: str, text: str, labels: tuple[str, ...], values: Iterable[tuple[str, ...]], bounds: Sequence[float]
    ) -> dict[tuple[str, ...], Histogram]:
        histogram = Histogram(f"streamchat_{name}", text, labels, buckets=bounds, registry=self.registry)
        return {key: histogram.labels(*key) for key in values}

    def _of_doors(self, name: str, text: str, bounds: Sequence[float]) -> dict[str, Histogram]:
        series = self._histogram(name, text, ("door",), ((door,) for door in STREAM_DOORS), bounds)
        return {door: histogram for (door,), histogram in series.items()}

    def _counter(self, name: str, text: str, labels: tuple[str, ...]) -> Counter:
        return Counter(f"streamchat_{name}", text, labels, registry=self.registry)

    def _stream_metrics(self) -> dict[str, _StreamMetrics]:
        of_door = ("door",)
        first_frame = self._of_doors("first_frame_seconds", "Request to first frame.", SECONDS)
        first_chunk = self._of_doors("first_chunk_seconds", "Request to first chunk.", SECONDS)
        speed = self._of_doors("streaming_characters_per_second", "Streaming speed of a stream.", SPEEDS)
        chunk_speed = self._of_doors("streaming_chunks_per_second", "Chunks a second of a stream.", SPEEDS)
        gaps = GapHistogram(STREAM_DOORS)
        self.registry.register(gaps)
        characters = self._counter("streamed_characters_total", "Characters of answers sent.", of_door)
        chunks = self._counter("streamed_chunks_total", "Chunks sent.", of_door)
        return {
            door: _StreamMetrics(
                characters=characters.labels(door),
                chunks=chunks.labels(door),
                first_frame=first_frame[door],
                first_chunk=first_chunk[door],
                gaps=gaps.tallies[door],
                speed=speed[door],
                chunk_speed=chunk_speed[door],
            )
            for door in STREAM_DOORS
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _StreamMetrics:
    """What is counted of one door's streams."""

    characters: Counter
    chunks: Counter
    first_frame: Histogram
    first_chunk: Histogram
    gaps: GapTally
    speed: Histogram
    chunk_speed: Histogram

    def count(self, delivery: Delivery) -> None:
        """Count one reader; what counts from the request is of whole streams only."""
        self.characters.inc(delivery.characters)
        self.chunks.inc(delivery.chunks)
        self.gaps.add(delivery.gaps, delivery.streaming_seconds)
        if delivery.resumed:
            return
        if delivery.first_frame_seconds is not None:
            self.first_frame.observe(delivery.first_frame_seconds)
        if delivery.first_chunk_seconds is not None:
            self.first_chunk.observe(delivery.first_chunk_seconds)
        if delivery.leaving != "finished":
            return  # the speed of a client that has left, or is stuck, is not ours
        if delivery.characters_per_second is not None and delivery.chunks_per_second is not None:
            self.speed.observe(delivery.characters_per_second)
            self.chunk_speed.observe(delivery.chunks_per_second)


def end_of(delivery: Delivery) -> str:
    """One of STREAM_ENDS."""
    if delivery.leaving == "finished":
        return delivery.code if delivery.end == "error" else delivery.end
    return "internal_error" if delivery.leaving == "failed" else delivery.leaving


def _listed(value: str, values: Sequence[str]) -> str:
    return value if value in values else "other"
