import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any, cast

import pytest

from streamchat.turns.ticker import TICK_SECONDS, Ticker
from tests.fakes.clock import HandClock
from tests.fakes.rounds import rounds_here


class Bell:
    """Rings with a name and the time it rang."""

    def __init__(self, clock: HandClock) -> None:
        self.rings: list[tuple[str, float]] = []
        self._clock = clock

    def named(self, name: str) -> Any:
        return lambda tick: self.rings.append((name, self._clock.seconds))

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.rings]


@pytest.fixture
def clock() -> HandClock:
    return HandClock(100.0)


@pytest.fixture
def bell(clock: HandClock) -> Bell:
    return Bell(clock)


def ticker_on(clock: HandClock, tick_seconds: float = TICK_SECONDS) -> Ticker:
    return Ticker(cast("Any", clock), rounds_here(), tick_seconds)


def call_at_time(ticker: Ticker, when: float, ring: Callable[[int], None]) -> None:
    """Ask by the second, as a reader asks."""
    ticker.call_at(ticker.tick_at(when), ring)


def test_a_call_comes_at_or_up_to_one_tick_after_its_time(clock: HandClock, bell: Bell) -> None:
    ticker = ticker_on(clock, 0.01)
    times = [100.0, 100.0001, 100.003, 100.0099, 100.01, 100.0149, 103.14159]
    for when in times:
        call_at_time(ticker, when, bell.named(str(when)))
    clock.advance(10.0)
    assert bell.names == [str(when) for when in times]
    for name, rang_at in bell.rings:
        assert -1e-9 <= rang_at - float(name) < 0.01 + 1e-9


def test_calls_come_in_the_order_of_their_times_whatever_the_order_they_were_asked_for(
    clock: HandClock, bell: Bell
) -> None:
    ticker = ticker_on(clock)
    for when in (103.0, 101.0, 102.0, 100.5, 104.0):
        call_at_time(ticker, when, bell.named(str(when)))
    clock.advance(10.0)
    assert bell.names == ["100.5", "101.0", "102.0", "103.0", "104.0"]


def test_many_calls_within_one_tick_share_one_timer(clock: HandClock, bell: Bell) -> None:
    ticker = ticker_on(clock, 0.01)
    for number in range(1_000):
        call_at_time(ticker, 100.021 + number / 200_000, bell.named(str(number)))
    assert len(clock.pending) == 1
    clock.advance(1.0)
    assert bell.names == [str(number) for number in range(1_000)]
    assert len({rang_at for _, rang_at in bell.rings}) == 1


def test_there_is_one_timer_however_many_wait_and_none_when_nobody_does(clock: HandClock, bell: Bell) -> None:
    ticker = ticker_on(clock)
    for number in range(200, 0, -1):
        call_at_time(ticker, 100.0 + number, bell.named(str(number)))
        assert len(clock.pending) == 1
    assert clock.pending == [pytest.approx(101.0)]
    clock.advance(500.0)
    assert len(bell.rings) == 200
    assert clock.pending == []


def test_a_later_call_is_not_lost_when_an_earlier_one_overtakes_it(clock: HandClock, bell: Bell) -> None:
    ticker = ticker_on(clock)
    call_at_time(ticker, 110.0, bell.named("late"))
    call_at_time(ticker, 101.0, bell.named("early"))
    clock.advance(1.1)
    assert bell.names == ["early"]
    clock.advance(9.0)
    assert bell.names == ["early", "late"]


def test_a_time_that_has_passed_is_called_at_the_next_tick(clock: HandClock, bell: Bell) -> None:
    ticker = ticker_on(clock)
    call_at_time(ticker, 7.0, bell.named("past"))
    assert bell.rings == []
    clock.advance(0.0)
    assert bell.names == ["past"]


def test_a_loop_that_was_held_up_makes_up_for_it_at_once_and_in_order(clock: HandClock, bell: Bell) -> None:
    ticker = ticker_on(clock)
    for when in (101.0, 102.0, 103.0, 120.0):
        call_at_time(ticker, when, bell.named(str(when)))
    clock.jump(10.0)
    assert bell.rings == [("101.0", 110.0), ("102.0", 110.0), ("103.0", 110.0)]
    clock.advance(10.0)
    assert bell.names[-1] == "120.0"


def test_a_loop_that_fires_a_little_early_does_not_cost_another_tick(clock: HandClock, bell: Bell) -> None:
    ticker = ticker_on(clock, 0.01)
    call_at_time(ticker, 100.02, bell.named("on time"))
    (timer,) = clock._timers
    clock.seconds = timer.when - 0.0005
    timer.callback()
    assert bell.names == ["on time"]


def test_what_is_not_due_yet_is_not_called_along_with_a_late_tick(clock: HandClock, bell: Bell) -> None:
    ticker = ticker_on(clock, 0.01)
    call_at_time(ticker, 100.02, bell.named("due"))
    call_at_time(ticker, 100.03, bell.named("later"))
    (timer,) = clock._timers
    clock.seconds = 100.026
    timer.callback()
    assert bell.names == ["due"]


def test_whoever_is_called_may_ask_for_the_next_call(clock: HandClock) -> None:
    ticker, rang = ticker_on(clock), list[float]()

    def ring(tick: int) -> None:
        rang.append(clock.seconds)
        if len(rang) < 5:
            call_at_time(ticker, clock.seconds + 1.0, ring)

    call_at_time(ticker, 101.0, ring)
    clock.advance(60.0)
    assert rang == [pytest.approx(101.0 + number, abs=2 * TICK_SECONDS) for number in range(5)]


def test_streams_that_ask_again_when_they_are_called_keep_each_its_own_time(clock: HandClock) -> None:
    ticker, rang = ticker_on(clock), dict[int, list[float]]()

    def stream(number: int) -> Callable[[int], None]:
        def ring(tick: int) -> None:
            rang.setdefault(number, []).append(clock.seconds)
            call_at_time(ticker, clock.seconds + 0.1, ring)

        return ring

    for number in range(10):
        call_at_time(ticker, 101.0 + number / 100, stream(number))
    clock.advance(2.0)
    assert [times[0] for times in rang.values()] == pytest.approx(
        [101.0 + n / 100 for n in range(10)], abs=TICK_SECONDS
    )
    for times in rang.values():
        assert [after - before for before, after in pairwise(times)] == pytest.approx(
            [0.1] * (len(times) - 1), abs=TICK_SECONDS
        )


def test_whoever_is_called_is_told_which_tick_it_is(clock: HandClock) -> None:
    ticker, told = ticker_on(clock, 0.01), list[int]()
    tick = ticker.tick_at(100.015)
    ticker.call_at(tick, told.append)
    clock.advance(1.0)
    assert told == [tick] == [10_002]


def test_a_tick_is_never_before_the_time_it_stands_for(clock: HandClock) -> None:
    ticker = ticker_on(clock, 0.01)
    assert [ticker.tick_at(when) for when in (1.0, 1.0001, 1.0099, 1.01)] == [100, 101, 101, 101]


@pytest.mark.parametrize("begin", [number / 1000 for number in range(40_000, 40_010)])
def test_times_that_are_added_up_keep_their_place_among_the_ticks(clock: HandClock, begin: float) -> None:
    # As pauses of a pace are, from a moment that a clock of whole milliseconds has told.
    ticker, when, ticks = ticker_on(clock), begin, list[int]()
    for _ in range(200):
        ticks.append(ticker.tick_at(when))
        when += 0.05 + 0.002 * 25
    assert {after - before for before, after in pairwise(ticks)} == {20}


@pytest.mark.gen_test
async def test_it_runs_on_a_real_loop() -> None:
    loop = asyncio.get_running_loop()
    ticker, rang, order = Ticker(loop, rounds_here()), asyncio.Event(), list[str]()
    asked_for = loop.time() + 0.02
    call_at_time(ticker, asked_for, lambda tick: rang.set())
    call_at_time(ticker, asked_for, lambda tick: order.append("same tick"))
    await rang.wait()
    await asyncio.sleep(0)
    assert loop.time() >= asked_for - TICK_SECONDS / 2
    assert order == ["same tick"]


def test_one_that_fails_does_not_silence_the_others_of_its_tick(clock: HandClock, bell: Bell) -> None:
    ticker = ticker_on(clock)

    def fail(tick: int) -> None:
        raise ValueError("a bug")

    for ring in (bell.named("before"), fail, bell.named("after")):
        call_at_time(ticker, 101.0, ring)
    call_at_time(ticker, 102.0, bell.named("later"))
    with pytest.raises(ValueError, match="a bug"):
        clock.advance(2.0)
    clock.advance(2.0)
    assert bell.names == ["before", "after", "later"]


def test_what_is_to_come_last_comes_at_the_end_of_the_tick(clock: HandClock) -> None:
    rounds, called = rounds_here(), list[str]()
    ticker = Ticker(cast("Any", clock), rounds)

    def present(name: str) -> Callable[[int], None]:
        def ring(tick: int) -> None:
            called.append(f"present {name}")
            rounds.call_last(lambda: called.append(f"send {name}"))

        return ring

    for name in ("a", "b"):
        call_at_time(ticker, 100.001, present(name))
    clock.advance(1.0)
    assert called == ["present a", "present b", "send a", "send b"]
