import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from streamchat.metrics.prometheus_observer import (
    ENDS,
    FETCH_RESULTS,
    OPENING_DOORS,
    RECENT,
    REQUEST_DOORS,
    STATUSES,
    STREAM_DOORS,
    STREAM_ENDS,
    PrometheusObserver,
)
from streamchat.turns.events import Answer, Ended, Text, Usage
from streamchat.turns.house import House
from streamchat.turns.observer import GAP_SECONDS, Delivery
from streamchat.turns.query import Query, TurnLimits, TurnRules
from streamchat.turns.ticker import Ticker
from streamchat.turns.turn import Turn
from tests.fakes.clock import HandClock
from tests.fakes.executors import COMPLETE, ScriptedExecutor


class Desk:
    """A metrics observer in a house with a hand-moved clock."""

    def __init__(self, executor: ScriptedExecutor | None = None) -> None:
        self.metrics = PrometheusObserver("1.2.3")
        self.clock = HandClock()
        self.executor = executor or ScriptedExecutor()
        self.house = House(
            executor=self.executor,
            observer=self.metrics,
            ticker=Ticker(cast("Any", self.clock)),
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


def series_of(metrics: PrometheusObserver) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    """Every name with its labels that a scrape would see."""
    return {
        (sample.name, tuple(sorted(sample.labels.items())))
        for family in metrics.registry.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def finish_with(ended: Ended) -> Callable[[Desk], None]:
    def end(desk: Desk) -> None:
        desk.executor.finish(desk.turn(), ended)

    return end


def too_long(desk: Desk) -> None:
    desk.turn().record(Text(text="x" * 101))


def deadline(desk: Desk) -> None:
    desk.turn(timeout_seconds=5.0)
    desk.clock.advance(6.0)


def shutdown(desk: Desk) -> None:
    desk.turn().shut_down()


def owner(desk: Desk) -> None:
    asyncio.run(desk.turn().cancel())


def client_gone(desk: Desk) -> None:
    async def leave() -> None:
        turn = desk.turn(on_disconnect="cancel")
        turn.open_reader().close()
        desk.clock.advance(0.0)
        await turn.cancel()

    asyncio.run(leave())


def interrupted(desk: Desk) -> None:
    async def ask_something_else() -> None:
        turn = desk.turn()
        turn.give_way()
        await turn.cancel()

    asyncio.run(ask_something_else())


ATTACHMENT_REASONS = ("attachment_unreachable", "attachment_too_large", "attachment_wrong_type")


def unavailable(reason: str) -> Ended:
    return Ended(cause="error", code="attachment_unavailable", reason=reason)


WAYS_TO_END: dict[tuple[str, str], Callable[[Desk], None]] = {
    ("complete", "complete"): finish_with(COMPLETE),
    ("error", "raised"): finish_with(Ended(cause="error", code="processing_error", reason="raised")),
    ("error", "not_text"): finish_with(Ended(cause="error", code="processing_error", reason="not_text")),
    ("error", "died"): finish_with(Ended(cause="error", code="processing_error", reason="died")),
    ("error", "no_worker"): finish_with(Ended(cause="error", code="overloaded", reason="no_worker")),
    ("error", "no_query"): finish_with(Ended(cause="error", code="overloaded", reason="no_query")),
    **{("error", reason): finish_with(unavailable(reason)) for reason in ATTACHMENT_REASONS},
    ("error", "too_long"): too_long,
    ("error", "shutdown"): shutdown,
    ("timeout", "deadline"): deadline,
    ("cancelled", "owner"): owner,
    ("cancelled", "client_gone"): client_gone,
    ("cancelled", "interrupted"): interrupted,
}


def test_every_way_to_end_is_known() -> None:
    assert set(WAYS_TO_END) == set(ENDS)


@pytest.mark.parametrize(("cause", "reason"), ENDS)
def test_every_end_is_counted_by_its_cause(cause: str, reason: str) -> None:
    desk = Desk()
    assert desk.value("turns_total", door="smart", cause=cause, reason=reason) == 0.0
    WAYS_TO_END[cause, reason](desk)
    assert desk.value("turns_total", door="smart", cause=cause, reason=reason) == 1.0
    counted = [desk.value("turns_total", door="smart", cause=c, reason=r) for c, r in ENDS]
    assert sum(value or 0.0 for value in counted) == 1.0


def test_whatever_happens_there_is_no_series_that_was_not_there_at_the_start() -> None:
    desk = Desk()
    before = series_of(desk.metrics)
    for end in WAYS_TO_END.values():
        end(desk)
    turn = desk.turn()
    for door in (*OPENING_DOORS, "streams"):
        for leaving in ("finished", "client_gone", "stalled", "failed"):
            desk.metrics.delivered(turn, delivery(door=door, leaving=leaving, resumed=door == "streams"))
    for door in (*REQUEST_DOORS, "no such door", "../etc", ""):
        for status in (*map(int, STATUSES), 299, 418, 502, 0, -1):
            desk.metrics.request_finished(door, status)
    for result in ("resumed", "complete", "impossible"):
        desk.metrics.resumed(result)
    for media_type in ("image/png", "application/pdf", "model/gltf", ""):
        desk.metrics.attachment_taken(media_type)
    for result in FETCH_RESULTS:
        desk.metrics.attachment_fetched(result)
    desk.metrics.auth_failed()
    desk.metrics.exchange_lost()
    assert series_of(desk.metrics) == before


@pytest.mark.parametrize("door", OPENING_DOORS)
def test_each_stage_is_timed_by_door(door: str) -> None:
    desk = Desk(ScriptedExecutor(holds_back=True))
    turn = desk.turn(door)
    desk.clock.advance(1.0)
    desk.executor.start(turn)
    desk.clock.advance(2.0)
    turn.record(Answer(text="hi"))
    desk.clock.advance(0.5)
    desk.executor.finish(turn)
    desk.metrics.delivered(turn, delivery(door=door, streaming_seconds=4.0, total_seconds=7.5))
    stages = {"accepted": 0.0, "queued": 1.0, "processing": 2.0, "streaming": 4.0, "total": 7.5}
    for stage, seconds in stages.items():
        assert desk.value("stage_seconds_sum", door=door, stage=stage) == seconds
        assert desk.value("stage_seconds_count", door=door, stage=stage) == 1.0


def test_the_last_count_of_a_turn_is_added_up_at_its_end() -> None:
    desk = Desk()
    assert desk.value("tokens_total", kind="prompt") == 0.0
    turn = desk.turn()
    for completion in (1, 40):
        turn.record(Usage(prompt_tokens=12, completion_tokens=completion))
    assert desk.value("tokens_total", kind="completion") == 0.0
    desk.executor.finish(turn)
    desk.executor.finish(desk.turn())
    assert desk.value("tokens_total", kind="prompt") == 12.0
    assert desk.value("tokens_total", kind="completion") == 40.0


def test_the_average_is_that_of_recent_answers_and_nothing_before_there_is_one() -> None:
    desk = Desk()
    assert desk.value("average_processing_seconds") == 0.0
    for seconds in [1_000.0] * 5 + [2.0, 4.0] * (RECENT // 2):
        turn = desk.turn(timeout_seconds=1e6)
        desk.clock.advance(seconds)
        desk.executor.finish(turn)
    assert desk.value("average_processing_seconds") == 3.0


def test_a_question_that_was_never_answered_does_not_count_for_the_average() -> None:
    desk = Desk()
    turn = desk.turn()
    desk.clock.advance(90.0)
    desk.executor.finish(turn, Ended(cause="error", code="processing_error", reason="raised"))
    assert desk.value("average_processing_seconds") == 0.0
    assert desk.value("stage_seconds_sum", door="smart", stage="processing") == 90.0


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
    before = series_of(desk.metrics)
    desk.metrics.delivered(desk.turn(), delivery(door="chat", chunks=0, frames=0, streaming_seconds=0.0))
    assert series_of(desk.metrics) == before
    counted = [desk.value("streamed_characters_total", door=door) for door in STREAM_DOORS]
    assert counted == [0.0] * len(STREAM_DOORS)


def test_requests_are_counted_by_door_and_status_from_fixed_lists() -> None:
    desk = Desk()
    desk.metrics.request_finished("smart", 200)
    desk.metrics.request_finished("smart", 418)
    desk.metrics.request_finished("BREW", 200)
    assert desk.value("requests_total", door="smart", status="200") == 1.0
    assert desk.value("requests_total", door="smart", status="other") == 1.0
    assert desk.value("requests_total", door="other", status="200") == 1.0


def test_single_incidents_are_counted() -> None:
    desk = Desk()
    desk.metrics.auth_failed()
    desk.metrics.exchange_lost()
    desk.metrics.resumed("impossible")
    assert desk.value("auth_failures_total") == 1.0
    assert desk.value("exchanges_lost_total") == 1.0
    assert desk.value("resumes_total", result="impossible") == 1.0
    assert desk.value("resumes_total", result="resumed") == 0.0


def test_the_build_says_its_version() -> None:
    assert Desk().value("build_info", version="1.2.3") == 1.0


def test_every_metric_says_in_its_text_what_it_is() -> None:
    text = generate_latest(Desk().metrics.registry).decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert "streamchat_turns" in families
    assert all(family.documentation for family in families.values())


def test_two_servers_in_one_process_count_apart() -> None:
    one, other = Desk(), Desk()
    one.metrics.auth_failed()
    assert other.value("auth_failures_total") == 0.0


def test_it_may_be_given_its_registry() -> None:
    registry = CollectorRegistry()
    assert PrometheusObserver("1", registry).registry is registry
    assert registry.get_sample_value("streamchat_auth_failures_total") == 0.0


@pytest.mark.parametrize("told", [{"leaving": "client_gone"}, {"leaving": "stalled"}, {"streaming_seconds": 0.049}])
def test_what_was_left_or_sent_at_once_has_no_speed(told: dict[str, Any]) -> None:
    desk = Desk()
    desk.metrics.delivered(desk.turn(), delivery(**told))
    assert desk.value("streaming_characters_per_second_count", door="smart") == 0.0
    assert desk.value("streaming_chunks_per_second_count", door="smart") == 0.0
    desk.metrics.delivered(desk.turn(), delivery(streaming_seconds=0.05))
    assert desk.value("streaming_characters_per_second_count", door="smart") == 1.0
