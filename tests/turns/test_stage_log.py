import logging
from dataclasses import replace

import pytest

from streamchat.turns.events import Answer, Ended, Usage
from streamchat.turns.query import Query, TurnRules
from streamchat.turns.stage_log import StageLog
from streamchat.turns.turn import Turn
from tests.fakes.executors import COMPLETE
from tests.fakes.houses import HandHouse
from tests.fakes.requests import records_with_an_id_of_their_own, requested, requests_of_lines
from tests.turns.test_observer import DELIVERY

CANCELLED = Ended(cause="cancelled", code="cancelled", reason="owner")
TIMEOUT = Ended(cause="timeout", code="timeout", reason="deadline", worker="running")
ERROR = Ended(cause="error", code="processing_error", reason="raised", detail="Traceback ...")


@pytest.fixture(autouse=True)
def _everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "streamchat.turns")


def secret_turn(house: HandHouse | None = None) -> Turn:
    turn = Turn(
        "st_one",
        query=Query(message="my question", username="ada", prompt="my prompt", system_prompt="my system prompt"),
        owner="caller-7",
        rules=TurnRules(timeout_seconds=150.0, request_id="r-1", accepting_seconds=0.002),
        house=(house or HandHouse()).house,
        on_change=lambda turn: None,
    )
    turn.submit()
    turn.record(Answer(text="my answer"))
    return turn


def ended_turn(ended: Ended = COMPLETE, *, readers: int = 0) -> Turn:
    turn = secret_turn()
    turn.ended, turn.ended_at = ended, turn.accepted_at + 1.23456
    for _ in range(readers):
        turn._readership.came()
    return turn


def test_a_line_for_a_stage_is_for_debugging(caplog: pytest.LogCaptureFixture) -> None:
    StageLog().stage_left(secret_turn(), "processing", 1.23456)
    (record,) = caplog.records
    assert record.levelname == "DEBUG"
    assert (
        record.getMessage()
        == "turn left stage: turn_id=st_one request_id=r-1 caller=caller-7 stage=processing seconds=1.235"
    )


def test_its_figures_are_fields_too_for_json(caplog: pytest.LogCaptureFixture) -> None:
    StageLog().stage_left(secret_turn(), "processing", 1.23456)
    fields = vars(caplog.records[0])
    assert fields["event"] == "left stage"
    assert (fields["turn_id"], fields["stage"], fields["seconds"]) == ("st_one", "processing", 1.235)


def test_a_line_is_made_for_the_request_whatever_a_users_records_have_of_their_own() -> None:
    with requested("r-1"):
        turn = secret_turn()
    with records_with_an_id_of_their_own(), requests_of_lines("streamchat.turns") as requests:
        StageLog().stage_left(turn, "processing", 1.23456)
    assert requests == ["r-1"]


@pytest.mark.parametrize(("ended", "level"), [(CANCELLED, "INFO"), (TIMEOUT, "WARNING"), (ERROR, "WARNING")])
def test_an_end_without_an_answer_says_its_cause_and_an_error_its_detail(
    ended: Ended, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    StageLog().turn_ended(ended_turn(ended, readers=1))
    (record,) = caplog.records
    assert record.levelname == level
    for part in (f"cause={ended.cause}", f"code={ended.code}", f"worker={ended.worker}", "characters=9", ended.detail):
        assert part in record.getMessage()
    assert "detail=" not in record.getMessage() or ended.detail


@pytest.mark.parametrize(("readers", "level"), [(0, "INFO"), (1, "DEBUG")])
def test_an_answer_is_told_once_by_its_end_when_nobody_reads_it(
    readers: int, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    StageLog().turn_ended(ended_turn(readers=readers))
    (record,) = caplog.records
    assert record.levelname == level


def test_an_end_says_how_long_each_stage_took(caplog: pytest.LogCaptureFixture) -> None:
    house = HandHouse()
    turn = secret_turn(house)
    house.clock.advance(2.5)
    turn.returned(COMPLETE)
    StageLog().turn_ended(turn)
    for part in ("accepted_seconds=0.002", "queued_seconds=0.0", "processing_seconds=0.0", "total_seconds=2.5"):
        assert part in caplog.records[0].getMessage()


def test_a_delivery_says_what_left_and_how_fast_and_how_long_each_stage_took(
    caplog: pytest.LogCaptureFixture,
) -> None:
    StageLog().delivered(ended_turn(), DELIVERY)
    (record,) = caplog.records
    assert record.levelname == "INFO"
    assert record.getMessage() == (
        "turn delivered: turn_id=st_one request_id=r-1 caller=caller-7 door=smart end=complete leaving=finished "
        "resumed=False cause=complete accepted_seconds=0.002 queued_seconds=0.0 processing_seconds=0.0 "
        "streaming_seconds=2.0 total_seconds=2.6 chunks=10 characters=200 characters_per_second=100.0"
    )


def test_a_turn_whose_function_counts_has_its_tokens_in_every_line(caplog: pytest.LogCaptureFixture) -> None:
    turn = secret_turn()
    turn.record(Usage(prompt_tokens=12, completion_tokens=40))
    turn.returned(COMPLETE)
    StageLog().turn_ended(turn)
    StageLog().delivered(turn, DELIVERY)
    for record in caplog.records:
        assert "prompt_tokens=12 completion_tokens=40" in record.getMessage()


def test_a_stage_or_speed_that_there_was_not_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    turn = secret_turn()
    turn.started_at = turn.answered_at = None
    StageLog().delivered(turn, replace(DELIVERY, leaving="client_gone", end="", streaming_seconds=0.0))
    for absent in ("queued_seconds", "processing_seconds", "characters_per_second", "end="):
        assert absent not in caplog.records[0].getMessage()


def test_what_is_not_logged_costs_no_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "streamchat.turns")
    turn, log = ended_turn(), StageLog()
    log.stage_left(turn, "processing", 1.0)
    log.turn_ended(turn)
    log.delivered(turn, DELIVERY)
    assert caplog.records == []


def test_no_line_has_a_token_a_prompt_or_an_answer_in_it(caplog: pytest.LogCaptureFixture) -> None:
    turn, log = secret_turn(), StageLog()
    turn.returned(COMPLETE)
    log.stage_left(turn, "processing", 1.0)
    log.turn_ended(turn)
    log.delivered(turn, DELIVERY)
    assert len(caplog.records) == 3
    for record in caplog.records:
        assert "my " not in record.getMessage()
        assert "my " not in repr(vars(record))


# What took long.


def told_as_slow(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if vars(record)["event"] == "slow"]


def test_a_turn_that_took_too_long_is_told_once_however_many_have_read_it(caplog: pytest.LogCaptureFixture) -> None:
    log, turn = StageLog(slow_seconds=2.5), ended_turn(readers=2)
    log.turn_ended(turn)
    assert told_as_slow(caplog) == []  # its readers are not done yet
    for _ in range(2):
        log.delivered(turn, DELIVERY)
    (line,) = told_as_slow(caplog)
    assert line == next(
        record.getMessage().replace("delivered", "slow") for record in caplog.records if "delivered" in record.message
    )
    assert [record.levelname for record in caplog.records if "slow" in record.message] == ["WARNING"]


def test_a_slow_turn_that_nobody_reads_any_more_is_told_by_its_end(caplog: pytest.LogCaptureFixture) -> None:
    log, turn = StageLog(slow_seconds=1.0), ended_turn(TIMEOUT)
    log.turn_ended(turn)
    log.delivered(turn, DELIVERY)
    (line,) = told_as_slow(caplog)
    for part in ("turn_id=st_one", "door=chat", "cause=timeout", "total_seconds=1.235"):
        assert part in line


def test_a_reader_that_leaves_before_the_end_tells_nothing_of_slowness(caplog: pytest.LogCaptureFixture) -> None:
    StageLog(slow_seconds=1.0).delivered(secret_turn(), DELIVERY)
    assert told_as_slow(caplog) == []


@pytest.mark.parametrize("slow_seconds", [0.0, 2.6])
def test_a_turn_within_the_limit_is_not_slow_and_0_is_no_limit(
    slow_seconds: float, caplog: pytest.LogCaptureFixture
) -> None:
    log, turn = StageLog(slow_seconds), ended_turn()
    log.turn_ended(turn)
    log.delivered(turn, DELIVERY)
    assert told_as_slow(caplog) == []
