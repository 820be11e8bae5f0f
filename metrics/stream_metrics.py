"""Counts and times what was shown of a turn to one client.

Nothing is counted per frame: a delivery hands over its sums when it is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Histogram

from streamchat.metrics.doors import SHOWING_DOORS, STREAM_DOORS
from streamchat.metrics.gaps import GapHistogram, GapTally
from streamchat.metrics.series import SECONDS, Series
from streamchat.turns.observer import Delivery

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
SPEEDS = (1, 5, 10, 20, 45, 90, 180, 360, 720, 1_500, 5_000, 20_000, 100_000)


class StreamMetrics:
    """Of all doors, on a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        series = Series(registry)
        self._ends = series.counters(
            "stream_ends_total",
            "Responses by how they ended for their client.",
            ("door", "end"),
            product(SHOWING_DOORS, STREAM_ENDS),
        )
        self._streams = _streams(series, registry)

    def count(self, delivery: Delivery) -> None:
        """Count one client's."""
        self._ends[delivery.door, end_of(delivery)].inc()
        streams = self._streams.get(delivery.door)
        if streams is not None:  # an answer in one piece is no stream
            streams.count(delivery)


def end_of(delivery: Delivery) -> str:
    """One of STREAM_ENDS."""
    if delivery.leaving == "finished":
        return delivery.code if delivery.end == "error" else delivery.end
    return "internal_error" if delivery.leaving == "failed" else delivery.leaving


@dataclass(frozen=True, slots=True, kw_only=True)
class _DoorStreams:
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


def _streams(series: Series, registry: CollectorRegistry) -> dict[str, _DoorStreams]:
    def timed(name: str, text: str) -> dict[str, Histogram]:
        return series.histograms_by(name, text, "door", STREAM_DOORS, SECONDS)

    def speed_of(name: str, text: str) -> dict[str, Histogram]:
        return series.histograms_by(name, text, "door", STREAM_DOORS, SPEEDS)

    first_frame = timed("first_frame_seconds", "Request to first frame.")
    first_chunk = timed("first_chunk_seconds", "Request to first chunk.")
    speed = speed_of("streaming_characters_per_second", "Streaming speed of a stream.")
    chunk_speed = speed_of("streaming_chunks_per_second", "Chunks a second of a stream.")
    gaps = GapHistogram(STREAM_DOORS)
    registry.register(gaps)
    characters = series.counters_by("streamed_characters_total", "Characters of answers sent.", "door", STREAM_DOORS)
    chunks = series.counters_by("streamed_chunks_total", "Chunks sent.", "door", STREAM_DOORS)
    return {
        door: _DoorStreams(
            characters=characters[door],
            chunks=chunks[door],
            first_frame=first_frame[door],
            first_chunk=first_chunk[door],
            gaps=gaps.tallies[door],
            speed=speed[door],
            chunk_speed=chunk_speed[door],
        )
        for door in STREAM_DOORS
    }
