import asyncio
import sys
from collections.abc import Callable
from math import inf
from typing import Any, cast

import pytest

from streamchat.turns.events import Ended, Progress, Started
from streamchat.turns.log import MemoryLog
from streamchat.turns.reader import Reader
from streamchat.turns.ticker import TICK_SECONDS, Ticker
from tests.fakes.clock import HandClock
from tests.fakes.rounds import rounds_here


class Desk:
    """A log and readers on it, with a ticker that goes by hand."""

    def __init__(self) -> None:
        self.log = MemoryLog()
        self.clock = HandClock(0.0)
        self.ticker = Ticker(cast("Any", self.clock), rounds_here())
        self.closed = 0

    def reader(self, accepted_at: float = 0.0) -> Reader:
        return Reader(
            self.log,
            accepted_at=accepted_at,
            clock=self.clock.time,
            ticker=self.ticker,
            on_close=self._count_close,
        )

    @property
    def waiting(self) -> int:
        """How many calls the ticker has still to make."""
        return sum(len(bucket) for bucket in self.ticker._buckets.values())

    def _count_close(self) -> None:
        self.closed += 1


class Wakes:
    """Counts how often a reader has woken whoever follows it."""

    def __init__(self, reader: Reader) -> None:
        self.count = 0
        reader.listen(self._wake)

    def _wake(self) -> None:
        self.count += 1


async def settled() -> None:
    """Everything that is ready has had its turn."""
    for _ in range(3):
        await asyncio.sleep(0)


@pytest.mark.gen_test
async def test_every_entry_is_taken_once_and_in_order() -> None:
    desk = Desk()
    reader = desk.reader()
    assert not reader.take()
    desk.log.append(0.0, Started())
    desk.log.append(1.0, "a")
    assert list(reader.take()) == [(0.0, Started()), (1.0, "a")]
    assert not reader.take()
    desk.log.append(2.0, "b")
    assert list(reader.take()) == [(2.0, "b")]


@pytest.mark.gen_test
async def test_a_second_reader_is_given_everything_again() -> None:
    desk = Desk()
    desk.log.append(0.0, Started())
    first, second = desk.reader(), desk.reader()
    assert list(first.take()) == list(second.take()) == [(0.0, Started())]


@pytest.mark.gen_test
async def test_a_notice_is_taken_once_and_only_the_latest() -> None:
    desk = Desk()
    reader = desk.reader()
    assert reader.take_notice() is None
    desk.log.notify(Progress(message="one", percent=None))
    desk.log.notify(Progress(message="two", percent=None))
    assert reader.take_notice() == Progress(message="two", percent=None)
    assert reader.take_notice() is None


@pytest.mark.gen_test
async def test_the_same_words_said_again_are_news_again() -> None:
    desk = Desk()
    reader = desk.reader()
    for _ in range(2):
        desk.log.notify(Progress(message="still at it", percent=None))
        assert reader.take_notice() is not None


@pytest.mark.gen_test
@pytest.mark.parametrize(
    "happening",
    [
        lambda desk, reader: desk.log.append(0.0, Started()),
        lambda desk, reader: desk.log.notify(Progress(message="one", percent=None)),
        lambda desk, reader: reader.close(),
    ],
    ids=["a fact", "a notice", "its close"],
)
async def test_whoever_follows_is_woken_soon_after_but_not_from_inside(
    happening: Callable[[Desk, Reader], None],
) -> None:
    desk = Desk()
    reader = desk.reader()
    wakes = Wakes(reader)
    happening(desk, reader)
    assert wakes.count == 0
    await settled()
    assert wakes.count == 1


@pytest.mark.gen_test
async def test_what_happens_together_wakes_once() -> None:
    desk = Desk()
    wakes = Wakes(desk.reader())
    for at in range(5):
        desk.log.append(float(at), "a")
    await settled()
    assert wakes.count == 1


@pytest.mark.gen_test
async def test_there_is_news_from_the_start_and_after_everything_that_happens_until_it_is_taken() -> None:
    desk = Desk()
    reader = desk.reader()
    assert reader.has_news
    reader.take()
    assert not reader.has_news
    desk.log.notify(Progress(message="one", percent=None))
    assert reader.has_news


@pytest.mark.gen_test
async def test_an_alarm_rings_at_its_time_and_not_before() -> None:
    desk = Desk()
    reader = desk.reader(accepted_at=40.0)
    wakes = Wakes(reader)
    reader.alarm_at(2.0)
    desk.clock.advance(41.9)
    assert wakes.count == 0
    desk.clock.advance(0.2)
    assert wakes.count == 1
    desk.clock.advance(100.0)
    assert wakes.count == 1


@pytest.mark.gen_test
async def test_no_alarm_is_set_for_never() -> None:
    desk = Desk()
    desk.reader().alarm_at(inf)
    assert desk.clock.pending == []


@pytest.mark.gen_test
async def test_only_the_earliest_alarm_rings_and_the_next_is_set_after_it() -> None:
    desk = Desk()
    reader = desk.reader()
    wakes = Wakes(reader)
    reader.alarm_at(10.0)
    reader.alarm_at(5.0)
    reader.alarm_at(7.0)
    desk.clock.advance(5.1)
    assert wakes.count == 1
    reader.alarm_at(12.0)
    desk.clock.advance(5.0)
    assert wakes.count == 1
    desk.clock.advance(2.0)
    assert wakes.count == 2


@pytest.mark.gen_test
async def test_an_alarm_that_is_set_twice_for_one_tick_rings_once() -> None:
    desk = Desk()
    reader = desk.reader()
    wakes = Wakes(reader)
    for until in (10.0, 5.0):
        reader.alarm_at(until)
    desk.clock.advance(5.1)
    reader.alarm_at(10.0)
    desk.clock.advance(6.0)
    assert wakes.count == 2


@pytest.mark.gen_test
async def test_an_overtaken_alarm_is_kept_for_the_next_one_beyond_it() -> None:
    desk = Desk()
    reader = desk.reader()
    wakes = Wakes(reader)
    for until in (10.0, 5.0):
        reader.alarm_at(until)
    desk.clock.advance(5.1)
    reader.alarm_at(12.0)
    desk.clock.advance(6.8)
    assert wakes.count == 1
    desk.clock.advance(0.2)
    assert wakes.count == 2


@pytest.mark.gen_test
async def test_alarms_that_are_overtaken_again_and_again_do_not_pile_up_in_the_ticker() -> None:
    desk = Desk()
    reader = desk.reader()
    for _ in range(50):
        reader.alarm_at(desk.clock.seconds + 15.0)
        reader.alarm_at(desk.clock.seconds + 0.1)
        desk.clock.advance(0.2)
        assert desk.waiting <= 2


@pytest.mark.gen_test
async def test_an_alarm_that_is_still_to_ring_does_not_keep_the_log_of_a_closed_reader() -> None:
    desk = Desk()
    before = sys.getrefcount(desk.log)
    reader = desk.reader()
    reader.alarm_at(15.0)
    reader.close()
    await settled()
    assert desk.waiting == 1
    after = sys.getrefcount(desk.log)
    assert after == before
    assert not reader.take()


@pytest.mark.gen_test
async def test_it_is_never_before_an_alarm_that_has_rung_though_the_loop_rings_early() -> None:
    desk = Desk()
    reader = desk.reader()
    times: list[float] = []
    reader.listen(lambda: times.append(reader.now))
    reader.alarm_at(5.0)
    (timer,) = desk.clock._timers
    desk.clock.seconds = timer.when - 0.0005
    timer.callback()
    assert 5.0 <= times[0] < 5.0001


@pytest.mark.gen_test
@pytest.mark.parametrize("accepted_at", [0.0, 31_536_000.123, 98_765.432_1])
async def test_what_is_due_is_due_when_its_alarm_rings_wherever_in_a_tick_it_lies(accepted_at: float) -> None:
    desk = Desk()
    desk.clock.seconds = accepted_at
    reader = desk.reader(accepted_at)
    for number in range(400):
        due = reader.now + number * 0.001 + number % 7 * 0.000_000_7
        seen: list[float] = []
        reader.listen(lambda seen=seen: seen.append(reader.now))  # type: ignore[misc]
        reader.alarm_at(due)
        desk.clock.advance(0.5)
        (at,) = seen
        assert due <= at < due + TICK_SECONDS + 0.0001


@pytest.mark.gen_test
async def test_alarms_do_not_pile_up_over_a_long_live_stream() -> None:
    desk = Desk()
    reader = desk.reader()
    due = [15.0]

    def follow() -> None:
        reader.take()
        due[:] = [at for at in due if at > reader.now] or [reader.now + 15.0]
        reader.alarm_at(min(due))

    reader.listen(follow)
    # A second at a time: text wakes it, a chunk is due shortly after, then only the keep-alive.
    for second in range(120):
        due.append(second + 0.09)
        desk.log.append(float(second), "word ")
        await settled()
        desk.clock.advance(1.0)
    assert desk.waiting <= 3


@pytest.mark.gen_test
async def test_whoever_no_longer_follows_is_not_woken() -> None:
    desk = Desk()
    reader = desk.reader()
    wakes = Wakes(reader)
    reader.alarm_at(1.0)
    reader.ignore()
    desk.log.append(0.0, Started())
    await settled()
    desk.clock.advance(2.0)
    assert wakes.count == 0


@pytest.mark.gen_test
async def test_a_reader_that_left_is_not_woken_any_more_and_says_so_once() -> None:
    desk = Desk()
    reader = desk.reader()
    reader.close()
    reader.close()
    assert desk.closed == 1
    assert reader.is_closed
    assert desk.log._wakes == []
    desk.log.append(0.0, Ended(cause="complete", code="complete"))


@pytest.mark.gen_test
async def test_time_counts_from_when_the_turn_was_accepted() -> None:
    desk = Desk()
    reader = desk.reader(accepted_at=desk.clock.time())
    desk.clock.advance(30.0)
    assert reader.now == 30.0
