import asyncio
from contextvars import ContextVar
from typing import Any

import pytest

from streamchat.turns.events import (
    Answer,
    Ended,
    Media,
    Progress,
    Queued,
    Started,
    Withdrawn,
)
from streamchat.turns.turn import TrueState, Turn
from streamchat.turns.work_queue import TooBusy
from tests.fakes.executors import CANCELLED, COMPLETE, ScriptedExecutor
from tests.fakes.houses import HandHouse

STOPPED = Ended(cause="cancelled", code="cancelled", reason="owner")
STOPPED_BUT_RUNNING = Ended(cause="cancelled", code="cancelled", reason="owner", worker="running")
TIMED_OUT = Ended(cause="timeout", code="timeout", reason="deadline", worker="running")
SHUT_DOWN = Ended(cause="error", code="shutting_down", reason="shutdown", worker="running")


def facts(turn: Turn) -> list[Any]:
    return [fact for _, fact in turn.log.read(0)]


def ends(turn: Turn) -> list[Ended]:
    return [fact for fact in facts(turn) if isinstance(fact, Ended)]


def check_ended_once(house: HandHouse, turn: Turn, ended: Ended) -> None:
    """The turn has this end and no other, and everybody who has to know was told once."""
    assert turn.ended == ended
    assert ends(turn) == [ended]
    assert house.observer.ended == [ended]
    assert house.clock.pending == [], "a timer outlives the turn"


# A life without incidents.


def test_a_turn_is_accepted_started_answered_and_ended() -> None:
    house = HandHouse(executor=ScriptedExecutor(holds_back=True))
    turn = house.turn()
    house.clock.advance(1.0)
    house.executor.start(turn)
    house.clock.advance(2.0)
    turn.record(Answer(text="hello"))
    house.clock.advance(0.5)
    house.executor.finish(turn)
    assert turn.log.read(0) == [
        (1.0, Started()),
        (3.0, Answer(text="hello")),
        (3.5, COMPLETE),
    ]
    assert house.observer.stages == [("accepted", 0.0), ("queued", 1.0), ("processing", 2.0)]
    assert (turn.accepted_at, turn.started_at, turn.answered_at, turn.ended_at) == (1000.0, 1001.0, 1003.0, 1003.5)
    assert turn.characters == 5
    check_ended_once(house, turn, COMPLETE)
    assert house.changes == [turn]


def test_processing_is_left_at_the_first_piece_and_only_once() -> None:
    house = HandHouse()
    turn = house.turn()
    house.clock.advance(2.0)
    turn.record("你")
    house.clock.advance(2.0)
    turn.record("好")
    house.executor.finish(turn)
    assert [seconds for stage, seconds in house.observer.stages if stage == "processing"] == [2.0]
    assert turn.characters == 2


def test_an_answer_without_text_still_leaves_processing() -> None:
    house = HandHouse()
    turn = house.turn()
    house.clock.advance(2.0)
    house.executor.finish(turn)
    assert ("processing", 2.0) in house.observer.stages


def test_a_failure_before_any_text_leaves_processing_without_an_answer() -> None:
    house = HandHouse()
    turn = house.turn()
    house.clock.advance(2.0)
    house.executor.finish(turn, Ended(cause="error", code="processing_error", reason="raised", detail="Traceback"))
    assert house.observer.stages == [("accepted", 0.0), ("queued", 0.0), ("processing", 2.0)]
    assert turn.answered_at is None
    check_ended_once(house, turn, Ended(cause="error", code="processing_error", reason="raised", detail="Traceback"))


def test_a_turn_that_finds_no_room_has_not_happened() -> None:
    house = HandHouse()
    house.executor.is_full = True
    turn = house.unsubmitted()
    with pytest.raises(TooBusy):
        turn.submit()
    assert facts(turn) == []
    assert (house.observer.stages, house.clock.pending) == ([], [])


def test_the_deadline_counts_from_the_start_of_the_work_and_is_told_to_the_worker() -> None:
    house = HandHouse(executor=ScriptedExecutor(holds_back=True))
    turn = house.turn(timeout_seconds=7.0)
    house.clock.advance(60.0)
    assert turn.ended is None
    assert house.executor.start(turn) == 1067.0
    house.clock.advance(6.9)
    assert turn.ended is None
    house.clock.advance(0.2)
    check_ended_once(house, turn, TIMED_OUT)


def test_notices_are_shown_until_the_end() -> None:
    turn = HandHouse().turn()
    turn.notify(Queued(position=1, estimated_wait=None))
    assert turn.log.notice == Queued(position=1, estimated_wait=None)
    turn.returned(COMPLETE)
    turn.notify(Progress(message="late", percent=None))
    assert turn.log.notice == Queued(position=1, estimated_wait=None)


def test_the_context_of_whoever_asked_goes_with_the_turn() -> None:
    request_id: ContextVar[str] = ContextVar("request_id", default="")
    request_id.set("r-1")
    turn = HandHouse().turn()
    request_id.set("r-2")
    assert turn.context.run(request_id.get) == "r-1"


# Exactly one end, whatever comes together.


def test_a_function_that_returns_after_its_timeout_changes_nothing() -> None:
    house = HandHouse()
    turn = house.turn(timeout_seconds=5.0)
    house.clock.advance(5.0)
    assert house.executor.interrupted == [turn]
    turn.record(Answer(text="too late"))
    house.executor.finish(turn)
    assert facts(turn) == [Started(), TIMED_OUT]
    check_ended_once(house, turn, TIMED_OUT)
    assert turn.worker == "ended"


def test_a_function_that_fails_past_its_time_is_one_timeout() -> None:
    house = HandHouse()
    turn = house.turn(timeout_seconds=5.0)
    house.clock.seconds += 5.0  # the timer is late
    house.executor.finish(turn, Ended(cause="error", code="processing_error", reason="raised", detail="TimeoutError"))
    assert turn.ended is not None
    assert (turn.ended.cause, turn.ended.code, turn.ended.detail) == ("timeout", "timeout", "TimeoutError")
    house.clock.advance(60.0)
    assert house.executor.interrupted == []


def test_a_timeout_that_comes_after_the_return_does_nothing() -> None:
    house = HandHouse()
    turn = house.turn(timeout_seconds=5.0)
    house.executor.finish(turn)
    house.clock.advance(60.0)
    check_ended_once(house, turn, COMPLETE)
    assert house.executor.interrupted == []


def test_what_was_said_before_the_timeout_stays() -> None:
    house = HandHouse()
    turn = house.turn(timeout_seconds=5.0)
    turn.record("partial")
    house.clock.advance(6.0)
    assert facts(turn) == [Started(), "partial", TIMED_OUT]


@pytest.mark.gen_test
async def test_a_cancel_that_the_function_obeys_is_cancelled() -> None:
    house = HandHouse(executor=ScriptedExecutor(is_obedient=True))
    turn = house.turn()
    assert await turn.cancel() == TrueState(state="cancelled", worker="ended")
    check_ended_once(house, turn, STOPPED)


@pytest.mark.gen_test
async def test_a_cancel_that_the_function_ignores_is_said_to_be_still_cancelling() -> None:
    house = HandHouse()
    turn = house.turn()
    assert await turn.cancel() == TrueState(state="cancelling", worker="running")
    check_ended_once(house, turn, STOPPED_BUT_RUNNING)
    house.executor.finish(turn)
    assert await turn.cancel() == TrueState(state="cancelled", worker="ended")
    check_ended_once(house, turn, STOPPED_BUT_RUNNING)


@pytest.mark.gen_test
async def test_two_cancels_at_once_stop_it_once_and_hear_the_same() -> None:
    house = HandHouse(executor=ScriptedExecutor(is_obedient=True))
    turn = house.turn()
    states = await asyncio.gather(turn.cancel(), turn.cancel(), turn.cancel())
    assert list(states) == [TrueState(state="cancelled", worker="ended")] * 3
    assert house.executor.interrupted == [turn]
    check_ended_once(house, turn, STOPPED)


@pytest.mark.gen_test
async def test_whoever_stops_waiting_for_a_cancel_does_not_take_it_back() -> None:
    house = HandHouse()
    turn = house.turn()
    waiting = asyncio.create_task(turn.cancel())
    await asyncio.sleep(0)
    waiting.cancel()
    assert await turn.cancel() == TrueState(state="cancelling", worker="running")
    check_ended_once(house, turn, STOPPED_BUT_RUNNING)


@pytest.mark.gen_test
async def test_a_cancel_while_it_waits_for_a_worker_takes_it_out_of_the_queue() -> None:
    house = HandHouse(executor=ScriptedExecutor(holds_back=True))
    turn = house.turn()
    assert await turn.cancel() == TrueState(state="cancelled", worker="ended")
    assert house.executor.waiting == []
    assert facts(turn) == [STOPPED]
    check_ended_once(house, turn, STOPPED)


@pytest.mark.gen_test
async def test_an_answer_that_comes_while_it_is_being_cancelled_is_not_taken() -> None:
    house = HandHouse()
    turn = house.turn()
    cancelling = asyncio.create_task(turn.cancel())
    await asyncio.sleep(0)
    turn.record(Answer(text="just in time?"))
    house.executor.finish(turn)
    assert await cancelling == TrueState(state="cancelled", worker="ended")
    assert facts(turn) == [Started(), STOPPED]


@pytest.mark.gen_test
async def test_an_answer_that_came_before_the_cancel_wins() -> None:
    house = HandHouse()
    turn = house.turn()
    turn.record(Answer(text="first"))
    house.executor.finish(turn)
    assert await turn.cancel() == TrueState(state="finished", worker="ended")
    check_ended_once(house, turn, COMPLETE)


@pytest.mark.gen_test
async def test_a_timeout_during_a_cancel_is_one_end() -> None:
    house = HandHouse(cancel_grace_seconds=60.0)
    turn = house.turn(timeout_seconds=5.0)
    cancelling = asyncio.create_task(turn.cancel())
    await asyncio.sleep(0)
    house.clock.advance(5.0)
    house.executor.finish(turn, CANCELLED)
    assert await cancelling == TrueState(state="finished", worker="ended")
    check_ended_once(house, turn, TIMED_OUT)


@pytest.mark.gen_test
async def test_a_cancel_after_a_timeout_tells_that_the_worker_still_runs() -> None:
    house = HandHouse()
    turn = house.turn(timeout_seconds=5.0)
    house.clock.advance(5.0)
    assert await turn.cancel() == TrueState(state="finished", worker="running")
    check_ended_once(house, turn, TIMED_OUT)


def test_shutdown_ends_a_running_turn() -> None:
    house = HandHouse()
    turn = house.turn()
    turn.shut_down()
    turn.shut_down()
    assert house.executor.interrupted == [turn]
    turn.record(Answer(text="too late"))
    house.executor.finish(turn)
    assert facts(turn) == [Started(), SHUT_DOWN]
    check_ended_once(house, turn, SHUT_DOWN)


def test_shutdown_ends_a_waiting_turn_with_the_same_words() -> None:
    house = HandHouse(executor=ScriptedExecutor(holds_back=True))
    turn = house.turn()
    turn.shut_down()
    assert house.executor.waiting == []
    check_ended_once(house, turn, Ended(cause="error", code="shutting_down", reason="shutdown"))


def test_shutdown_ends_a_turn_whose_function_returns_at_once() -> None:
    house = HandHouse(executor=ScriptedExecutor(is_obedient=True))
    turn = house.turn()
    turn.shut_down()
    assert turn.ended is not None
    check_ended_once(house, turn, turn.ended)
    assert turn.ended.code == "shutting_down"


def test_a_timeout_whose_function_returns_at_once_is_one_timeout() -> None:
    house = HandHouse(executor=ScriptedExecutor(is_obedient=True))
    turn = house.turn(timeout_seconds=5.0)
    house.clock.advance(5.0)
    assert turn.ended is not None
    check_ended_once(house, turn, turn.ended)
    assert turn.ended.cause == "timeout"


@pytest.mark.gen_test
async def test_shutdown_during_a_cancel_is_one_end() -> None:
    house = HandHouse(cancel_grace_seconds=60.0)
    turn = house.turn()
    cancelling = asyncio.create_task(turn.cancel())
    await asyncio.sleep(0)
    turn.shut_down()
    house.executor.finish(turn, CANCELLED)
    assert await cancelling == TrueState(state="finished", worker="ended")
    check_ended_once(house, turn, SHUT_DOWN)


# Bounds.


@pytest.mark.parametrize("is_obedient", [False, True])
def test_an_answer_past_the_limit_is_refused_and_the_work_stopped(is_obedient: bool) -> None:
    house = HandHouse(executor=ScriptedExecutor(is_obedient=is_obedient), max_answer_characters=10)
    turn = house.turn()
    turn.record("1234567890")
    assert turn.ended is None
    turn.record("x")
    turn.record("more")
    assert turn.ended is not None
    assert (turn.ended.cause, turn.ended.code, turn.ended.reason) == ("error", "processing_error", "too_long")
    assert facts(turn) == [Started(), "1234567890", turn.ended]
    assert turn.log.size == turn.characters == 10
    assert house.executor.interrupted == [turn]
    check_ended_once(house, turn, turn.ended)


def test_pictures_count_too() -> None:
    house = HandHouse(max_answer_characters=100)
    turn = house.turn()
    turn.record(Media(media_type="image/png", content="A" * 101))
    assert turn.ended is not None
    assert turn.ended.reason == "too_long"
    assert turn.log.size == 0


def test_there_is_a_limit_on_the_number_of_facts() -> None:
    house = HandHouse(max_facts=5)
    turn = house.turn()
    for _ in range(20):
        turn.record("x")
    assert turn.ended is not None
    assert turn.ended.reason == "too_long"
    assert len(turn.log) == 6  # five, and the end


# Readers come and go.


async def pass_time(house: HandHouse, seconds: float) -> None:
    """Let the time pass, and whatever that sets off have its turn."""
    house.clock.advance(seconds)
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.gen_test
async def test_a_turn_that_nobody_reads_is_cancelled_after_the_linger_time() -> None:
    house = HandHouse(linger_seconds=30.0)
    turn = house.turn()
    turn.open_reader().close()
    await pass_time(house, 29.9)
    assert house.executor.interrupted == []
    await pass_time(house, 0.2)
    await turn.cancel()
    check_ended_once(house, turn, Ended(cause="cancelled", code="cancelled", reason="client_gone", worker="running"))


@pytest.mark.gen_test
async def test_who_comes_back_in_time_finds_it_running() -> None:
    house = HandHouse(linger_seconds=30.0)
    turn = house.turn()
    turn.open_reader().close()
    await pass_time(house, 29.0)
    reader = turn.open_reader()
    await pass_time(house, 60.0)
    assert house.executor.interrupted == []
    reader.close()
    await pass_time(house, 29.0)
    assert house.executor.interrupted == []


@pytest.mark.gen_test
async def test_it_goes_on_while_one_of_two_still_reads() -> None:
    house = HandHouse()
    turn = house.turn()
    first, second = turn.open_reader(), turn.open_reader()
    assert turn.reader_count == 2
    first.close()
    first.close()
    assert turn.reader_count == 1
    await pass_time(house, 100.0)
    assert house.executor.interrupted == []
    second.close()
    assert turn.reader_count == 0
    assert house.changes == [turn, turn]


@pytest.mark.gen_test
async def test_policy_cancel_does_not_linger() -> None:
    house = HandHouse(executor=ScriptedExecutor(is_obedient=True))
    turn = house.turn(on_disconnect="cancel")
    turn.open_reader().close()
    await pass_time(house, 0.0)
    await turn.cancel()
    check_ended_once(house, turn, Ended(cause="cancelled", code="cancelled", reason="client_gone"))


@pytest.mark.gen_test
async def test_policy_continue_works_to_the_end_for_nobody() -> None:
    house = HandHouse()
    turn = house.turn(on_disconnect="continue")
    turn.open_reader().close()
    await pass_time(house, 149.0)
    turn.record(Answer(text="for later"))
    house.executor.finish(turn)
    assert facts(turn)[1:] == [Answer(text="for later"), COMPLETE]
    check_ended_once(house, turn, COMPLETE)


@pytest.mark.gen_test
async def test_nobody_is_waited_for_after_the_end() -> None:
    house = HandHouse()
    turn = house.turn()
    reader = turn.open_reader()
    house.executor.finish(turn)
    reader.close()
    check_ended_once(house, turn, COMPLETE)


@pytest.mark.gen_test
async def test_giving_up_on_a_turn_that_is_being_cancelled_is_one_end() -> None:
    house = HandHouse(cancel_grace_seconds=60.0)
    turn = house.turn(on_disconnect="cancel")
    reader = turn.open_reader()
    cancelling = asyncio.create_task(turn.cancel())
    await asyncio.sleep(0)
    reader.close()
    await pass_time(house, 0.0)
    house.executor.finish(turn, CANCELLED)
    await cancelling
    assert house.executor.interrupted == [turn]
    check_ended_once(house, turn, STOPPED)


# What is still being shown can be withdrawn.


@pytest.mark.gen_test
async def test_stop_while_the_answer_is_still_being_shown_withdraws_the_rest() -> None:
    house = HandHouse()
    turn = house.turn()
    turn.open_reader()
    turn.record(Answer(text="long"))
    house.executor.finish(turn)
    house.clock.advance(1.0)
    assert await turn.cancel() == TrueState(state="cancelled", worker="ended")
    assert facts(turn)[-2:] == [COMPLETE, Withdrawn(cause="cancelled", code="cancelled")]
    assert turn.log.is_withdrawn
    assert await turn.cancel() == TrueState(state="cancelled", worker="ended")
    assert len(facts(turn)) == 4
    assert turn.ended == COMPLETE


@pytest.mark.gen_test
async def test_an_end_that_says_what_went_wrong_is_not_withdrawn() -> None:
    house = HandHouse()
    turn = house.turn(timeout_seconds=5.0)
    turn.open_reader()
    house.clock.advance(5.0)
    await turn.cancel()
    turn.shut_down()
    assert facts(turn) == [Started(), TIMED_OUT]


@pytest.mark.gen_test
async def test_a_finished_turn_that_nobody_reads_stays_whole() -> None:
    house = HandHouse()
    turn = house.turn()
    house.executor.finish(turn)
    assert await turn.cancel() == TrueState(state="finished", worker="ended")
    turn.shut_down()
    assert facts(turn) == [Started(), COMPLETE]


@pytest.mark.gen_test
async def test_shutdown_while_the_answer_is_still_being_shown_says_so() -> None:
    house = HandHouse()
    turn = house.turn()
    turn.open_reader()
    house.executor.finish(turn)
    turn.shut_down()
    turn.shut_down()
    assert facts(turn)[-1] == Withdrawn(cause="error", code="shutting_down")
    check_ended_once(house, turn, COMPLETE)
