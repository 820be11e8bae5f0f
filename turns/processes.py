"""Run functions in processes, which really die when a turn is stopped or out of time.

The pool is pebble's; one unix socket per running function carries its facts as length-prefixed pickles, and back what
its user says.
A shared queue would not do: a child that is killed can die holding its lock.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import pickle
import secrets
import shutil
import socket
import struct
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from pathlib import Path

from pebble import CONSTS, ProcessExpired, ProcessFuture, ProcessPool

from streamchat.turns.cancellation import Cancellation, QueryCancelled
from streamchat.turns.events import Dismissed, Ended, Fact, Notice, Progress, Queued
from streamchat.turns.inputs import Given
from streamchat.turns.mailbox import Mailbox
from streamchat.turns.process_query import TAKE_INPUT, BoundFunction
from streamchat.turns.query import Query
from streamchat.turns.run_query import run_query
from streamchat.turns.work_queue import ExecutorLimits, ExecutorStatistics, Job, WorkQueue

_LENGTH = struct.Struct("!I")
_KEY_BYTES = 16

# How long a child may ignore SIGTERM before SIGKILL, in seconds.
CONSTS.term_timeout = 0.5


def _packed(message: Fact | Notice | Given) -> bytes:
    data = pickle.dumps(message)
    return _LENGTH.pack(len(data)) + data


class SocketEmitter:
    """A child's way out: blocks when the kernel's socket buffer is full. ``listen`` opens the way back in."""

    def __init__(self, path: str, key: bytes, deadline: float) -> None:
        self.cancelled = Cancellation()
        self.deadline = deadline
        self.mailbox = Mailbox(self.cancelled)
        self._listener: threading.Thread | None = None
        self._lock = threading.Lock()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._socket.sendall(key)

    def emit(self, fact: Fact) -> None:
        self.send(fact)

    def notify(self, notice: Notice) -> None:
        self.send(notice)

    def send(self, message: Fact | Notice) -> None:
        data = _packed(message)
        try:
            with self._lock:
                self._socket.sendall(data)
        except OSError as error:
            self.cancelled.set()
            raise QueryCancelled from error  # the server has hung up

    def listen(self) -> None:
        """Take in what the user says, until the server hangs up."""
        self._listener = threading.Thread(target=self._hear, name="input", daemon=True)
        self._listener.start()

    def close(self) -> None:
        if self._listener is not None:
            # What the server still has for us is taken, or its writing would fail before it has read our end.
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)
            self._listener.join()
        self._socket.close()

    def _hear(self) -> None:
        with suppress(OSError, EOFError):
            while True:
                (length,) = _LENGTH.unpack(self._receive(_LENGTH.size))
                self.mailbox.put(pickle.loads(self._receive(length)))
        self.cancelled.set()

    def _receive(self, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            piece = self._socket.recv(length - len(data))
            if not piece:
                raise EOFError
            data += piece
        return bytes(data)


_bound: BoundFunction | None = None


def _prepare_child(load: Callable[[], BoundFunction]) -> None:
    global _bound
    _bound = load()


def _be_ready() -> None:
    """The first job of a pool: it is there to have the children started."""


def _run_in_child(path: str, key: bytes, deadline: float, query: Query, enter: Callable[[], object] | None) -> None:
    # The next query of this child must not find what this one is entered with.
    copy_context().run(_run_entered, path, key, deadline, query, enter)


def _run_entered(path: str, key: bytes, deadline: float, query: Query, enter: Callable[[], object] | None) -> None:
    assert _bound is not None
    if enter is not None:
        enter()
    emitter = SocketEmitter(path, key, deadline)
    try:
        if not TAKE_INPUT.isdisjoint(_bound.wanted):
            emitter.listen()
        emitter.send(run_query(_bound, query, emitter))
    except QueryCancelled:
        return  # nobody listens any more
    finally:
        emitter.close()


@dataclass(slots=True)
class _Run:
    job: Job
    future: ProcessFuture[None]
    ended: Ended | None = None
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    writer: asyncio.StreamWriter | None = None
    unsent: list[bytes] = field(default_factory=list)


class ProcessExecutor:
    """An Executor over ``pebble.ProcessPool``; ``load`` is picklable and finds the function in a fresh child.

    ``entrance`` makes of a job's context, which can't be sent, what can be, and is called in the child before the
    function. ``open`` it on the loop before the first job.
    """

    def __init__(
        self,
        load: Callable[[], BoundFunction],
        limits: ExecutorLimits,
        loop: asyncio.AbstractEventLoop,
        entrance: Callable[[Context], Callable[[], object]] | None = None,
    ) -> None:
        self._loop = loop
        self._queue = WorkQueue(limits, launch=self._launch, clock=loop.time)
        self._folder = Path(tempfile.mkdtemp(prefix="streamchat-"))
        self._runs: dict[int, _Run] = {}
        self._by_key: dict[bytes, _Run] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._max_running = limits.max_running
        self._load = load
        self._entrance = entrance
        self._context = multiprocessing.get_context("forkserver")
        # Imported once in the fork server, so that a child is ready in milliseconds.
        self._context.set_forkserver_preload([__name__])
        self._pool = self._new_pool()

    async def open(self) -> None:
        """Listen for the children, and start them off the loop: that takes a while."""
        await asyncio.to_thread(self._pool.schedule, _be_ready)
        self._server = await asyncio.start_unix_server(self._receive, self._path, limit=2**20)

    def submit(self, job: Job) -> None:
        self._queue.submit(job)

    def interrupt(self, job: Job) -> None:
        if self._queue.withdraw(job):
            job.returned(Ended(cause="cancelled", code="cancelled"))
            return
        run = self._runs.get(id(job))
        if run is not None:
            self._queue.abandon(job)
            run.future.cancel()  # type: ignore[no-untyped-call]

    def hand_in(self, job: Job, given: Given) -> None:
        run = self._runs.get(id(job))
        if run is None:
            return
        if run.writer is None:
            run.unsent.append(_packed(given))
        elif not run.writer.is_closing():
            run.writer.write(_packed(given))

    def is_running(self, job: Job) -> bool:
        return id(job) in self._runs

    def statistics(self) -> ExecutorStatistics:
        return self._queue.statistics()

    def stop(self) -> bool:
        if self._server is not None:
            self._server.close()
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join(timeout=2 * CONSTS.term_timeout)
        shutil.rmtree(self._folder, ignore_errors=True)
        return True

    @property
    def _path(self) -> str:
        return os.fspath(self._folder / "facts")

    def _new_pool(self) -> ProcessPool:
        return ProcessPool(
            max_workers=self._max_running,
            initializer=_prepare_child,
            initargs=[self._load],
            context=self._context,
        )

    def _launch(self, job: Job) -> None:
        if not self._pool.active:
            # A pool whose children can't begin (a broken import, say) gives up for good; the next job tries anew.
            self._pool = self._new_pool()
        key = secrets.token_bytes(_KEY_BYTES)
        deadline = job.started()
        enter = None if self._entrance is None else self._entrance(job.context)
        future = self._pool.schedule(_run_in_child, args=[self._path, key, deadline, job.query, enter])
        run = self._runs[id(job)] = self._by_key[key] = _Run(job, future)
        task = self._loop.create_task(self._follow(run, key), name="follow a worker process")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _follow(self, run: _Run, key: bytes) -> None:
        """Wait until the child is done with the function, or dead; then tell the job."""
        failure = await self._failure(run.future)
        if run.writer is not None or failure is None:
            # The end of its connection, not the pool's word, shows that a killed child is really dead.
            await run.hung_up.wait()
        del self._by_key[key]
        del self._runs[id(run.job)]
        run.job.returned(run.ended or failure or _failed("died", "the worker said nothing of its end"))
        self._queue.release(run.job)

    async def _failure(self, future: ProcessFuture[None]) -> Ended | None:
        try:
            await asyncio.wrap_future(future)
        except (CancelledError, asyncio.CancelledError):
            return Ended(cause="cancelled", code="cancelled")
        except ProcessExpired as error:
            return _failed("died", f"the worker process died with exit code {error.exitcode}")
        except Exception as error:  # noqa: BLE001 - whatever the pool reports is the end of this job only
            return _failed("raised", f"{type(error).__name__}: {error}")
        return None

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        run = None
        try:
            run = self._by_key[await reader.readexactly(_KEY_BYTES)]
            run.writer = writer
            writer.writelines(run.unsent)
            while True:
                (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
                self._take(run, pickle.loads(await reader.readexactly(length)))
        except (asyncio.IncompleteReadError, ConnectionError, KeyError):
            return  # the child is done or dead, or its turn is over already
        finally:
            writer.close()
            if run is not None:
                run.hung_up.set()

    def _take(self, run: _Run, message: Fact | Notice) -> None:
        match message:
            case Ended():
                run.ended = message
                # Said all: a process that the function has forked may hold the connection open for long.
                run.hung_up.set()
            case Progress() | Queued() | Dismissed():
                run.job.notify(message)
            case _:
                run.job.record(message)


def _failed(reason: str, detail: str) -> Ended:
    return Ended(cause="error", code="processing_error", reason=reason, detail=detail)
