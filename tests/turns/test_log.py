import pytest

from streamchat.turns.events import Answer, Ended, Fact, Progress, Queued, Started, Withdrawn
from streamchat.turns.log import LogClosed, MemoryLog

ENDED = Ended(cause="complete", code="complete")
WITHDRAWN = Withdrawn(cause="cancelled", code="cancelled")


def test_facts_are_read_in_the_order_they_were_written() -> None:
    log = MemoryLog()
    log.append(0.0, Started())
    log.append(1.0, "a")
    log.append(2.0, "b")
    assert log.read(0) == [(0.0, Started()), (1.0, "a"), (2.0, "b")]
    assert log.read(2) == [(2.0, "b")]
    assert log.read(3) == []
    assert len(log) == 3


def test_what_was_read_is_a_copy_that_does_not_grow() -> None:
    log = MemoryLog()
    before = log.read(0)
    log.append(0.0, Started())
    assert before == []


def test_time_never_runs_backwards() -> None:
    log = MemoryLog()
    log.append(5.0, Started())
    log.append(4.0, Answer(text="a"))
    assert [at for at, _ in log.read(0)] == [5.0, 5.0]


@pytest.mark.parametrize("fact", [Started(), "late", Answer(text="late"), ENDED])
def test_nothing_is_accepted_after_the_end(fact: Fact) -> None:
    log = MemoryLog()
    log.append(1.0, ENDED)
    with pytest.raises(LogClosed):
        log.append(2.0, fact)
    assert log.read(0) == [(1.0, ENDED)]
    assert log.size == 0


def test_an_ended_turn_can_be_withdrawn_once() -> None:
    log = MemoryLog()
    log.append(1.0, ENDED)
    log.append(2.0, WITHDRAWN)
    assert log.is_withdrawn
    with pytest.raises(LogClosed):
        log.append(3.0, WITHDRAWN)
    assert len(log) == 2


def test_a_running_turn_cannot_be_withdrawn() -> None:
    log = MemoryLog()
    with pytest.raises(LogClosed):
        log.append(1.0, WITHDRAWN)
    assert not log.is_withdrawn
    log.append(1.0, Started())
    assert len(log) == 1


def test_the_log_weighs_what_its_facts_carry() -> None:
    log = MemoryLog()
    log.append(0.0, Started())
    log.append(1.0, "你好")
    log.append(2.0, "!")
    assert log.size == 3


def test_the_latest_notice_is_shown_and_none_is_kept() -> None:
    log = MemoryLog()
    assert log.notice is None
    log.notify(Queued(position=1, estimated_wait=None))
    log.notify(Progress(message="searching", percent=4.0))
    assert log.notice == Progress(message="searching", percent=4.0)
    assert log.read(0) == []


def test_every_subscriber_is_woken_by_facts_and_notices_until_it_leaves() -> None:
    log, woken = MemoryLog(), list[str]()

    def first() -> None:
        woken.append("first")

    log.subscribe(first)
    log.subscribe(lambda: woken.append("second"))
    log.append(0.0, Started())
    log.notify(Progress(message="searching", percent=None))
    assert woken == ["first", "second"] * 2
    log.unsubscribe(first)
    log.append(1.0, ENDED)
    assert woken == [*["first", "second"] * 2, "second"]


def test_a_subscriber_may_leave_while_it_is_being_woken() -> None:
    log, woken = MemoryLog(), list[str]()

    def wake_once() -> None:
        woken.append("once")
        log.unsubscribe(wake_once)

    log.subscribe(wake_once)
    log.subscribe(lambda: woken.append("other"))
    log.append(0.0, Started())
    log.append(1.0, ENDED)
    assert woken == ["once", "other", "other"]


def test_a_refused_fact_wakes_nobody() -> None:
    log, woken = MemoryLog(), list[str]()
    log.append(0.0, ENDED)
    log.subscribe(lambda: woken.append("woken"))
    with pytest.raises(LogClosed):
        log.append(1.0, Started())
    assert woken == []
