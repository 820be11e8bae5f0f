"""What a turn writes of its function's tokens, on a hand-moved clock."""

import pytest

from streamchat.turns.events import Ended, Usage
from streamchat.turns.token_count import USAGE_SECONDS
from streamchat.turns.turn import Turn
from tests.fakes.executors import COMPLETE
from tests.fakes.houses import HandHouse


def usage(tokens: int) -> Usage:
    return Usage(prompt_tokens=12, completion_tokens=tokens)


def written(turn: Turn) -> list[tuple[float, int]]:
    """When each count was written, and what it says."""
    return [(at, fact.completion_tokens) for at, fact in turn.log.read(0) if isinstance(fact, Usage)]


def test_a_count_is_written_at_once() -> None:
    house = HandHouse()
    turn = house.turn()
    assert turn.usage is None
    house.clock.advance(1.0)
    turn.record(usage(1))
    assert written(turn) == [(1.0, 1)]
    assert turn.usage == usage(1)


def test_of_many_counts_the_last_of_each_half_second_is_written() -> None:
    house = HandHouse()
    turn = house.turn()
    for tokens in range(1, 13):
        turn.record(usage(tokens))
        house.clock.advance(0.1)
    assert written(turn) == [(0.0, 1), (0.5, 5), (1.0, 10)]
    assert turn.usage == usage(12)
    house.clock.advance(USAGE_SECONDS)
    assert written(turn)[3:] == [(1.5, 12)]


def test_a_function_that_counts_without_end_fills_no_log() -> None:
    house = HandHouse(max_facts=10)
    turn = house.turn()
    for tokens in range(100_000):
        turn.record(usage(tokens))
    assert turn.ended is None
    assert len(turn.log) == 2


def test_the_last_word_is_in_the_log_before_the_end() -> None:
    house = HandHouse()
    turn = house.turn()
    for tokens in (1, 2, 3):
        turn.record(usage(tokens))
    turn.record("a")
    house.executor.finish(turn)
    assert [fact for _, fact in turn.log.read(0)][1:] == [usage(1), "a", usage(3), COMPLETE]
    assert house.clock.pending == [], "a timer outlives the turn"


def test_what_was_written_is_not_written_again() -> None:
    house = HandHouse()
    turn = house.turn()
    turn.record(usage(1))
    turn.record(usage(1))
    house.clock.advance(5.0)
    turn.record(usage(1))
    house.executor.finish(turn)
    assert written(turn) == [(0.0, 1)]


@pytest.mark.parametrize("cause", ["timeout", "error"])
def test_however_a_turn_ends_its_last_count_is_told(cause: str) -> None:
    house = HandHouse()
    turn = house.turn(timeout_seconds=0.2)
    turn.record(usage(1))
    turn.record(usage(2))
    if cause == "timeout":
        house.clock.advance(0.3)
    else:
        house.executor.finish(turn, Ended(cause="error", code="processing_error", reason="raised"))
    assert turn.ended is not None
    assert turn.ended.cause == cause
    assert [tokens for _, tokens in written(turn)] == [1, 2]
    turn.record(usage(3))
    assert turn.usage == usage(2), "nothing is counted after the end"
