"""A worker's side, run in a thread of the test; what it does in a process of its own is in test_processes.py."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from streamchat.turns import worker_process
from streamchat.turns.events import Answer, InputRequired, Progress
from streamchat.turns.inputs import Reply
from streamchat.turns.process_query import BoundFunction
from streamchat.turns.query import Query
from streamchat.turns.worker_connections import WorkerConnection, WorkerListener
from streamchat.turns.worker_messages import Begin
from tests.fakes.executors import COMPLETE
from tests.fakes.jobs import RecordingJob
from tests.fakes.process_functions import say, what_was_said

AGES = 60.0
CHECKOUT = Path(__file__).resolve().parents[2]
QUERY = Query(message="hello", username="ada")

_one_thread = ThreadPoolExecutor(1)


@pytest.fixture(autouse=True)
def no_function_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_process, "_bound", None)


def prepare(function: Any) -> None:
    worker_process.prepare(partial(BoundFunction, function), AGES)


@asynccontextmanager
async def expecting(begin: Begin) -> AsyncIterator[tuple[WorkerListener, WorkerConnection, RecordingJob]]:
    """The server's end, for one job."""
    listener, job = WorkerListener(), RecordingJob()
    connection = WorkerConnection(job, lambda: begin)
    await listener.open()
    listener.expect(connection)
    try:
        yield listener, connection, job
    finally:
        listener.close()


async def answered(*entrances: Any) -> str:
    """What the function that is prepared answers to a worker that is entered like this."""
    async with expecting(Begin(deadline=17.0, entrances=entrances)) as (listener, connection, job):
        loop = asyncio.get_running_loop()
        # Not asyncio.to_thread, which has a context for each call: a worker has but one.
        await loop.run_in_executor(_one_thread, worker_process.run, listener.path, connection.key, QUERY)
        await connection.closed()
        assert connection.ended == COMPLETE
        return job.text


@pytest.mark.gen_test
async def test_what_the_function_says_goes_to_the_server_and_then_its_end() -> None:
    def process_query(message: str, deadline: float, progress: Any) -> Iterator[str]:
        progress("searching", 40)
        yield message
        yield str(deadline)

    prepare(process_query)
    async with expecting(Begin(deadline=17.0)) as (listener, connection, job):
        await asyncio.to_thread(worker_process.run, listener.path, connection.key, QUERY)
        await connection.closed()
        assert job.facts == ["hello", "17.0"]
        assert job.notices == [Progress(message="searching", percent=40.0)]
        assert connection.ended == COMPLETE


@pytest.mark.gen_test
async def test_one_query_after_the_other_is_entered_in_its_own_way() -> None:
    prepare(what_was_said)
    assert await answered(partial(say, "one")) == "one"
    assert await answered() == "nothing"
    assert await answered(partial(say, "one"), partial(say, "two")) == "two"


@pytest.mark.gen_test
async def test_what_the_user_says_reaches_the_function() -> None:
    def process_query(message: str, ask: Any) -> str:
        return f"hello {ask('Your name?')}"

    prepare(process_query)
    async with expecting(Begin(deadline=17.0)) as (listener, connection, job):
        running = asyncio.create_task(asyncio.to_thread(worker_process.run, listener.path, connection.key, QUERY))
        await job.until(lambda: job.facts)
        (question,) = job.facts
        assert isinstance(question, InputRequired)
        connection.hand_in(Reply(request_id=question.request_id, value="Ada"))
        await running
        assert job.facts[1:] == [Answer(text="hello Ada")]


@pytest.mark.gen_test
async def test_a_function_whose_turn_is_over_is_not_called() -> None:
    called: list[str] = []
    prepare(lambda message: called.append(message))
    async with expecting(Begin(deadline=17.0)) as (listener, connection, _):
        listener.forget(connection)
        await asyncio.to_thread(worker_process.run, listener.path, connection.key, QUERY)
    assert called == []


@pytest.mark.gen_test
async def test_a_function_that_nobody_listens_to_any_more_is_stopped_at_its_next_word() -> None:
    stopped: list[bool] = []

    def process_query(message: str, cancelled: Any) -> Iterator[str]:
        try:
            while True:
                yield "x" * 10_000
        finally:
            stopped.append(cancelled.is_set())

    prepare(process_query)
    async with expecting(Begin(deadline=17.0)) as (listener, connection, job):
        running = asyncio.create_task(asyncio.to_thread(worker_process.run, listener.path, connection.key, QUERY))
        await job.until(lambda: job.facts)
        connection._writer.close()
        await running
    assert stopped == [True]


def test_what_is_loaded_in_time_is_left_alone() -> None:
    prepare(what_was_said)
    assert not [one for one in threading.enumerate() if isinstance(one, threading.Timer) and not one.finished.is_set()]


def test_a_worker_that_can_t_load_its_function_in_time_says_where_it_was_and_dies(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    program = f"""
import streamchat
from streamchat.turns.worker_process import prepare

def load_for_ever():
    open({os.fspath(gate)!r})  # nobody ever opens it

prepare(load_for_ever, 0.2)
"""
    (tmp_path / "program.py").write_text(program, encoding="utf-8")
    died = subprocess.run(
        [sys.executable, tmp_path / "program.py"],
        env={**os.environ, "PYTHONPATH": os.fspath(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=AGES,
        check=False,
    )
    assert died.returncode == 1
    assert "the function was not loaded within 0.2 s" in died.stderr
    assert "nobody ever opens it" in died.stderr
