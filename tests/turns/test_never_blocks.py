"""Functions that say of themselves that they never block: tasks on the server's own loop, without a thread."""

import asyncio
import gc
import threading
import weakref
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from typing import Any

import pytest

from streamchat.turns.events import Answer, ToolCall
from streamchat.turns.inputs import Reply, Said
from streamchat.turns.process_query import BoundFunction, UnusableFunction
from streamchat.turns.threads import UNDELIVERED_FACTS, ThreadExecutor
from streamchat.turns.work_queue import ExecutorLimits
from tests.fakes.executors import CANCELLED, COMPLETE
from tests.fakes.jobs import RecordingJob


def never_blocks(function: Callable[..., Any]) -> Callable[..., Any]:
    function.never_blocks = True  # type: ignore[attr-defined]
    return function


def executor_of(function: Callable[..., Any], **limits: int) -> ThreadExecutor:
    return ThreadExecutor(BoundFunction(never_blocks(function)), ExecutorLimits(**limits), asyncio.get_running_loop())


def run(function: Callable[..., Any]) -> tuple[ThreadExecutor, RecordingJob]:
    executor, job = executor_of(function), RecordingJob(deadline=17.0)
    executor.submit(job)
    return executor, job


@pytest.mark.gen_test
async def test_it_runs_on_the_loop_and_its_place_is_free_afterwards() -> None:
    async def process_query(message: str, deadline: float) -> str:
        await asyncio.sleep(0)
        return f"{message} {deadline} {threading.get_ident()}"

    executor, job = run(process_query)
    assert not job.ended
    assert executor.statistics().busy == 1
    assert await job.end() == COMPLETE
    assert job.facts == [Answer(text=f"hello 17.0 {threading.get_ident()}")]
    assert executor.statistics().busy == 0
    assert executor.stop()


@pytest.mark.gen_test
async def test_its_pieces_come_while_it_still_runs() -> None:
    gate = asyncio.Event()

    async def process_query(message: str) -> AsyncIterator[str]:
        yield "one "
        await gate.wait()
        yield "two"

    _, job = run(process_query)
    await job.until(lambda: job.facts)
    assert (job.facts, job.ended) == (["one "], [])
    gate.set()
    assert await job.end() == COMPLETE
    assert job.text == "one two"


name: ContextVar[str] = ContextVar("name", default="nobody")


@pytest.mark.gen_test
async def test_the_context_of_whoever_asked_reaches_it() -> None:
    async def process_query(message: str) -> str:
        return name.get()

    token = name.set("ada")
    executor, job = executor_of(process_query), RecordingJob()
    name.reset(token)
    executor.submit(job)
    await job.end()
    assert job.text == "ada"


@pytest.mark.gen_test
@pytest.mark.parametrize("failure", [ValueError, SystemExit, KeyboardInterrupt, asyncio.CancelledError, GeneratorExit])
async def test_whatever_it_raises_the_loop_and_its_place_remain(failure: type[BaseException]) -> None:
    async def process_query(message: str) -> str:
        raise failure("no")

    executor, job = run(process_query)
    ended = await job.end()
    assert (ended.code, ended.reason) == ("processing_error", "raised")
    assert executor.statistics().free == executor.statistics().limits.max_running


@pytest.mark.gen_test
@pytest.mark.parametrize("answer", [None, b"bytes", {"a": 1}])
async def test_what_is_no_text_is_an_error(answer: object) -> None:
    async def returns(message: str) -> Any:
        return answer

    async def yields(message: str) -> Any:
        yield answer

    for function in (returns, yields):
        _, job = run(function)
        assert (await job.end()).reason == "not_text"


@pytest.mark.gen_test
async def test_it_is_stopped_where_it_waits_and_its_cleaning_up_is_waited_for() -> None:
    cleaned = asyncio.Event()

    async def process_query(message: str) -> AsyncIterator[str]:
        try:
            yield "on "
            await asyncio.Event().wait()
        finally:
            cleaned.set()

    executor, job = run(process_query)
    await job.until(lambda: job.facts)
    executor.interrupt(job)
    assert executor.statistics().abandoned == 1
    assert await job.end() == CANCELLED
    assert cleaned.is_set()
    assert executor.statistics().abandoned == 0


@pytest.mark.gen_test
async def test_it_can_be_stopped_before_its_first_step() -> None:
    async def process_query(message: str) -> str:
        raise AssertionError("never begun")

    executor, job = run(process_query)
    executor.interrupt(job)
    assert await job.end() == CANCELLED
    assert executor.stop()


@pytest.mark.gen_test
async def test_one_that_never_waits_leaves_the_loop_to_others_and_can_be_stopped() -> None:
    async def process_query(message: str) -> AsyncIterator[str]:
        while True:
            yield "on and on. "

    executor, job = run(process_query)
    await job.until(lambda: len(job.facts) > 1_000)
    executor.interrupt(job)
    assert await job.end() == CANCELLED


@pytest.mark.gen_test
async def test_those_beyond_the_limit_wait_for_a_place() -> None:
    gate = asyncio.Event()

    async def process_query(message: str) -> str:
        await gate.wait()
        return message

    executor = executor_of(process_query, max_running=1)
    first, second = RecordingJob("first"), RecordingJob("second")
    executor.submit(first)
    executor.submit(second)
    assert (first.is_started, second.is_started, second.position) == (True, False, 1)
    gate.set()
    await second.end()
    assert (first.text, second.text) == ("first", "second")


@pytest.mark.gen_test
async def test_a_thread_of_its_own_may_report_too_however_much() -> None:
    def reports(tool_call: Any) -> None:
        for _ in range(3 * UNDELIVERED_FACTS):
            tool_call("search")

    async def process_query(message: str, tool_call: Any) -> str:
        await asyncio.to_thread(reports, tool_call)
        return "done"

    _, job = run(process_query)
    assert await job.end() == COMPLETE
    assert len([fact for fact in job.facts if isinstance(fact, ToolCall)]) == 3 * UNDELIVERED_FACTS
    assert job.text == "done"


@pytest.mark.gen_test
async def test_it_can_ask_and_be_told() -> None:
    async def process_query(message: str, ask: Any, inbox: Any) -> str:
        return f"{await ask('What?')} and {await inbox.get()}"

    executor, job = run(process_query)
    await job.until(lambda: job.facts)
    executor.hand_in(job, Reply(request_id=job.facts[0].request_id, value="tea"))  # type: ignore[union-attr]
    executor.hand_in(job, Said(text="milk"))
    assert await job.end() == COMPLETE
    assert job.text == "tea and milk"


@pytest.mark.gen_test
async def test_nothing_of_it_is_left_to_the_collector() -> None:
    async def process_query(message: str) -> AsyncIterator[str]:
        yield "hi"

    gc.collect()
    gc.disable()
    try:
        executor, job = run(process_query)
        await job.end()
        await asyncio.sleep(0)
        left = weakref.ref(job)
        del job
        assert left() is None
        assert executor.stop()
    finally:
        gc.enable()


def test_a_plain_function_cannot_claim_it() -> None:
    def process_query(message: str) -> str:
        return message

    with pytest.raises(UnusableFunction, match="async def"):
        BoundFunction(never_blocks(process_query))
