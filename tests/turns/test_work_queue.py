from collections.abc import Callable
from typing import Any

import pytest

from streamchat.turns.events import Ended, Queued
from streamchat.turns.work_queue import ExecutorLimits, Job, TooBusy, WorkQueue
from tests.fakes.clock import HandClock
from tests.fakes.jobs import RecordingJob


class Desk:
    """A queue, the jobs it has launched, and the clock it goes by."""

    def __init__(self, max_running: int = 2, max_queued: int = 3, max_abandoned: int = 1) -> None:
        self.clock = HandClock()
        self.launched: list[Job] = []
        self.limits = ExecutorLimits(max_running=max_running, max_queued=max_queued, max_abandoned=max_abandoned)
        self.refuses_to_launch = False
        self.queue = WorkQueue(self.limits, launch=self._launch, clock=self.clock)

    def _launch(self, job: Job) -> None:
        if self.refuses_to_launch:
            raise RuntimeError("can't start new thread")
        self.launched.append(job)

    def submit(self, count: int) -> list[RecordingJob]:
        jobs = [RecordingJob(str(number)) for number in range(count)]
        for job in jobs:
            self.queue.submit(job)
        return jobs

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Busy, queued, abandoned, free."""
        now = self.queue.statistics()
        return now.busy, now.queued, now.abandoned, now.free


def test_whoever_comes_first_runs_first() -> None:
    desk = Desk()
    jobs = desk.submit(5)
    assert desk.launched == jobs[:2]
    desk.queue.release(jobs[1])
    desk.queue.release(jobs[0])
    assert desk.launched == jobs[:4]
    desk.queue.release(jobs[2])
    assert desk.launched == jobs


def test_whoever_waits_is_told_the_position_and_again_when_it_changes() -> None:
    desk = Desk()
    jobs = desk.submit(5)
    assert [job.position for job in jobs] == [None, None, 1, 2, 3]
    desk.queue.release(jobs[0])
    assert [job.position for job in jobs[3:]] == [1, 2]
    desk.queue.release(jobs[1])
    assert [notice.position for notice in jobs[4].notices if isinstance(notice, Queued)] == [3, 2, 1]


def positions_told(job: RecordingJob) -> list[int]:
    return [notice.position for notice in job.notices if isinstance(notice, Queued)]


def test_whoever_keeps_the_position_is_not_told_it_again() -> None:
    desk = Desk()
    jobs = desk.submit(5)
    desk.queue.withdraw(jobs[3])
    assert [positions_told(job) for job in jobs[2:]] == [[1], [2], [3, 2]]


def test_far_back_in_a_long_line_each_tenth_is_told_and_at_its_front_each_position() -> None:
    desk = Desk(max_running=1, max_queued=100)
    jobs = desk.submit(101)
    for job in jobs[:100]:
        desk.queue.release(job)
    told = positions_told(jobs[100])
    assert told == [100, 90, 81, 72, 64, 57, 51, 45, 40, 36, *range(32, 0, -1)]


def test_past_the_queue_a_job_is_refused_and_leaves_no_trace() -> None:
    desk = Desk()
    desk.submit(5)
    late = RecordingJob()
    with pytest.raises(TooBusy) as refused:
        desk.queue.submit(late)
    assert refused.value.retry_after == 1.0
    assert late.notices == []
    assert desk.counts == (2, 3, 0, 0)
    assert not desk.queue.withdraw(late)


def test_without_a_queue_whoever_finds_no_worker_is_refused() -> None:
    desk = Desk(max_queued=0)
    (job, _) = desk.submit(2)
    with pytest.raises(TooBusy):
        desk.submit(1)
    desk.queue.release(job)
    desk.submit(1)
    assert desk.counts == (2, 0, 0, 0)


def test_a_newcomer_does_not_overtake_those_who_wait() -> None:
    desk = Desk(max_running=1, max_abandoned=0)
    running, waiting = desk.submit(2)
    desk.queue.release(running)
    assert desk.launched == [running, waiting]
    desk.submit(1)
    assert desk.counts == (1, 1, 0, 0)


def test_who_gives_up_waiting_lets_the_others_move_up() -> None:
    desk = Desk()
    jobs = desk.submit(5)
    assert desk.queue.withdraw(jobs[2])
    assert not desk.queue.withdraw(jobs[2])
    assert not desk.queue.withdraw(jobs[0])
    assert [job.position for job in jobs[3:]] == [1, 2]
    desk.queue.release(jobs[0])
    desk.queue.release(jobs[1])
    assert desk.launched == [jobs[0], jobs[1], jobs[3], jobs[4]]


def test_an_abandoned_worker_is_replaced() -> None:
    desk = Desk()
    jobs = desk.submit(3)
    desk.queue.abandon(jobs[0])
    assert desk.launched == jobs
    assert desk.counts == (2, 0, 1, 0)


def test_past_the_limit_each_abandoned_worker_takes_a_place_away() -> None:
    desk = Desk(max_running=3, max_abandoned=1)
    jobs = desk.submit(3)
    frees = []
    for job in jobs:
        desk.queue.abandon(job)
        frees.append(desk.counts)
    assert frees == [(2, 0, 1, 1), (1, 0, 2, 1), (0, 0, 3, 1)]
    desk.submit(2)
    assert desk.counts == (1, 1, 3, 0)


def test_once_every_place_is_lost_whoever_waits_is_told_and_whoever_comes_is_refused() -> None:
    desk = Desk(max_running=1, max_abandoned=1)
    first, second, third = (desk.submit(1)[0] for _ in range(3))
    desk.queue.abandon(first)
    assert desk.launched == [first, second]
    desk.queue.abandon(second)
    assert third.ended == [Ended(cause="error", code="overloaded", reason="no_worker")]
    with pytest.raises(TooBusy):
        desk.submit(1)
    assert desk.counts == (0, 0, 2, 0)


def test_places_come_back_when_the_functions_return() -> None:
    desk = Desk(max_running=1, max_abandoned=0)
    (first,) = desk.submit(1)
    desk.queue.abandon(first)
    desk.queue.release(first)
    (second,) = desk.submit(1)
    assert desk.launched == [first, second]
    assert desk.counts == (1, 0, 0, 0)


def test_a_job_that_finds_no_thread_ends_and_leaves_its_place() -> None:
    desk = Desk(max_running=1)
    desk.refuses_to_launch = True
    (job,) = desk.submit(1)
    assert [(end.code, end.reason) for end in job.ended] == [("overloaded", "no_worker")]
    assert desk.counts == (0, 0, 0, 1)


def test_free_is_never_less_than_none() -> None:
    desk = Desk(max_running=1, max_abandoned=0)
    for _ in range(3):
        (job,) = desk.submit(1)
        desk.queue.abandon(job)
        desk.queue.release(job)
        desk.queue.abandon(job)
    assert desk.counts == (0, 0, 0, 1)


@pytest.mark.parametrize("again", [lambda q, j: q.abandon(j), lambda q, j: (q.release(j), q.release(j))])
def test_nothing_is_counted_twice(again: Callable[[WorkQueue, Job], Any]) -> None:
    desk = Desk()
    (job,) = desk.submit(1)
    desk.queue.abandon(job)
    again(desk.queue, job)
    desk.queue.release(job)
    assert desk.counts == (0, 0, 0, 2)


def test_the_wait_is_unknown_until_something_has_been_seen_to_end() -> None:
    desk = Desk()
    jobs = desk.submit(3)
    assert jobs[2].notices == [Queued(position=1, estimated_wait=None)]


def test_the_wait_follows_how_long_functions_lately_took() -> None:
    desk = Desk(max_running=2, max_queued=3)
    jobs = desk.submit(2)
    desk.clock.advance(8.0)
    desk.queue.release(jobs[0])
    desk.clock.advance(4.0)
    desk.queue.release(jobs[1])
    # One took 8 s, the other 12 s; two run at a time.
    waiting = desk.submit(5)[2:]
    assert [job.notices for job in waiting] == [
        [Queued(position=1, estimated_wait=5.0)],
        [Queued(position=2, estimated_wait=10.0)],
        [Queued(position=3, estimated_wait=15.0)],
    ]
    with pytest.raises(TooBusy) as refused:
        desk.submit(1)
    assert refused.value.retry_after == 5.0


def test_only_the_last_twenty_are_remembered() -> None:
    desk = Desk(max_running=1)
    for seconds in [1000.0] * 5 + [2.0] * 20:
        (job,) = desk.submit(1)
        desk.clock.advance(seconds)
        desk.queue.release(job)
    waiting = desk.submit(2)[1]
    assert waiting.notices == [Queued(position=1, estimated_wait=2.0)]


def test_how_long_an_abandoned_function_went_on_says_nothing_of_the_wait() -> None:
    desk = Desk(max_running=1)
    (job,) = desk.submit(1)
    desk.queue.abandon(job)
    desk.clock.advance(9_999.0)
    desk.queue.release(job)
    assert desk.submit(2)[1].notices == [Queued(position=1, estimated_wait=None)]


def test_statistics_tell_the_limits() -> None:
    desk = Desk()
    assert desk.queue.statistics().limits == desk.limits
