import asyncio
import os
import select
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from contextvars import Context
from functools import partial
from pathlib import Path

import pytest

from streamchat.turns.attachment import Attachment
from streamchat.turns.events import Answer, InputRequired, Progress, Queued, ToolCall, ToolResult, Usage
from streamchat.turns.inputs import Lapsed, Reply
from streamchat.turns.inputs import Said as SaidUnasked
from streamchat.turns.process_query import BoundFunction
from streamchat.turns.processes import Entrance, ProcessExecutor
from streamchat.turns.query import Query
from streamchat.turns.work_queue import ExecutorLimits, TooBusy
from tests.fakes import process_functions
from tests.fakes.executors import CANCELLED, COMPLETE
from tests.fakes.jobs import RecordingJob

pytestmark = pytest.mark.slow

# Only a hang gets this far; no test waits for it.
AGES = 60.0


@asynccontextmanager
async def running(
    function: str | Callable[[], BoundFunction],
    *,
    entrances: Sequence[Entrance] = (),
    start_seconds: float = AGES,
    **limits: int,
) -> AsyncIterator[ProcessExecutor]:
    """An executor whose children run the named one of ``process_functions``."""
    load = partial(process_functions.load, f"{process_functions.__name__}:{function}")
    executor = ProcessExecutor(
        load if isinstance(function, str) else function,
        ExecutorLimits(**{"max_running": 1, "max_queued": 4, **limits}),
        asyncio.get_running_loop(),
        entrances=entrances,
        start_seconds=start_seconds,
    )
    await executor.open()
    try:
        yield executor
    finally:
        executor.stop()


def play(scenario: Callable[[], Awaitable[None]]) -> None:
    """Run the scenario on a loop of its own."""

    async def within_ages() -> None:
        async with asyncio.timeout(AGES):
            await scenario()

    asyncio.run(within_ages())


def submitted(executor: ProcessExecutor, message: str = "hello") -> RecordingJob:
    job = RecordingJob(message, deadline=17.0)
    executor.submit(job)
    return job


async def run_once(function: str, message: str = "hello") -> RecordingJob:
    async with running(function) as executor:
        job = submitted(executor, message)
        await job.end()
        return job


class Victim:
    """A process that can be waited for until it is really dead, zombie or reaped."""

    def __init__(self, pid: int) -> None:
        self._handle = os.pidfd_open(pid)

    async def death(self) -> None:
        died = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(self._handle, died.set)
        try:
            await died.wait()
        finally:
            loop.remove_reader(self._handle)
            os.close(self._handle)


async def victim_of(job: RecordingJob) -> Victim:
    await job.until(lambda: job.facts)
    (said,) = job.facts[:1]
    assert isinstance(said, str)
    return Victim(int(said))


@pytest.fixture(autouse=True)
def _linux_only() -> None:
    if not hasattr(os, "pidfd_open"):
        pytest.skip("needs pidfd_open (Linux 5.3)")


# What a function says comes back.


def test_a_function_runs_in_another_process_and_answers() -> None:
    async def scenario() -> None:
        job = await run_once("answer")
        assert job.is_started
        assert job.facts == [Answer(text="hello ada 17.0 []")]
        assert job.ended == [COMPLETE]
        job = await run_once("pid")
        assert int(job.text) != os.getpid()

    play(scenario)


def test_attachments_reach_it_whole() -> None:
    async def scenario() -> None:
        async with running("size_of_attachments") as executor:
            job = RecordingJob("hello")
            files = (Attachment(media_type="image/png", name="a.png", content=bytes(16_000_000)),)
            job.query = Query(message="hello", username="ada", attachments=files)
            executor.submit(job)
            await job.end()
            assert job.text == "image/png a.png 16000000"

    play(scenario)


@pytest.mark.parametrize("function", ["coroutine", "async_pieces", "pieces"])
def test_every_shape_of_function_runs(function: str) -> None:
    async def scenario() -> None:
        job = await run_once(function)
        assert job.text == ("hello" if function == "coroutine" else "你好 😀\r\n")
        assert job.ended == [COMPLETE]

    play(scenario)


def test_what_it_reports_arrives_in_order() -> None:
    async def scenario() -> None:
        job = await run_once("pieces")
        call, result, *texts = job.facts
        assert isinstance(call, ToolCall)
        assert call == ToolCall(call_id=call.call_id, name="search", arguments={"query": "hello"})
        assert result == ToolResult(call_id=call.call_id, name="search", result=["found"])
        assert texts == ["你好", " 😀", "\r\n"]
        assert job.notices == [Progress(message="searching", percent=40.0)]

    play(scenario)


def test_what_it_counts_arrives() -> None:
    async def scenario() -> None:
        job = await run_once("counts")
        assert job.facts == [
            Usage(prompt_tokens=12, completion_tokens=0),
            Usage(prompt_tokens=12, completion_tokens=40),
            Answer(text="hello"),
        ]

    play(scenario)


def test_an_answer_may_be_large() -> None:
    async def scenario() -> None:
        job = await run_once("big", "3000000")
        assert job.text == "好" * 3_000_000

    play(scenario)


@pytest.mark.parametrize(
    ("function", "reason", "detail"),
    [("raises", "raised", "told you"), ("exits", "raised", "SystemExit"), ("not_text", "not_text", "dict")],
)
def test_what_goes_wrong_in_a_child_is_told_as_in_a_thread(function: str, reason: str, detail: str) -> None:
    async def scenario() -> None:
        (ended,) = (await run_once(function)).ended
        assert (ended.cause, ended.code, ended.reason) == ("error", "processing_error", reason)
        assert detail in ended.detail

    play(scenario)


def test_a_child_finds_the_function_by_its_module_and_name(tmp_path: Path) -> None:
    (tmp_path / "handlers.py").write_text("def answer(message):\n    return 'mine: ' + message\n", encoding="utf-8")

    async def scenario() -> None:
        load = partial(process_functions.load, "handlers:answer", str(tmp_path))
        async with running(load) as executor:
            job = submitted(executor)
            assert await job.end() == COMPLETE
            assert job.text == "mine: hello"

    play(scenario)
    assert "handlers" not in sys.modules, "the function was loaded in the server, not in the child"


def test_one_child_runs_one_function_after_the_other() -> None:
    async def scenario() -> None:
        async with running("pid") as executor:
            jobs = [submitted(executor) for _ in range(4)]
            assert [job.position for job in jobs] == [None, 1, 2, 3]
            for job in jobs:
                await job.end()
            assert len({job.text for job in jobs}) == 1

    play(scenario)


# A child that is stopped is dead.


@pytest.mark.parametrize(
    "function", ["sleeps", "is_busy", "ignores_sigterm", "swallows_everything", "waits", "endless"]
)
def test_a_function_that_is_interrupted_dies_whatever_it_does(function: str) -> None:
    async def scenario() -> None:
        async with running(function) as executor:
            job = submitted(executor)
            victim = await victim_of(job)
            assert not job.ended
            executor.interrupt(job)
            executor.interrupt(job)
            assert executor.statistics().abandoned == 1
            assert await job.end() == CANCELLED
            await victim.death()
            now = executor.statistics()
            assert (now.busy, now.queued, now.abandoned) == (0, 0, 0)

    play(scenario)


def test_the_next_function_runs_in_a_new_child_on_the_place_of_a_killed_one() -> None:
    async def scenario() -> None:
        async with running("sleeps") as executor:
            first, second = submitted(executor), submitted(executor)
            assert second.position == 1
            await victim_of(first)
            executor.interrupt(first)
            await victim_of(second)
            assert second.text != first.text
            executor.interrupt(second)
            assert await second.end() == CANCELLED

    play(scenario)


def test_a_function_that_is_stopped_before_its_child_has_it_never_runs() -> None:
    async def scenario() -> None:
        async with running("sleeps", max_abandoned=4) as executor:
            hanging = submitted(executor)
            await victim_of(hanging)
            waiting = submitted(executor)
            executor.interrupt(waiting)
            assert waiting.ended == [CANCELLED]
            assert not waiting.is_started
            executor.interrupt(hanging)
            await hanging.end()

    play(scenario)


def test_past_the_queue_a_job_is_refused() -> None:
    async def scenario() -> None:
        async with running("sleeps", max_queued=0) as executor:
            job = submitted(executor)
            with pytest.raises(TooBusy):
                submitted(executor)
            executor.interrupt(job)
            await job.end()

    play(scenario)


def test_stopping_the_executor_kills_what_runs_even_what_resists() -> None:
    async def scenario() -> None:
        async with running("ignores_sigterm", max_running=2) as executor:
            jobs = [submitted(executor) for _ in range(2)]
            victims = [await victim_of(job) for job in jobs]
            assert executor.stop()
            for victim in victims:
                await victim.death()

    play(scenario)


# A child that has not loaded the function yet.


class Gate:
    """A named pipe that a child waits at while it loads the function."""

    def __init__(self, folder: Path) -> None:
        self.path = os.fspath(folder / "gate")
        os.mkfifo(self.path)

    @asynccontextmanager
    async def reached(self) -> AsyncIterator[int]:
        """A child is at the gate for the length of the block, and let through at its end."""
        end = await asyncio.to_thread(os.open, self.path, os.O_WRONLY)
        try:
            yield end
        finally:
            os.close(end)


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path)


def load_answer_at(gate: Gate) -> Callable[[], BoundFunction]:
    return partial(process_functions.load_at_the_gate, f"{process_functions.__name__}:answer", gate.path)


def test_a_job_waits_until_the_function_is_loaded_and_then_begins(gate: Gate) -> None:
    async def scenario() -> None:
        async with running(load_answer_at(gate)) as executor:
            job = submitted(executor)
            async with gate.reached():
                await job.until(lambda: job.notices)
                assert job.notices == [Queued(position=1, estimated_wait=None)]
                assert not job.is_started
            assert await job.end() == COMPLETE
            assert job.is_started
            assert job.text == "hello ada 17.0 []"

    play(scenario)


def test_a_job_that_is_interrupted_before_its_child_is_ready_never_begins(gate: Gate) -> None:
    async def scenario() -> None:
        async with running(load_answer_at(gate)) as executor:
            job = submitted(executor)
            run = executor._runs[id(job)]
            async with gate.reached():
                executor.interrupt(job)
                assert await job.end() == CANCELLED
                assert executor.statistics().free == 1
                assert run.timer.cancelled()
            assert await submitted(executor).end() == COMPLETE
            assert not job.is_started

    play(scenario)


def test_a_child_that_comes_just_when_its_job_is_interrupted_does_not_begin(gate: Gate) -> None:
    async def scenario() -> None:
        async with running(load_answer_at(gate)) as executor:
            job = submitted(executor)
            came, (_, writer) = asyncio.StreamReader(), await asyncio.open_unix_connection(executor._listener.path)
            came.feed_data(executor._runs[id(job)].connection.key)
            came.feed_eof()
            executor.interrupt(job)
            await executor._listener._receive(came, writer)
            assert await job.end() == CANCELLED
            assert not job.is_started

    play(scenario)


def test_whoever_has_begun_is_given_up_by_nobody() -> None:
    async def scenario() -> None:
        async with running("sleeps") as executor:
            job = submitted(executor)
            await victim_of(job)
            assert executor._runs[id(job)].timer.cancelled()
            executor.interrupt(job)
            await job.end()

    play(scenario)


def has_let_go(end: int) -> None:
    """Wait until nobody is left to read what this end writes."""
    waiting = select.poll()
    waiting.register(end, 0)
    waiting.poll(AGES * 1_000)


def test_a_child_that_does_not_come_to_load_the_function_dies(gate: Gate) -> None:
    async def scenario() -> None:
        async with running(load_answer_at(gate), start_seconds=0.2) as executor:
            job = submitted(executor)
            async with gate.reached() as end:
                await asyncio.to_thread(has_let_go, end)
            ended = await job.end()
            assert (ended.cause, ended.code, ended.reason) == ("error", "overloaded", "no_worker")
            assert not job.is_started

    play(scenario)


def test_nobody_waits_longer_for_a_child_than_it_may_take(gate: Gate) -> None:
    async def scenario() -> None:
        load = process_functions.LoadAfterTheGate(f"{process_functions.__name__}:answer", gate.path)
        async with running(load, start_seconds=0.2) as executor:
            job = submitted(executor)
            ended = await job.end()
            assert (ended.cause, ended.code, ended.reason) == ("error", "overloaded", "no_worker")
            assert ended.detail == "no worker process was ready within 0.2 s"
            assert executor.statistics().free == 1
            async with gate.reached():
                pass
            assert await submitted(executor).end() == COMPLETE
            assert not job.is_started

    play(scenario)


# A child that dies by itself.


@pytest.mark.parametrize("function", ["dies", "crashes"])
def test_a_child_that_dies_is_the_end_of_its_function_only(function: str) -> None:
    async def scenario() -> None:
        async with running(function) as executor:
            for _ in range(2):
                job = submitted(executor)
                ended = await job.end()
                assert (ended.cause, ended.code, ended.reason) == ("error", "processing_error", "died")
                assert job.text == "last words"

    play(scenario)


def test_a_child_that_dies_before_a_word_is_reported_too() -> None:
    async def scenario() -> None:
        (ended,) = (await run_once("dies_at_once")).ended
        assert (ended.cause, ended.reason) == ("error", "died")
        assert "exit code 3" in ended.detail

    play(scenario)


def test_a_child_that_is_killed_while_it_is_idle_is_replaced() -> None:
    async def scenario() -> None:
        async with running("pid") as executor:
            first = submitted(executor)
            await first.end()
            victim = Victim(int(first.text))
            os.kill(int(first.text), signal.SIGKILL)
            await victim.death()
            second = submitted(executor)
            ended = await second.end()
            if ended != COMPLETE:  # it was on its way to the dead one; the next one must do better
                second = submitted(executor)
                ended = await second.end()
            assert ended == COMPLETE
            assert second.text != first.text

    play(scenario)


def test_the_others_of_a_pool_that_gives_up_are_not_left_behind() -> None:
    async def scenario() -> None:
        async with running("asks_from", max_running=2) as executor:
            jobs = [submitted(executor) for _ in range(2)]
            idle, killed = [await victim_of(job) for job in jobs]
            for job in jobs:
                executor.hand_in(job, Reply(request_id=(await question_of(job)).request_id, value=""))
                assert await job.end() == COMPLETE
            os.kill(int(jobs[1].text), signal.SIGKILL)
            await killed.death()
            while executor._pool.active:  # noqa: ASYNC110 - pebble has no event for this
                await asyncio.sleep(0)
            submitted(executor)
            await idle.death()

    play(scenario)


def test_children_that_cannot_begin_are_an_error_of_each_job_and_hang_none() -> None:
    async def scenario() -> None:
        async with running(process_functions.cannot_load) as executor:
            for _ in range(2):
                ended = await submitted(executor).end()
                assert (ended.cause, ended.code, ended.reason) == ("error", "overloaded", "no_worker")
            assert executor.statistics().busy == 0

    play(scenario)


def test_a_question_that_cannot_be_sent_is_an_error_and_frees_its_place() -> None:
    async def scenario() -> None:
        async with running("answer") as executor:
            job = RecordingJob()
            job.query = Query(message="hello", username="ada", profile={"not": lambda: "picklable"})
            executor.submit(job)
            ended = await job.end()
            assert (ended.cause, ended.code) == ("error", "processing_error")
            assert await submitted(executor).end() == COMPLETE

    play(scenario)


def test_the_folder_of_the_socket_goes_with_the_executor() -> None:
    async def scenario() -> None:
        async with running("answer") as executor:
            folder = Path(executor._listener.path).parent
            assert folder.exists()
            await submitted(executor).end()
        assert not folder.exists()

    play(scenario)


# What a job's context holds can't be sent; what is made of it can.


def say_again(context: Context) -> Callable[[], object]:
    text = context.get(process_functions.said)
    return str if text is None else partial(process_functions.say, text)


def test_a_child_is_entered_with_what_is_made_of_the_jobs_context_and_forgets_it() -> None:
    async def scenario() -> None:
        async with running("what_was_said", entrances=[say_again]) as executor:
            for text, heard in (("hello", "hello"), (None, "nothing"), ("again", "again")):
                job = RecordingJob()
                if text is not None:
                    job.context.run(process_functions.say, text)
                executor.submit(job)
                await job.end()
                assert job.text == heard

    play(scenario)


def test_without_an_entrance_a_function_finds_nothing_of_it() -> None:
    async def scenario() -> None:
        process_functions.said.set("hello")
        assert (await run_once("what_was_said")).text == "nothing"

    play(scenario)


# What the user says comes in.


async def question_of(job: RecordingJob, number: int = 1) -> InputRequired:
    """Wait for the question with this number."""

    def questions() -> list[InputRequired]:
        return [fact for fact in job.facts if isinstance(fact, InputRequired)]

    await job.until(lambda: len(questions()) >= number)
    return questions()[number - 1]


@pytest.mark.parametrize("function", ["asks", "asks_async"])
def test_answers_and_what_is_said_unasked_reach_the_function(function: str) -> None:
    async def scenario() -> None:
        async with running(function) as executor:
            for _ in range(2):  # the second runs in the same child
                job = submitted(executor)
                executor.hand_in(job, SaidUnasked(text="too early"))
                await job.until(lambda: job.is_started)  # noqa: B023 - it is awaited here
                executor.hand_in(job, SaidUnasked(text="早"))
                first = await question_of(job)
                executor.hand_in(job, Reply(request_id=first.request_id, value="Ada"))
                second = await question_of(job, 2)
                executor.hand_in(job, SaidUnasked(text="late"))
                executor.hand_in(job, Reply(request_id=second.request_id, value=36))
                assert await job.end() == COMPLETE
                assert job.text == "Ada 36 早 ['late']"
                executor.hand_in(job, SaidUnasked(text="too late"))

    play(scenario)


def test_a_question_that_expires_is_an_exception_in_the_child() -> None:
    async def scenario() -> None:
        async with running("asks_in_vain") as executor:
            job = submitted(executor)
            executor.hand_in(job, Lapsed(request_id=(await question_of(job)).request_id))
            await job.end()
            assert job.text == "InputExpired"

    play(scenario)


def test_a_child_that_waits_for_its_user_dies_like_any_other() -> None:
    async def scenario() -> None:
        async with running("asks_from") as executor:
            job = submitted(executor)
            victim = await victim_of(job)
            await question_of(job)
            executor.interrupt(job)
            await victim.death()
            assert await job.end() == CANCELLED
            again = submitted(executor)
            executor.hand_in(again, Reply(request_id=(await question_of(again)).request_id, value="Ada"))
            assert await again.end() == COMPLETE

    play(scenario)


def test_what_is_said_when_the_function_is_ending_costs_it_nothing() -> None:
    async def scenario() -> None:
        async with running("asks_in_vain") as executor:
            for _ in range(20):
                job = submitted(executor)
                executor.hand_in(job, Reply(request_id=(await question_of(job)).request_id, value="Ada"))
                while not job.ended:
                    executor.hand_in(job, SaidUnasked(text="more"))
                    await asyncio.sleep(0)
                assert job.ended == [COMPLETE]

    play(scenario)
