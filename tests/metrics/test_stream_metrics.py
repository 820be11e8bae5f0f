"""What was shown of a turn to one client, as it is counted."""

from typing import Any

import pytest

from streamchat.metrics.doors import STREAM_DOORS
from streamchat.metrics.stream_metrics import STREAM_ENDS
from streamchat.turns.observer import GAP_SECONDS
from tests.metrics.desk import Desk, delivery, series_of


def test_a_delivery_hands_over_its_sums() -> None:
    desk = Desk()
    desk.metrics.delivered(desk.turn(), delivery())
    assert desk.value("stream_ends_total", door="smart", end="complete") == 1.0
    assert desk.value("streamed_characters_total", door="smart") == 400.0
    assert desk.value("streamed_chunks_total", door="smart") == 20.0
    assert desk.value("first_frame_seconds_sum", door="smart") == 0.002
    assert desk.value("first_chunk_seconds_sum", door="smart") == 1.5
    assert desk.value("streaming_characters_per_second_sum", door="smart") == 100.0
    assert desk.value("streaming_chunks_per_second_sum", door="smart") == 5.0


def test_a_delivery_of_one_chunk_has_no_speed_and_one_without_chunks_no_chunk_time() -> None:
    desk = Desk()
    desk.metrics.delivered(desk.turn(), delivery(streaming_seconds=0.0, chunks=1))
    desk.metrics.delivered(
        desk.turn(), delivery(first_frame_seconds=None, first_chunk_seconds=None, streaming_seconds=0.0, chunks=0)
    )
    assert desk.value("streaming_characters_per_second_count", door="smart") == 0.0
    assert desk.value("first_chunk_seconds_count", door="smart") == 1.0
    assert desk.value("first_frame_seconds_count", door="smart") == 1.0


def test_a_resumed_part_says_nothing_of_speed_but_its_characters_were_sent() -> None:
    desk = Desk()
    desk.metrics.delivered(desk.turn(), delivery(door="streams", resumed=True, leaving="client_gone"))
    assert desk.value("stream_ends_total", door="streams", end="client_gone") == 1.0
    assert desk.value("streamed_characters_total", door="streams") == 400.0
    for name in ("first_frame_seconds", "first_chunk_seconds", "streaming_characters_per_second"):
        assert desk.value(f"{name}_count", door="streams") == 0.0


@pytest.mark.parametrize(
    ("told", "end"),
    [
        ({"end": "complete"}, "complete"),
        ({"end": "timeout", "code": "timeout"}, "timeout"),
        ({"end": "cancelled", "code": "cancelled"}, "cancelled"),
        ({"end": "error", "code": "processing_error"}, "processing_error"),
        ({"end": "error", "code": "overloaded"}, "overloaded"),
        ({"end": "error", "code": "shutting_down"}, "shutting_down"),
        ({"end": "", "leaving": "client_gone"}, "client_gone"),
        ({"end": "complete", "leaving": "client_gone"}, "client_gone"),
        ({"end": "", "leaving": "stalled"}, "stalled"),
        ({"end": "error", "code": "internal_error", "leaving": "failed"}, "internal_error"),
    ],
)
def test_a_response_ends_in_one_way(told: dict[str, str], end: str) -> None:
    desk = Desk()
    desk.metrics.delivered(desk.turn(), delivery(**told))
    counted = {each: desk.value("stream_ends_total", door="smart", end=each) for each in STREAM_ENDS}
    assert counted == {each: float(each == end) for each in STREAM_ENDS}


def test_gaps_are_added_up_from_streams_and_resumed_parts() -> None:
    desk = Desk()
    gaps = [0] * (len(GAP_SECONDS) + 1)
    gaps[GAP_SECONDS.index(0.1)], gaps[-1] = 18, 1
    for resumed in (False, True):
        desk.metrics.delivered(desk.turn(), delivery(gaps=gaps, streaming_seconds=14.0, resumed=resumed))
    buckets = [desk.value("chunk_gap_seconds_bucket", door="smart", le=le) for le in ("0.05", "0.1", "10.0", "+Inf")]
    assert buckets == [0.0, 36.0, 36.0, 38.0]
    assert desk.value("chunk_gap_seconds_count", door="smart") == 38.0
    assert desk.value("chunk_gap_seconds_sum", door="smart") == 28.0


def test_an_answer_in_one_piece_is_no_stream() -> None:
    desk = Desk()
    before = series_of(desk.metrics.registry)
    desk.metrics.delivered(desk.turn(), delivery(door="chat", chunks=0, frames=0, streaming_seconds=0.0))
    assert series_of(desk.metrics.registry) == before
    counted = [desk.value("streamed_characters_total", door=door) for door in STREAM_DOORS]
    assert counted == [0.0] * len(STREAM_DOORS)


@pytest.mark.parametrize("told", [{"leaving": "client_gone"}, {"leaving": "stalled"}, {"streaming_seconds": 0.049}])
def test_what_was_left_or_sent_at_once_has_no_speed(told: dict[str, Any]) -> None:
    desk = Desk()
    desk.metrics.delivered(desk.turn(), delivery(**told))
    assert desk.value("streaming_characters_per_second_count", door="smart") == 0.0
    assert desk.value("streaming_chunks_per_second_count", door="smart") == 0.0
    desk.metrics.delivered(desk.turn(), delivery(streaming_seconds=0.05))
    assert desk.value("streaming_characters_per_second_count", door="smart") == 1.0
