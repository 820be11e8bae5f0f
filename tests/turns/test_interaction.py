"""Questions, answers and steering of a turn, on a hand-moved clock."""

import asyncio
from typing import Any

import pytest

from streamchat.turns.events import Ended, InputReceived, InputRequired, QuestionExpired
from streamchat.turns.inputs import InvalidInput, Lapsed, NoInputExpected, Reply, Said
from streamchat.turns.interaction import InputLimits
from streamchat.turns.turn import Turn
from tests.fakes.executors import COMPLETE, ScriptedExecutor
from tests.fakes.houses import HandHouse


def question(number: int = 1, *, seconds: float = 60.0, schema: Any = None) -> InputRequired:
    return InputRequired(request_id=f"in_{number}", question="Sure?", schema=schema, expires_in=seconds)


def said_to(house: HandHouse) -> list[Any]:
    return [given for _, given in house.executor.handed_in]


def facts(turn: Turn) -> list[Any]:
    return [fact for _, fact in turn.log.read(0)][1:]


def results(house: HandHouse) -> dict[str, int]:
    return dict(house.house.inputs.results)


def test_a_question_is_written_answered_and_handed_in_in_this_order() -> None:
    house = HandHouse()
    turn = house.turn()
    turn.record(question())
    assert house.house.inputs.waiting == 1
    turn.give_input("yes", "in_1")
    assert facts(turn) == [question(), InputReceived(request_id="in_1")]
    assert said_to(house) == [Reply(request_id="in_1", value="yes")]
    assert (house.house.inputs.waiting, results(house)) == (0, {"answered": 1})


@pytest.mark.parametrize(("wanted", "given"), [(60.0, 60.0), (float("inf"), 300.0), (4_000.0, 300.0)])
def test_the_servers_limit_shortens_what_the_function_wants(wanted: float, given: float) -> None:
    house = HandHouse()
    turn = house.turn()
    turn.record(question(seconds=wanted))
    assert facts(turn) == [question(seconds=given)]
    house.clock.advance(given - 0.1)
    assert said_to(house) == []
    house.clock.advance(0.2)
    assert facts(turn)[-1] == QuestionExpired(request_id="in_1")
    assert said_to(house) == [Lapsed(request_id="in_1")]
    assert (house.house.inputs.waiting, results(house)) == (0, {"expired": 1})
    with pytest.raises(NoInputExpected):
        turn.give_input("too late", "in_1")


def test_the_deadline_stands_still_while_any_question_is_open() -> None:
    house = HandHouse()
    turn = house.turn(timeout_seconds=10.0)
    house.clock.advance(4.0)
    turn.record(question(1))
    house.clock.advance(50.0)
    turn.record(question(2))
    turn.give_input("yes", "in_1")
    house.clock.advance(50.0)
    turn.give_input("yes", "in_2")
    assert turn.waited_seconds == 100.0
    house.clock.advance(5.9)
    assert turn.ended is None
    house.clock.advance(0.2)
    assert turn.ended is not None
    assert turn.ended.cause == "timeout"
    assert house.clock.pending == []


def test_the_users_time_is_no_processing_time() -> None:
    house = HandHouse()
    turn = house.turn()
    house.clock.advance(1.0)
    turn.record(question())
    house.clock.advance(50.0)
    turn.give_input("yes")
    house.clock.advance(2.0)
    turn.record("Well")
    assert ("processing", 3.0) in house.observer.stages


def test_where_nobody_can_answer_a_question_expires_at_once() -> None:
    house = HandHouse()
    turn = house.turn(can_answer=False)
    turn.record(question())
    house.clock.advance(0.0)
    assert said_to(house) == [Lapsed(request_id="in_1")]


def test_what_the_function_withdraws_is_closed_and_once_only() -> None:
    house = HandHouse()
    turn = house.turn()
    turn.record(question())
    for _ in range(2):
        turn.record(QuestionExpired(request_id="in_1"))
    turn.record(QuestionExpired(request_id="never_asked"))
    assert facts(turn) == [question(), QuestionExpired(request_id="in_1")]


@pytest.mark.parametrize("how", ["end", "timeout", "shutdown"])
def test_with_the_turn_every_question_is_over(how: str) -> None:
    house = HandHouse()
    turn = house.turn(timeout_seconds=5.0)
    turn.record(question(1))
    turn.give_input("yes")
    turn.record(question(2))
    if how == "end":
        house.executor.finish(turn)
    elif how == "shutdown":
        turn.shut_down()
    else:
        turn.record(QuestionExpired(request_id="in_2"))
        house.clock.advance(6.0)
    assert isinstance(facts(turn)[-1], Ended)
    assert (house.house.inputs.waiting, house.clock.pending) == (0, [])
    with pytest.raises(NoInputExpected):
        turn.give_input("yes", "in_2")
    turn.give_input("yes", "in_1")  # a repetition is harmless for as long as the turn is known


@pytest.mark.gen_test
async def test_a_stop_closes_what_is_open_before_the_function_has_returned() -> None:
    house = HandHouse(executor=ScriptedExecutor(is_obedient=False), cancel_grace_seconds=5.0)
    turn = house.turn()
    turn.record(question())
    stopping = asyncio.create_task(turn.cancel())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with pytest.raises(NoInputExpected):
        turn.give_input("yes")
    turn.record(question(2))
    house.executor.finish(turn, COMPLETE)
    await stopping
    assert [type(fact) for fact in facts(turn)] == [InputRequired, Ended]
    assert house.clock.pending == []


def test_an_answer_that_does_not_fit_is_refused_and_the_question_stays_open() -> None:
    house = HandHouse()
    turn = house.turn()
    turn.record(question(schema={"type": "integer"}))
    with pytest.raises(InvalidInput, match="not of type 'integer'"):
        turn.give_input("three")
    turn.give_input(3)
    assert said_to(house) == [Reply(request_id="in_1", value=3)]
    assert results(house) == {"refused": 1, "answered": 1}


def test_the_length_of_an_input_is_that_of_its_json() -> None:
    house = HandHouse(inputs=InputLimits(max_input_characters=10))
    turn = house.turn()
    turn.record(question())
    with pytest.raises(InvalidInput, match="must not be longer than 10 characters"):
        turn.give_input("123456789")
    turn.give_input("12345678")


def test_of_several_open_questions_one_has_to_be_named() -> None:
    house = HandHouse()
    turn = house.turn()
    turn.record(question(1))
    turn.record(question(2))
    with pytest.raises(InvalidInput, match="needs a request_id"):
        turn.give_input("yes")
    turn.give_input("no", "in_2")
    turn.give_input("yes")
    assert [given.request_id for given in said_to(house)] == ["in_2", "in_1"]


def test_the_same_answer_again_is_harmless_and_another_is_none() -> None:
    house = HandHouse()
    turn = house.turn()
    turn.record(question())
    turn.give_input("yes", "in_1")
    turn.give_input("yes", "in_1")
    turn.give_input("yes")
    for value, request_id in (("no", "in_1"), ("no", None), ("yes", "in_2")):
        with pytest.raises(NoInputExpected):
            turn.give_input(value, request_id)
    assert len(said_to(house)) == 1


def test_what_is_said_unasked_goes_to_a_function_that_has_an_inbox() -> None:
    house = HandHouse(has_inbox=True)
    turn = house.turn()
    turn.give_input("shorter")
    assert facts(turn) == [InputReceived()]
    assert said_to(house) == [Said(text="shorter")]
    assert results(house) == {"steered": 1}
    with pytest.raises(InvalidInput, match="must be a text"):
        turn.give_input(1)


def test_an_open_question_goes_before_the_inbox() -> None:
    house = HandHouse(has_inbox=True)
    turn = house.turn()
    turn.record(question())
    turn.give_input("yes")
    turn.give_input("yes")
    assert said_to(house) == [Reply(request_id="in_1", value="yes"), Said(text="yes")]


def test_what_may_be_said_unasked_is_bounded() -> None:
    house = HandHouse(has_inbox=True, inputs=InputLimits(max_unasked=2))
    turn = house.turn()
    turn.give_input("a")
    turn.give_input("b")
    with pytest.raises(NoInputExpected):
        turn.give_input("c")


def test_a_function_that_has_not_begun_or_takes_nothing_is_told_nothing() -> None:
    for house in (HandHouse(executor=ScriptedExecutor(holds_back=True), has_inbox=True), HandHouse()):
        with pytest.raises(NoInputExpected):
            house.turn().give_input("shorter")
        assert results(house) == {"refused": 1}
