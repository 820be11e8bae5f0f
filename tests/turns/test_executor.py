"""One spec of what an executor does, run over every executor there is."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

import pytest

from streamchat.turns.executor import Executor
from streamchat.turns.process_query import BoundFunction
from streamchat.turns.processes import ProcessExecutor
from streamchat.turns.threads import ThreadExecutor
from streamchat.turns.work_queue import ExecutorLimits, TooBusy
from tests.fakes import process_functions
from tests.fakes.executors import CANCELLED, COMPLETE, ScriptedExecutor
from tests.fakes.jobs import RecordingJob

Running = Callable[[str, ExecutorLimits], AbstractAsyncContextManager[Executor]]


@asynccontextmanager
async def threads(function: str, limits: ExecutorLimits) -> AsyncIterator[Executor]:
    bound = BoundFunction(getattr(process_functions, function))
    executor = ThreadExecutor(bound, limits, asyncio.get_running_loop())
    yield executor
    executor.stop()


@asynccontextmanager
async def processes(function: str, limits: ExecutorLimits) -> AsyncIterator[Executor]:
    load = partial(process_functions.load, f"{process_functions.__name__}:{function}")
    executor = ProcessExecutor(load, limits, asyncio.get_running_loop())
    await executor.open()
    yield executor
    executor.stop()


every_executor = pytest.mark.parametrize("running", [threads, pytest.param(processes, marks=pytest.mark.slow)])


def play(scenario: Awaitable[None]) -> None:
    async def within_a_minute() -> None:
        async with asyncio.timeout(60.0):
            await scenario

    asyncio.run(within_a_minute())


@every_executor
def test_a_job_is_started_fed_and_returned_once(running: Running) -> None:
    async def scenario() -> None:
        async with running("pieces", ExecutorLimits(max_running=1)) as executor:
            job = RecordingJob()
            executor.submit(job)
            await job.until(lambda: job.is_started)
            assert not job.ended
            assert await job.end() == COMPLETE
            assert job.text == "你好 😀\r\n"

    play(scenario())


@every_executor
def test_what_does_not_run_waits_and_what_cannot_wait_is_refused(running: Running) -> None:
    async def scenario() -> None:
        async with running("waits", ExecutorLimits(max_running=1, max_queued=1)) as executor:
            first, second = RecordingJob("first"), RecordingJob("second")
            executor.submit(first)
            executor.submit(second)
            with pytest.raises(TooBusy):
                executor.submit(RecordingJob())
            now = executor.statistics()
            assert (now.busy, now.queued, now.free, second.position) == (1, 1, 0, 1)
            await first.until(lambda: first.facts)
            executor.interrupt(second)
            assert second.ended == [CANCELLED]
            executor.interrupt(first)
            assert await first.end() == CANCELLED
            now = executor.statistics()
            assert (now.busy, now.queued, now.abandoned, now.free) == (0, 0, 0, 1)

    play(scenario())


@every_executor
def test_an_error_frees_the_place(running: Running) -> None:
    async def scenario() -> None:
        async with running("exits", ExecutorLimits(max_running=1)) as executor:
            for _ in range(3):
                job = RecordingJob()
                executor.submit(job)
                assert (await job.end()).reason == "raised"
            assert executor.statistics().free == 1
            assert executor.stop()

    play(scenario())


def test_the_one_that_tests_hold_in_their_hands_is_an_executor_too() -> None:
    executor: Executor = ScriptedExecutor(holds_back=True)
    first, second = RecordingJob(), RecordingJob()
    executor.submit(first)
    executor.submit(second)
    executor.interrupt(second)
    assert second.ended == [CANCELLED]
    assert executor.statistics().queued == 1
    assert executor.stop()
