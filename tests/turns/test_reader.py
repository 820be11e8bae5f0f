import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from streamchat.turns.events import Ended, Entry, Progress, Started, Text
from streamchat.turns.log import MemoryLog
from streamchat.turns.reader import Reader
from streamchat.turns.ticker import Ticker
from tests.fakes.clock import HandClock

FAR = 1e6


class Desk:
    """A log and readers on it, with a ticker that goes by hand."""

    def __init__(self) -> None:
        self.log = MemoryLog()
        self.clock = HandClock(0.0)
        self.ticker = Ticker(cast("Any", self.clock))
        self.closed = 0

    def reader(self, accepted_at: float = 0.0) -> Reader:
        return Reader(
            self.log,
            accepted_at=accepted_at,
            clock=self.clock.time,
            ticker=self.ticker,
            on_close=self._count_close,
        )

    def _count_close(self) -> None:
        self.closed += 1


async def is_waiting(waiting: "asyncio.Task[None]") -> bool:
    """Whether it still waits after everything that is ready has had its turn."""
    for _ in range(3):
        await asyncio.sleep(0)
    return not waiting.done()


async def woken_by(reader: Reader, happening: Callable[[], object], until: float = FAR) -> bool:
    waiting = asyncio.create_task(reader.wait(until))
    assert await is_waiting(waiting)
    happening()
    woken = not await is_waiting(waiting)
    waiting.cancel()
    return woken


@pytest.mark.gen_test
async def test_every_entry_is_taken_once_and_in_order() -> None:
    desk = Desk()
    reader = desk.reader()
    assert reader.take() == ()
    desk.log.append(0.0, Started())
    desk.log.append(1.0, Text(text="a"))
    assert list(reader.take()) == [Entry(0.0, Started()), Entry(1.0, Text(text="a"))]
    assert reader.take() == ()
    desk.log.append(2.0, Text(text="b"))
    assert list(reader.take()) == [Entry(2.0, Text(text="b"))]


@pytest.mark.gen_test
async def test_a_second_reader_is_given_everything_again() -> None:
    desk = Desk()
    desk.log.append(0.0, Started())
    first, second = desk.reader(), desk.reader()
    assert list(first.take()) == list(second.take()) == [Entry(0.0, Started())]


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
async def test_a_wait_ends_when_the_log_grows() -> None:
    desk = Desk()
    reader = desk.reader()
    assert await woken_by(reader, lambda: desk.log.append(0.0, Started()))


@pytest.mark.gen_test
async def test_a_wait_ends_at_a_notice() -> None:
    desk = Desk()
    reader = desk.reader()
    assert await woken_by(reader, lambda: desk.log.notify(Progress(message="one", percent=None)))


@pytest.mark.gen_test
async def test_a_wait_ends_when_it_is_told_to() -> None:
    reader = Desk().reader()
    assert await woken_by(reader, reader.wake)


@pytest.mark.gen_test
async def test_a_wait_ends_when_the_reader_is_closed() -> None:
    reader = Desk().reader()
    assert await woken_by(reader, reader.close)


@pytest.mark.gen_test
async def test_a_wait_ends_at_its_time_and_not_before() -> None:
    desk = Desk()
    reader = desk.reader(accepted_at=40.0)
    assert not await woken_by(reader, lambda: desk.clock.advance(41.9), until=2.0)
    assert await woken_by(reader, lambda: desk.clock.advance(0.2), until=2.0)


@pytest.mark.gen_test
async def test_there_is_no_wait_while_something_is_untaken() -> None:
    desk = Desk()
    reader = desk.reader()
    desk.log.append(0.0, Started())
    await reader.wait(FAR)
    reader.take()
    desk.log.notify(Progress(message="one", percent=None))
    await reader.wait(FAR)
    reader.take_notice()
    assert not await woken_by(reader, lambda: None)


@pytest.mark.gen_test
async def test_there_is_no_wait_on_a_closed_reader() -> None:
    reader = Desk().reader()
    reader.close()
    await reader.wait(FAR)


@pytest.mark.gen_test
async def test_an_alarm_that_an_earlier_one_overtook_still_rings_for_whoever_waits_for_it() -> None:
    desk = Desk()
    reader = desk.reader()
    assert await woken_by(reader, reader.wake, until=10.0)
    assert await woken_by(reader, lambda: desk.clock.advance(5.1), until=5.0)
    assert not await woken_by(reader, lambda: desk.clock.advance(4.0), until=10.0)
    assert await woken_by(reader, lambda: desk.clock.advance(1.0), until=10.0)


@pytest.mark.gen_test
async def test_a_later_wait_is_not_cut_short_for_good_by_an_old_alarm() -> None:
    desk = Desk()
    reader = desk.reader()
    assert await woken_by(reader, reader.wake, until=5.0)
    # It wakes in vain at 5, looks again, and waits for its own time.
    assert await woken_by(reader, lambda: desk.clock.advance(5.1), until=8.0)
    assert await woken_by(reader, lambda: desk.clock.advance(3.0), until=8.0)


@pytest.mark.gen_test
async def test_alarms_do_not_pile_up_over_a_long_live_stream() -> None:
    desk = Desk()
    reader = desk.reader()
    # A second at a time: text wakes it, a chunk is due shortly after, then only the keep-alive.
    for second in range(120):
        desk.log.append(float(second), Text(text="word "))
        reader.take()
        assert await woken_by(reader, lambda: desk.clock.advance(0.1), until=second + 0.09)
        waiting = asyncio.create_task(reader.wait(second + 15.0))
        await asyncio.sleep(0)
        desk.clock.advance(0.9)
        waiting.cancel()
        await asyncio.sleep(0)
    assert sum(len(bucket) for bucket in desk.ticker._buckets.values()) <= 3


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
async def test_a_wait_that_is_cancelled_leaves_nothing_behind() -> None:
    desk = Desk()
    reader = desk.reader()
    waiting = asyncio.create_task(reader.wait(FAR))
    assert await is_waiting(waiting)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await woken_by(reader, lambda: desk.log.append(0.0, Started()))


@pytest.mark.gen_test
async def test_time_counts_from_when_the_turn_was_accepted() -> None:
    desk = Desk()
    reader = desk.reader(accepted_at=desk.clock.time())
    desk.clock.advance(30.0)
    assert reader.now == 30.0
