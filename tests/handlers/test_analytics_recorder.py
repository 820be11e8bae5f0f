"""One record a turn: what it says, when it is made, and that it is made once."""

from __future__ import annotations

import gc
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from streamchat.handlers import batch_writer
from streamchat.handlers.analytics_recorder import AnalyticsRecorder
from streamchat.handlers.batch_writer import BatchRules
from streamchat.stores.analytics import TurnRecord
from streamchat.stores.database import StoreDown
from streamchat.turns.events import Answer, Ended
from streamchat.turns.observer import Delivery
from streamchat.turns.query import View
from streamchat.turns.turn import Turn
from tests.fakes.executors import COMPLETE, ScriptedExecutor
from tests.fakes.houses import HandHouse

WHOLE = Delivery(
    door="smart",
    resumed=False,
    leaving="finished",
    end="complete",
    code="",
    first_frame_seconds=0.01,
    first_chunk_seconds=3.0,
    streaming_seconds=2.0,
    total_seconds=5.5,
    chunks=10,
    characters=300,
    frames=14,
)


def delivery(**fields: Any) -> Delivery:
    """A whole answer; ``fields`` over it."""
    known = {name: getattr(WHOLE, name) for name in Delivery.__slots__}
    return Delivery(**known | fields)


LEFT = delivery(leaving="client_gone", end="", chunks=2, characters=40, streaming_seconds=0.5)


class NotingStore:
    """Notes the records it is given, or fails."""

    def __init__(self) -> None:
        self.records: list[TurnRecord] = []
        self.is_down = False

    async def add(self, *records: TurnRecord) -> None:
        if self.is_down:
            raise StoreDown("gone")
        self.records += records


class Desk:
    """A recorder, the store behind it, and a house whose turns it watches."""

    def __init__(self, **limits: Any) -> None:
        self.store = NotingStore()
        self.lost = 0
        self.recorder = AnalyticsRecorder(cast("Any", self.store), self._lose, BatchRules(gather_seconds=3_600.0))
        self.hands = HandHouse(executor=ScriptedExecutor(**limits))
        self.hands.house = replace(self.hands.house, observer=self.recorder)

    def _lose(self) -> None:
        self.lost += 1

    def turn(self, **rules: Any) -> Turn:
        return self.hands.turn(**rules)

    async def records(self) -> list[TurnRecord]:
        await self.recorder.settled()
        return self.store.records

    async def record(self) -> TurnRecord:
        (only,) = await self.records()
        return only


@pytest.fixture
def desk(io_loop: object) -> Desk:
    return Desk()


def answer(turn: Turn, text: str = "x" * 300) -> None:
    turn.record(Answer(text=text))
    turn.returned(COMPLETE)


@pytest.mark.gen_test
async def test_a_record_says_when_for_whom_how_long_how_much_and_how_it_ended() -> None:
    desk = Desk(holds_back=True)
    before = datetime.now(UTC)
    turn = desk.turn(door="smart", view=View(style="smart", lang="en", pace="none"), accepting_seconds=0.004)
    reader = turn.open_reader()
    desk.hands.clock.advance(1.0)
    desk.hands.executor.start(turn)
    desk.hands.clock.advance(2.0)
    answer(turn)
    desk.recorder.delivered(turn, WHOLE)
    reader.close()
    kept = await desk.record()
    assert (kept.door, kept.profile, kept.caller, kept.lang, kept.pace) == ("smart", "ada", "ada", "en", "none")
    assert (kept.cause, kept.code) == ("complete", "")
    assert (kept.accepted_seconds, kept.queued_seconds, kept.processing_seconds) == (0.004, 1.0, 2.0)
    assert (kept.streaming_seconds, kept.total_seconds) == (2.0, 5.5)
    assert (kept.first_frame_seconds, kept.first_answer_seconds) == (0.01, 3.0)
    assert (kept.characters, kept.chunks, kept.characters_per_second) == (300, 10, 150.0)
    # The turn's own clock has moved by three seconds, the wall clock hardly: it was asked three seconds ago.
    assert before - timedelta(seconds=3) <= kept.asked_at <= datetime.now(UTC) - timedelta(seconds=3)


@pytest.mark.gen_test
async def test_a_record_waits_for_the_reader_that_the_turn_has_at_its_end(desk: Desk) -> None:
    turn = desk.turn()
    turn.open_reader()
    answer(turn)
    assert await desk.records() == []
    desk.recorder.delivered(turn, WHOLE)
    assert (await desk.record()).chunks == 10


@pytest.mark.gen_test
async def test_a_turn_is_counted_once_however_many_read_it(desk: Desk) -> None:
    turn = desk.turn()
    for _ in range(2):
        turn.open_reader()
    answer(turn)
    for reading in (WHOLE, delivery(chunks=1), delivery(resumed=True), LEFT):
        desk.recorder.delivered(turn, reading)
    await desk.recorder.close()
    assert (await desk.record()).chunks == 10


@pytest.mark.gen_test
async def test_a_turn_that_goes_on_without_a_reader_is_recorded_at_its_end(desk: Desk) -> None:
    turn = desk.turn(on_disconnect="continue", accepting_seconds=0.5)
    desk.hands.clock.advance(4.0)
    answer(turn)
    kept = await desk.record()
    assert (kept.cause, kept.characters, kept.chunks, kept.total_seconds) == ("complete", 300, 0, 4.5)
    assert (kept.first_answer_seconds, kept.characters_per_second, kept.streaming_seconds) == (None, None, None)


@pytest.mark.gen_test
async def test_a_client_that_left_before_the_answer_is_gone_and_one_that_came_back_is_not(desk: Desk) -> None:
    for comes_back in (False, True):
        turn = desk.turn(on_disconnect="continue")
        turn.open_reader().close()
        desk.recorder.delivered(turn, LEFT)
        assert await desk.records() == []
        if comes_back:
            turn.open_reader()
        answer(turn)
        if comes_back:
            desk.recorder.delivered(turn, delivery(resumed=True, first_chunk_seconds=0.001, characters=260))
        kept = await desk.record()
        assert kept.cause == ("complete" if comes_back else "client_gone")
        # Times are those of the first reader: only they count from the question.
        assert (kept.first_answer_seconds, kept.characters) == (3.0, 40)
        desk.store.records.clear()


@pytest.mark.gen_test
async def test_times_of_a_resume_are_not_those_of_the_question(desk: Desk) -> None:
    turn = desk.turn()
    answer(turn)
    assert (await desk.record()).first_answer_seconds is None
    desk.store.records.clear()
    followed = desk.turn()
    followed.open_reader()
    answer(followed)
    desk.recorder.delivered(followed, delivery(resumed=True, first_chunk_seconds=0.001))
    kept = await desk.record()
    assert (kept.first_frame_seconds, kept.first_answer_seconds, kept.characters) == (None, None, 300)


@pytest.mark.gen_test
async def test_an_answer_in_one_piece_is_waited_for_till_its_end(desk: Desk) -> None:
    turn = desk.turn()
    turn.open_reader()
    answer(turn)
    in_one_piece = {"first_frame_seconds": None, "first_chunk_seconds": None, "streaming_seconds": 0.0}
    desk.recorder.delivered(turn, delivery(door="chat", chunks=0, frames=0, **in_one_piece))
    kept = await desk.record()
    assert (kept.first_answer_seconds, kept.first_frame_seconds) == (5.5, None)
    assert (kept.characters, kept.characters_per_second, kept.streaming_seconds) == (300, None, None)


@pytest.mark.parametrize(
    ("ended", "reading", "kept"),
    [
        (Ended(cause="error", code="processing_error", reason="raised"), WHOLE, ("error", "processing_error")),
        (Ended(cause="error", code="overloaded", reason="no_worker"), None, ("error", "overloaded")),
        (Ended(cause="error", code="shutting_down", reason="shutdown"), LEFT, ("shutdown", "shutting_down")),
        (Ended(cause="timeout", code="timeout", reason="deadline"), WHOLE, ("timeout", "")),
        (Ended(cause="cancelled", code="cancelled", reason="owner"), WHOLE, ("cancelled", "")),
        (Ended(cause="cancelled", code="cancelled", reason="client_gone"), LEFT, ("client_gone", "")),
        (COMPLETE, LEFT, ("client_gone", "")),
        (COMPLETE, delivery(leaving="stalled", end=""), ("stalled", "")),
        (COMPLETE, delivery(leaving="failed", end="error", code="internal_error"), ("error", "internal_error")),
        (COMPLETE, delivery(end="cancelled", code="cancelled"), ("cancelled", "")),
        (COMPLETE, delivery(end="error", code="shutting_down"), ("shutdown", "shutting_down")),
        (COMPLETE, None, ("complete", "")),
    ],
)
@pytest.mark.gen_test
async def test_how_it_ended_is_how_it_ended_for_whoever_asked(
    desk: Desk, ended: Ended, reading: Delivery | None, kept: tuple[str, str]
) -> None:
    turn = desk.turn()
    if reading is not None:
        turn.open_reader()
    turn.returned(ended)
    if reading is not None:
        desk.recorder.delivered(turn, reading)
    made = await desk.record()
    assert (made.cause, made.code) == kept


@pytest.mark.gen_test
async def test_a_turn_that_never_began_has_only_its_total() -> None:
    desk = Desk(holds_back=True)
    turn = desk.turn()
    desk.hands.clock.advance(2.0)
    await turn.cancel()
    kept = await desk.record()
    assert (kept.cause, kept.queued_seconds, kept.processing_seconds, kept.total_seconds) == (
        "cancelled",
        None,
        None,
        2.0,
    )


@pytest.mark.gen_test
async def test_a_reader_that_never_reported_is_not_waited_for_at_the_close(desk: Desk) -> None:
    turn = desk.turn()
    turn.open_reader()
    answer(turn)
    await desk.recorder.close()
    assert [record.cause for record in desk.store.records] == ["complete"]


@pytest.mark.gen_test
async def test_a_turn_that_is_forgotten_before_its_reader_is_done_leaves_nothing_behind(desk: Desk) -> None:
    turn = desk.hands.unsubmitted()
    desk.recorder.stage_left(turn, "accepted", 0.1)
    assert len(desk.recorder._stories) == 1
    del turn
    gc.collect()
    assert len(desk.recorder._stories) == 0


@pytest.mark.gen_test
async def test_a_record_that_the_store_does_not_take_is_counted_and_logged(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(batch_writer, "RETRY_SECONDS", 0.0)
    desk.store.is_down = True
    answer(desk.turn())
    await desk.recorder.close()
    assert desk.lost == 1
    assert "the record of a turn of ada is lost: gone" in caplog.text
