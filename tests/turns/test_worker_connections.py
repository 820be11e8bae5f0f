"""What the server takes from a worker; the worker is played by the test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from streamchat.turns.events import Dismissed, Progress, Queued
from streamchat.turns.inputs import Reply, Said
from streamchat.turns.worker_connections import WorkerConnection, WorkerListener
from streamchat.turns.worker_messages import Begin, packed, read_message
from tests.fakes.executors import COMPLETE
from tests.fakes.jobs import RecordingJob

pytestmark = pytest.mark.gen_test

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def listening() -> AsyncIterator[WorkerListener]:
    listener = WorkerListener()
    await listener.open()
    try:
        yield listener
    finally:
        listener.close()


def connection_of(job: RecordingJob) -> WorkerConnection:
    """It begins as an executor has it: the job is started."""

    def begin() -> Begin:
        return Begin(deadline=job.started())

    return WorkerConnection(job, begin)


@asynccontextmanager
async def worker(listener: WorkerListener, key: bytes) -> AsyncIterator[Ends]:
    """A worker until the end of the block; the server has hung up then, too."""
    reader, writer = await asyncio.open_unix_connection(listener.path)
    writer.write(key)
    try:
        yield reader, writer
    finally:
        with suppress(ConnectionError):
            writer.write_eof()
            await reader.read()
        writer.close()


async def test_facts_and_notices_reach_the_job_in_order():
    async with listening() as listener:
        job = RecordingJob()
        connection = connection_of(job)
        listener.expect(connection)
        async with worker(listener, connection.key) as (_, writer):
            notices = [
                Progress(message="searching", percent=None),
                Queued(position=1, estimated_wait=None),
                Dismissed(),
            ]
            for message in ("a", *notices, "b", COMPLETE):
                writer.write(packed(message))
            await connection.closed()
        assert job.facts == ["a", "b"]
        assert job.notices == notices
        assert connection.ended == COMPLETE
        assert job.ended == [], "that is the executor's to tell, once the worker is free"


async def test_a_worker_that_said_its_end_need_not_hang_up():
    async with listening() as listener:
        connection = connection_of(RecordingJob())
        listener.expect(connection)
        async with worker(listener, connection.key) as (_, writer):
            writer.write(packed(COMPLETE))
            await connection.closed()


async def test_a_worker_that_dies_in_the_middle_of_a_word_has_said_no_end():
    async with listening() as listener:
        job = RecordingJob()
        connection = connection_of(job)
        listener.expect(connection)
        async with worker(listener, connection.key) as (_, writer):
            writer.write(packed("a") + packed(COMPLETE)[:-1])
        await connection.closed()
        assert connection.was_open
        assert (job.text, connection.ended) == ("a", None)


async def test_the_job_starts_when_its_worker_comes():
    async with listening() as listener:
        job = RecordingJob(deadline=17.0)
        connection = connection_of(job)
        listener.expect(connection)
        assert not job.is_started
        async with worker(listener, connection.key) as (reader, _):
            assert await read_message(reader) == Begin(deadline=17.0)
            assert job.is_started


async def test_what_the_user_says_reaches_the_worker_that_is_there():
    async with listening() as listener:
        connection = connection_of(RecordingJob())
        listener.expect(connection)
        connection.hand_in(Said(text="too early"))
        async with worker(listener, connection.key) as (reader, writer):
            assert await read_message(reader) == Begin(deadline=0.0)
            connection.hand_in(Reply(request_id="1", value=1))
            assert await read_message(reader) == Reply(request_id="1", value=1)
            writer.write_eof()
            await connection.closed()
            assert await reader.read() == b""
        connection.hand_in(Said(text="too late"))


async def test_what_can_t_begin_is_over():
    def begin() -> Begin:
        return Begin(deadline=0.0, entrances=(lambda: None,))

    async with listening() as listener:
        connection = WorkerConnection(RecordingJob(), begin)
        listener.expect(connection)
        async with worker(listener, connection.key) as (reader, _):
            assert await reader.read() == b""
        await connection.closed()
        assert (connection.was_open, connection.ended) == (True, None)


@pytest.mark.parametrize("is_forgotten", [False, True])
async def test_whoever_knows_no_key_is_hung_up_on(is_forgotten):
    async with listening() as listener:
        connection = connection_of(RecordingJob())
        key = b"x" * 16
        if is_forgotten:
            key = connection.key
            listener.expect(connection)
            listener.forget(connection)
        async with worker(listener, key) as (reader, _):
            assert await reader.read() == b""
        assert not connection.was_open


async def test_the_socket_is_its_owners_alone_and_goes_with_the_listener():
    async with listening() as listener:
        folder = Path(listener.path).parent
        assert folder.stat().st_mode & 0o077 == 0
    assert not folder.exists()
