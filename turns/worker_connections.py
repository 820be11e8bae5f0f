"""The server's end of what worker processes say: one unix socket for all of them, one connection for each job.

A shared queue would not do: a worker that is killed can die holding its lock.
Knows no pool, and nothing of how a worker is started or killed.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from streamchat.turns.events import Dismissed, Ended, Fact, Notice, Progress, Queued
from streamchat.turns.inputs import Given
from streamchat.turns.work_queue import Job
from streamchat.turns.worker_messages import KEY_BYTES, Begin, packed, read_message

# Of what a worker says, so many bytes are read ahead.
_AHEAD_BYTES = 2**20


class WorkerConnection:
    """One job's. ``ended`` is what its worker has said of the end; None until then, and for good when it has died.

    ``key`` is what the worker has to come with. ``begin`` is called once it has: the function starts now.
    """

    def __init__(self, job: Job, begin: Callable[[], Begin]) -> None:
        self.key = secrets.token_bytes(KEY_BYTES)
        self.ended: Ended | None = None
        self._job = job
        self._begin = begin
        self._hung_up = asyncio.Event()
        self._writer: asyncio.StreamWriter | None = None

    @property
    def was_open(self) -> bool:
        """Whether the worker has ever come, and begun."""
        return self._writer is not None

    async def closed(self) -> None:
        """Wait until the worker has said all, or is dead."""
        await self._hung_up.wait()

    def hand_in(self, given: Given) -> None:
        """Send what the user says; nothing happens when the worker is not there."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(packed(given))

    async def follow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The worker has come: tell the job what it says, until it hangs up."""
        self._writer = writer
        try:
            writer.write(packed(self._begin()))
            while True:
                self._take(await read_message(reader))
        finally:
            self._hung_up.set()

    def _take(self, message: Fact | Notice) -> None:
        match message:
            case Ended():
                self.ended = message
                # Said all: a process that the function has forked may hold the connection open for long.
                self._hung_up.set()
            case Progress() | Queued() | Dismissed():
                self._job.notify(message)
            case _:
                self._job.record(message)


class WorkerListener:
    """Where workers connect to: ``path``, which nobody else may open. ``open`` it on the loop."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="streamchat-"))
        self._expected: dict[bytes, WorkerConnection] = {}
        self._server: asyncio.Server | None = None

    @property
    def path(self) -> str:
        return os.fspath(self._folder / "facts")

    async def open(self) -> None:
        """Listen. Raises OSError."""
        self._server = await asyncio.start_unix_server(self._receive, self.path, limit=_AHEAD_BYTES)

    def expect(self, connection: WorkerConnection) -> None:
        """Its worker may come. Whoever comes without a key that is expected is hung up on."""
        self._expected[connection.key] = connection

    def forget(self, connection: WorkerConnection) -> None:
        """Nobody is to come for it any more."""
        self._expected.pop(connection.key, None)

    def close(self) -> None:
        """Take nobody else, and leave nothing behind."""
        if self._server is not None:
            self._server.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            connection = self._expected[await reader.readexactly(KEY_BYTES)]
            await connection.follow(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, KeyError):
            return  # the worker is done or dead, or its turn is over already
        finally:
            writer.close()
