import logging

import pytest

from streamchat.turns.events import Answer, Ended
from streamchat.turns.query import Query, TurnRules
from streamchat.turns.stage_log import StageLog
from streamchat.turns.turn import Turn
from tests.fakes.executors import COMPLETE
from tests.fakes.houses import HandHouse
from tests.turns.test_observer import DELIVERY


@pytest.fixture(autouse=True)
def _everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "streamchat.turns")


def secret_turn() -> Turn:
    turn = Turn(
        "st_one",
        query=Query(message="my question", username="ada", prompt="my prompt", system_prompt="my system prompt"),
        owner="caller-7",
        rules=TurnRules(timeout_seconds=150.0, request_id="r-1", view={"token": "my token"}),
        house=HandHouse().house,
        on_change=lambda turn: None,
    )
    turn.submit()
    turn.record(Answer(text="my answer"))
    return turn


def test_a_line_for_a_stage_has_ids_and_seconds(caplog: pytest.LogCaptureFixture) -> None:
    StageLog().stage_left(secret_turn(), "processing", 1.23456)
    (record,) = caplog.records
    assert record.levelname == "INFO"
    assert (
        record.getMessage()
        == "turn left stage: turn_id=st_one request_id=r-1 caller=caller-7 stage=processing seconds=1.235"
    )


def test_its_figures_are_fields_too_for_json(caplog: pytest.LogCaptureFixture) -> None:
    StageLog().stage_left(secret_turn(), "processing", 1.23456)
    fields = vars(caplog.records[0])
    assert fields["event"] == "left stage"
    assert (fields["turn_id"], fields["request_id"], fields["stage"], fields["seconds"]) == (
        "st_one",
        "r-1",
        "processing",
        1.235,
    )


@pytest.mark.parametrize(
    ("ended", "level"),
    [
        (COMPLETE, "INFO"),
        (Ended(cause="cancelled", code="cancelled", reason="owner"), "INFO"),
        (Ended(cause="timeout", code="timeout", reason="deadline", worker="running"), "WARNING"),
        (Ended(cause="error", code="processing_error", reason="raised", detail="Traceback ..."), "WARNING"),
    ],
)
def test_an_end_says_its_cause_and_an_error_its_detail(
    ended: Ended, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    turn = secret_turn()
    turn.ended = ended
    StageLog().turn_ended(turn)
    (record,) = caplog.records
    assert record.levelname == level
    for part in (f"cause={ended.cause}", f"code={ended.code}", f"worker={ended.worker}", "characters=9", ended.detail):
        assert part in record.getMessage()
    assert "detail=" not in record.getMessage() or ended.detail


def test_a_delivery_says_what_left(caplog: pytest.LogCaptureFixture) -> None:
    StageLog().delivered(secret_turn(), DELIVERY)
    message = caplog.records[0].getMessage()
    for part in ("turn delivered:", "door=smart", "leaving=finished", "end=complete", "chunks=10", "seconds=2.6"):
        assert part in message


def test_no_line_has_a_token_a_prompt_or_an_answer_in_it(caplog: pytest.LogCaptureFixture) -> None:
    turn, log = secret_turn(), StageLog()
    turn.returned(COMPLETE)
    log.stage_left(turn, "total", 1.0)
    log.turn_ended(turn)
    log.delivered(turn, DELIVERY)
    assert len(caplog.records) == 3
    for record in caplog.records:
        assert "my " not in record.getMessage()
        assert "my " not in repr(vars(record))
