import asyncio
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from streamchat.metrics.door_metrics import FETCH_RESULTS, STATUSES
from streamchat.metrics.doors import OPENING_DOORS, REQUEST_DOORS, SHOWING_DOORS
from streamchat.metrics.prometheus_observer import ENDS, RECENT, PrometheusObserver
from streamchat.turns.events import Answer, Ended, Usage
from tests.fakes.executors import COMPLETE, ScriptedExecutor
from tests.metrics.desk import Desk, delivery, series_of


def finish_with(ended: Ended) -> Callable[[Desk], None]:
    def end(desk: Desk) -> None:
        desk.executor.finish(desk.turn(), ended)

    return end


def too_long(desk: Desk) -> None:
    desk.turn().record("x" * 101)


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
    before = series_of(desk.metrics.registry)
    for end in WAYS_TO_END.values():
        end(desk)
    turn = desk.turn()
    for door in SHOWING_DOORS:
        for leaving in ("finished", "client_gone", "stalled", "failed"):
            desk.metrics.delivered(turn, delivery(door=door, leaving=leaving, resumed=door == "streams"))
    for door in (*REQUEST_DOORS, "no such door", "../etc", ""):
        for status in (*map(int, STATUSES), 299, 418, 502, 0, -1):
            desk.doors.request_finished(door, status)
    for result in ("resumed", "complete", "impossible"):
        desk.doors.resumed(result)
    for media_type in ("image/png", "application/pdf", "model/gltf", ""):
        desk.doors.attachment_taken(media_type)
    for result in FETCH_RESULTS:
        desk.doors.attachment_fetched(result)
    desk.doors.auth_failed()
    desk.doors.exchange_lost()
    assert series_of(desk.metrics.registry) == before


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


def test_the_build_says_its_version() -> None:
    assert Desk().value("build_info", version="1.2.3") == 1.0


def test_every_metric_says_in_its_text_what_it_is() -> None:
    text = generate_latest(Desk().metrics.registry).decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert "streamchat_turns" in families
    assert all(family.documentation for family in families.values())


def test_it_may_be_given_its_registry() -> None:
    registry = CollectorRegistry()
    assert PrometheusObserver("1", registry).registry is registry
    assert registry.get_sample_value("streamchat_average_processing_seconds") == 0.0
