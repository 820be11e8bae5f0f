import asyncio
import gc
import itertools
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from typing import Any

import pytest

from streamchat.turns.cancellation import QueryCancelled
from streamchat.turns.events import Answer, Ended, Progress
from streamchat.turns.inbox import Inbox
from streamchat.turns.process_query import BoundFunction
from streamchat.turns.threads import UNDELIVERED_FACTS, ThreadEmitter, ThreadExecutor
from streamchat.turns.work_queue import ExecutorLimits, TooBusy
from tests.fakes.executors import CANCELLED, COMPLETE
from tests.fakes.jobs import RecordingJob

# Only a hang gets this far; no test waits for it.
AGES = 20.0

Make = Callable[..., ThreadExecutor]


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """What the blocking functions of a test block on; set at its end, whatever happened."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes executors on the running loop, and stops them at the end of the test."""
    made: list[ThreadExecutor] = []

    def make_executor(function: Callable[..., Any], **limits: int) -> ThreadExecutor:
        loop = asyncio.get_running_loop()
        made.append(ThreadExecutor(BoundFunction(function), ExecutorLimits(**limits), loop))
        return made[-1]

    yield make_executor
    for executor in made:
        executor.stop()


def counts(executor: ThreadExecutor) -> tuple[int, int, int]:
    """Busy, queued, abandoned."""
    now = executor.statistics()
    return now.busy, now.queued, now.abandoned


async def in_thread(event: threading.Event) -> None:
    """Wait until a worker has set the event."""
    assert await asyncio.to_thread(event.wait, AGES)


@pytest.mark.gen_test
async def test_a_function_runs_in_a_thread_of_its_own(make: Make) -> None:
    def process_query(message: str, deadline: float) -> str:
        return f"{message} {deadline} {threading.current_thread().name}"

    executor, job = make(process_query), RecordingJob(deadline=17.0)
    executor.submit(job)
    assert job.is_started
    assert not job.ended
    assert await job.end() == COMPLETE
    assert job.text.startswith("hello 17.0 process_query")
    assert counts(executor) == (0, 0, 0)


@pytest.mark.gen_test
async def test_pieces_and_progress_arrive_while_the_function_still_runs(make: Make, released: threading.Event) -> None:
    def process_query(message: str, progress: Any) -> Iterator[str]:
        progress("searching", 40)
        yield "one "
        assert released.wait(AGES)
        yield "two"

    executor, job = make(process_query), RecordingJob()
    executor.submit(job)
    await job.until(lambda: job.facts)
    assert job.facts == ["one "]
    assert job.notices == [Progress(message="searching", percent=40.0)]
    assert not job.ended
    released.set()
    await job.end()
    assert job.text == "one two"


@pytest.mark.gen_test
async def test_everything_is_told_on_the_loop_in_order_and_the_end_last(make: Make) -> None:
    order: list[Any] = []

    class OrderedJob(RecordingJob):
        def record(self, fact: Any) -> None:
            order.append((fact, threading.current_thread() is threading.main_thread()))
            super().record(fact)

        def returned(self, ended: Ended) -> None:
            order.append((ended.cause, threading.current_thread() is threading.main_thread()))
            super().returned(ended)

    executor, job = make(lambda message: (str(n) for n in range(500))), OrderedJob()
    executor.submit(job)
    await job.end()
    assert order == [*((str(n), True) for n in range(500)), ("complete", True)]


@pytest.mark.gen_test
async def test_the_context_of_whoever_asked_reaches_the_function(make: Make) -> None:
    request_id: ContextVar[str] = ContextVar("request_id", default="nobody")

    async def process_query(message: str) -> str:
        return request_id.get()

    executor, jobs = make(process_query, max_running=1), []
    for number in range(3):
        request_id.set(f"r-{number}")
        jobs.append(RecordingJob())
        executor.submit(jobs[-1])
    request_id.set("the loop's own")
    for job in jobs:
        await job.end()
    assert [job.text for job in jobs] == ["r-0", "r-1", "r-2"]


@pytest.mark.parametrize("failure", [ValueError, SystemExit, KeyboardInterrupt, StopIteration, GeneratorExit])
@pytest.mark.gen_test
async def test_whatever_a_function_raises_its_worker_is_free_again(make: Make, failure: type[BaseException]) -> None:
    def process_query(message: str) -> str:
        if message == "fail":
            raise failure
        return message

    executor = make(process_query, max_running=1)
    failing, next_one = RecordingJob("fail"), RecordingJob("next")
    executor.submit(failing)
    executor.submit(next_one)
    assert (await failing.end()).reason == "raised"
    assert await next_one.end() == COMPLETE
    assert next_one.text == "next"


# Stopping what runs.


@pytest.mark.gen_test
async def test_the_flag_reaches_a_function_that_looks_at_it(make: Make) -> None:
    looking = threading.Event()

    def process_query(message: str, cancelled: Any) -> str:
        looking.set()
        assert cancelled.wait(AGES)
        return "stopped in good order"

    executor, job = make(process_query), RecordingJob()
    executor.submit(job)
    await in_thread(looking)
    executor.interrupt(job)
    assert await job.end() == CANCELLED
    assert job.facts == []
    assert counts(executor) == (0, 0, 0)


@pytest.mark.parametrize("sign_of_life", ["progress", "tool_call", "media"])
@pytest.mark.gen_test
async def test_a_stopped_function_is_cancelled_at_its_next_sign_of_life(
    make: Make, released: threading.Event, sign_of_life: str
) -> None:
    seen: list[str] = []
    running = threading.Event()

    def process_query(message: str, progress: Any, tool_call: Any, media: Any) -> str:
        running.set()
        assert released.wait(AGES)
        try:
            {
                "progress": lambda: progress("still at it"),
                "tool_call": lambda: tool_call("search"),
                "media": lambda: media("image/png", url="https://example.org"),
            }[sign_of_life]()
        except QueryCancelled:
            seen.append("cancelled")
            raise
        seen.append("went on")
        return "too late"

    executor, job = make(process_query), RecordingJob()
    executor.submit(job)
    await in_thread(running)
    executor.interrupt(job)
    assert counts(executor) == (0, 0, 1)
    assert not job.ended
    released.set()
    assert await job.end() == CANCELLED
    assert (seen, job.facts, job.notices) == (["cancelled"], [], [])
    assert counts(executor) == (0, 0, 0)


@pytest.mark.gen_test
async def test_a_coroutine_is_stopped_where_it_waits(make: Make) -> None:
    waiting, cleaned_up = threading.Event(), threading.Event()

    async def process_query(message: str) -> str:
        try:
            waiting.set()
            await asyncio.Event().wait()
        finally:
            cleaned_up.set()
        return "never"

    executor, job = make(process_query), RecordingJob()
    executor.submit(job)
    await in_thread(waiting)
    executor.interrupt(job)
    assert await job.end() == CANCELLED
    assert cleaned_up.is_set()


@pytest.mark.gen_test
async def test_an_async_generator_is_stopped_and_closed(make: Make) -> None:
    cleaned_up = threading.Event()

    async def process_query(message: str) -> AsyncIterator[str]:
        try:
            yield "one"
            await asyncio.Event().wait()
        finally:
            cleaned_up.set()

    executor, job = make(process_query), RecordingJob()
    executor.submit(job)
    await job.until(lambda: job.facts)
    executor.interrupt(job)
    executor.interrupt(job)
    assert await job.end() == CANCELLED
    assert cleaned_up.is_set()


@pytest.mark.gen_test
async def test_a_job_that_waits_is_taken_out_of_the_queue_and_never_runs(make: Make, released: threading.Event) -> None:
    ran: list[str] = []

    def process_query(message: str) -> str:
        ran.append(message)
        assert released.wait(AGES)
        return message

    executor = make(process_query, max_running=1)
    jobs = [RecordingJob(name) for name in ("first", "second", "third")]
    for job in jobs:
        executor.submit(job)
    executor.interrupt(jobs[1])
    assert jobs[1].ended == [CANCELLED]
    assert not jobs[1].is_started
    assert jobs[2].position == 1
    released.set()
    await jobs[2].end()
    assert ran == ["first", "third"]


@pytest.mark.gen_test
async def test_to_interrupt_what_is_over_does_nothing(make: Make) -> None:
    executor, job = make(lambda message: message), RecordingJob()
    executor.submit(job)
    await job.end()
    executor.interrupt(job)
    executor.interrupt(RecordingJob())
    assert job.ended == [COMPLETE]


# Backpressure.


@pytest.mark.gen_test
async def test_a_producer_is_held_up_while_the_loop_is_behind(make: Make) -> None:
    made: list[int] = []
    is_held_up = threading.Event()

    def process_query(message: str) -> Iterator[str]:
        for number in range(10 * UNDELIVERED_FACTS):
            made.append(number)
            if number == UNDELIVERED_FACTS:
                is_held_up.set()
            yield "x"

    executor, job = make(process_query), RecordingJob()
    executor.submit(job)
    # The loop does nothing here: it stands still until the producer has made one piece too many.
    assert is_held_up.wait(AGES)
    assert len(made) == UNDELIVERED_FACTS + 1
    await job.end()
    assert len(job.facts) == 10 * UNDELIVERED_FACTS


@pytest.mark.gen_test
async def test_a_producer_that_is_held_up_can_be_stopped(make: Make) -> None:
    is_held_up = threading.Event()

    def process_query(message: str) -> Iterator[str]:
        for number in range(10 * UNDELIVERED_FACTS):
            if number == UNDELIVERED_FACTS:
                is_held_up.set()
            yield "x"

    executor, job = make(process_query), RecordingJob()
    executor.submit(job)
    assert is_held_up.wait(AGES)
    executor.interrupt(job)
    assert await job.end() == CANCELLED
    assert len(job.facts) <= UNDELIVERED_FACTS


@pytest.mark.gen_test
async def test_all_threads_of_a_function_are_released_when_it_is_stopped() -> None:
    emitter = ThreadEmitter(Inbox(asyncio.get_running_loop()), RecordingJob(), 0.0)
    seen: list[str] = []
    tries, are_held_up = itertools.count(1), threading.Event()

    def produce() -> None:
        try:
            while True:
                if next(tries) == UNDELIVERED_FACTS + 4:
                    are_held_up.set()
                emitter.emit("x")
        except QueryCancelled:
            seen.append("cancelled")

    producers = [threading.Thread(target=produce, daemon=True) for _ in range(4)]
    for producer in producers:
        producer.start()
    # The loop stands still all the while: it takes nothing, and releases nobody.
    assert are_held_up.wait(AGES)
    emitter.cancelled.set()
    for producer in producers:
        producer.join(AGES)
    assert seen == ["cancelled"] * 4


@pytest.mark.gen_test
async def test_of_many_notices_the_loop_is_told_the_latest(make: Make) -> None:
    all_said = threading.Event()

    def process_query(message: str, progress: Any) -> str:
        for number in range(10_000):
            progress("working", number / 100)
        all_said.set()
        return "done"

    executor, job = make(process_query), RecordingJob()
    executor.submit(job)
    assert all_said.wait(AGES)
    await job.end()
    assert job.notices == [Progress(message="working", percent=99.99)]


@pytest.mark.gen_test
async def test_every_notice_after_the_stop_is_refused_not_only_the_first() -> None:
    job = RecordingJob()
    emitter = ThreadEmitter(Inbox(asyncio.get_running_loop()), job, 0.0)
    emitter.notify(Progress(message="one", percent=None))
    await job.until(lambda: job.notices)
    emitter.cancelled.set()
    for _ in range(3):
        with pytest.raises(QueryCancelled):
            emitter.notify(Progress(message="two", percent=None))
    assert len(job.notices) == 1


def test_a_function_that_outlives_the_loop_is_stopped_at_its_next_sign_of_life(released: threading.Event) -> None:
    seen: list[str] = []
    has_begun, is_over = threading.Event(), threading.Event()

    def process_query(message: str, progress: Any) -> str:
        has_begun.set()
        assert released.wait(AGES)
        try:
            progress("anybody there?")
        except QueryCancelled:
            seen.append("cancelled")
            raise
        finally:
            is_over.set()
        return "too late"

    async def start() -> ThreadExecutor:
        executor = ThreadExecutor(BoundFunction(process_query), ExecutorLimits(), asyncio.get_running_loop())
        executor.submit(RecordingJob())
        assert has_begun.wait(AGES)
        assert not executor.stop()
        return executor

    asyncio.run(start())
    released.set()
    assert is_over.wait(AGES)
    assert seen == ["cancelled"]


@pytest.mark.gen_test
async def test_stopping_an_idle_executor_says_that_it_is_idle(make: Make) -> None:
    executor, job = make(lambda message: message), RecordingJob()
    executor.submit(job)
    await job.end()
    assert executor.stop()


# A crowd.


class Crowd:
    """A function that holds everybody who calls it until the test lets them go, by name."""

    def __init__(self, count: int) -> None:
        self.doors = {str(number): threading.Event() for number in range(count)}
        self.inside: list[str] = []

    def __call__(self, message: str) -> str:
        self.inside.append(message)
        assert self.doors[message].wait(AGES)
        return message

    def open(self) -> None:
        for door in self.doors.values():
            door.set()


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    made = Crowd(60)
    yield made
    made.open()


@pytest.mark.gen_test(timeout=AGES)
async def test_of_forty_at_once_eight_run_and_the_others_wait_in_line(make: Make, crowd: Crowd) -> None:
    executor = make(crowd, max_running=8, max_queued=32, max_abandoned=4)
    jobs = [RecordingJob(str(number)) for number in range(40)]
    for job in jobs:
        executor.submit(job)
    assert [job.is_started for job in jobs] == [True] * 8 + [False] * 32
    assert [job.position for job in jobs] == [None] * 8 + list(range(1, 33))
    assert counts(executor) == (8, 32, 0)
    with pytest.raises(TooBusy):
        executor.submit(RecordingJob("40"))

    crowd.doors["3"].set()
    await jobs[3].end()
    assert jobs[8].is_started
    assert [job.position for job in jobs[9:]] == list(range(1, 32))
    newcomer = RecordingJob("40")
    executor.submit(newcomer)
    assert newcomer.position == 32

    crowd.open()
    for job in [*jobs, newcomer]:
        assert await job.end() == COMPLETE
        assert job.text == job.query.message
    assert counts(executor) == (0, 0, 0)
    assert sorted(crowd.inside) == sorted(job.query.message for job in [*jobs, newcomer])


@pytest.mark.gen_test(timeout=AGES)
async def test_abandoned_workers_are_replaced_up_to_the_limit_and_come_back(make: Make, crowd: Crowd) -> None:
    executor = make(crowd, max_running=8, max_queued=40, max_abandoned=4)
    jobs = [RecordingJob(str(number)) for number in range(40)]
    for job in jobs:
        executor.submit(job)
    for job in jobs[:4]:
        executor.interrupt(job)
    assert counts(executor) == (8, 28, 4)
    assert [job.is_started for job in jobs] == [True] * 12 + [False] * 28
    for job in jobs[4:10]:
        executor.interrupt(job)
    # Ten are abandoned, four may be: six places are lost, and nobody is started on them.
    assert counts(executor) == (2, 28, 10)
    assert [job.position for job in jobs[12:]] == list(range(1, 29))
    assert not any(job.ended for job in jobs[:10])

    for job in jobs[:10]:
        crowd.doors[job.query.message].set()
    for job in jobs[:10]:
        # It took no notice of the stop; what its turn makes of that is the turn's business.
        await job.end()
    assert counts(executor) == (8, 22, 0)
    crowd.open()
    for job in jobs[10:]:
        assert await job.end() == COMPLETE
    assert counts(executor) == (0, 0, 0)


@pytest.mark.gen_test(timeout=AGES)
async def test_there_is_a_thread_for_everyone_who_may_run(make: Make, crowd: Crowd) -> None:
    executor = make(crowd, max_running=2, max_queued=10, max_abandoned=3)
    jobs = [RecordingJob(str(number)) for number in range(5)]
    for job in jobs:
        executor.submit(job)
    for job in jobs[:3]:
        executor.interrupt(job)
    crowd.doors["3"].set()
    crowd.doors["4"].set()
    # Three hang; the two that run beside them are not behind them in anything.
    assert await jobs[3].end() == COMPLETE
    assert await jobs[4].end() == COMPLETE


def test_an_answer_that_nobody_can_be_told_is_dropped(released: threading.Event) -> None:
    before = threading.active_count()

    def process_query(message: str) -> str:
        released.wait(AGES)
        return "too late"

    async def start() -> None:
        executor = ThreadExecutor(BoundFunction(process_query), ExecutorLimits(), asyncio.get_running_loop())
        executor.submit(RecordingJob())
        executor.stop()

    asyncio.run(start())
    released.set()
    for thread in threading.enumerate():
        if thread.name.startswith("process_query"):
            thread.join(AGES)
    assert threading.active_count() <= before


def test_facts_are_equal_to_what_was_emitted() -> None:
    async def scenario() -> list[Any]:
        job = RecordingJob()
        emitter = ThreadEmitter(Inbox(asyncio.get_running_loop()), job, 0.0)
        await asyncio.to_thread(emitter.emit, Answer(text="hi"))
        await job.until(lambda: job.facts)
        return job.facts

    assert asyncio.run(scenario()) == [Answer(text="hi")]


@pytest.mark.gen_test
async def test_a_producer_that_has_no_room_after_the_stop_is_refused_and_not_held_up() -> None:
    emitter = ThreadEmitter(Inbox(asyncio.get_running_loop()), RecordingJob(), 0.0)
    for _ in range(UNDELIVERED_FACTS):
        emitter.emit("x")
    emitter.cancelled.set()
    with pytest.raises(QueryCancelled):
        await asyncio.wait_for(asyncio.to_thread(emitter.emit, "x"), AGES)


@pytest.mark.gen_test
async def test_its_threads_are_there_before_the_first_question(make: Make) -> None:
    before, used = set(threading.enumerate()), []
    executor, job = (
        make(lambda message: used.append(threading.current_thread()) or "done", max_running=3),
        RecordingJob(),
    )
    ready = set(threading.enumerate()) - before
    executor.submit(job)
    await job.end()
    assert len(ready) == 3
    assert set(used) <= ready


@pytest.mark.gen_test
async def test_when_not_all_threads_can_be_had_those_that_are_there_do_not_wait_for_them(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, started = threading.Thread.start, list[threading.Thread]()

    def start_two(thread: threading.Thread) -> None:
        if len(started) == 2:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_two)
    assert make(lambda message: message, max_running=3).stop()
    for thread in started:
        thread.join(AGES)
    assert [thread.is_alive() for thread in started] == [False, False]


async def until_gone(kept: "weakref.ref[ThreadEmitter]") -> None:
    """A thread lets go of what it has worked on a moment after it has said so."""
    while kept() is not None:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0)


@pytest.mark.gen_test
async def test_a_function_that_has_returned_leaves_nothing_to_the_garbage_collector(make: Make) -> None:
    executor, job = make(lambda message: "done"), RecordingJob()
    kept: list[weakref.ref[ThreadEmitter]] = []
    gc.disable()
    try:
        executor.submit(job)
        kept += map(weakref.ref, executor._emitters.values())
        await job.end()
        await asyncio.wait_for(until_gone(kept[0]), AGES)
    finally:
        gc.enable()
    assert len(kept) == 1
