"""Run functions in processes, which really die when a turn is stopped or out of time.

The pool of workers is pebble's. What they do is in ``worker_process``, what they say comes in by
``worker_connections``.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool
from contextvars import Context
from dataclasses import dataclass
from functools import partial
from typing import Any

from pebble import CONSTS, ProcessExpired, ProcessFuture, ProcessPool

from streamchat.turns import worker_process
from streamchat.turns.events import Ended, Queued
from streamchat.turns.inputs import Given
from streamchat.turns.process_query import BoundFunction
from streamchat.turns.work_queue import ExecutorLimits, ExecutorStatistics, Job, WorkQueue
from streamchat.turns.worker_connections import WorkerConnection, WorkerListener
from streamchat.turns.worker_messages import Begin

# How long a worker may ignore SIGTERM before SIGKILL, in seconds.
CONSTS.term_timeout = 0.5


# One that is ready begins within milliseconds. Whoever has to wait longer for one is told, after so many seconds.
_SILENT_SECONDS = 1.0

Entrance = Callable[[Context], Callable[[], object]]


@dataclass(slots=True)
class _Run:
    job: Job
    future: ProcessFuture[None]
    connection: WorkerConnection
    timer: asyncio.TimerHandle


class ProcessExecutor:
    """An Executor over ``pebble.ProcessPool``; ``load`` is picklable and finds the function in a fresh worker.

    A job has started once a worker is there for it: a fresh one may take ``start_seconds`` to load the function.
    ``entrances`` make of a job's context, which can't be sent, what can be, and is called in the worker before the
    function. ``open`` it on the loop before the first job.
    """

    def __init__(
        self,
        load: Callable[[], BoundFunction],
        limits: ExecutorLimits,
        loop: asyncio.AbstractEventLoop,
        *,
        entrances: Sequence[Entrance] = (),
        start_seconds: float = worker_process.START_SECONDS,
    ) -> None:
        self._loop = loop
        self._queue = WorkQueue(limits, launch=self._launch, clock=loop.time)
        self._listener = WorkerListener()
        self._runs: dict[int, _Run] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._max_running = limits.max_running
        self._load = load
        self._entrances = entrances
        self._start_seconds = start_seconds
        self._context = multiprocessing.get_context("forkserver")
        # Imported once in the fork server, so that a worker is ready in milliseconds.
        self._context.set_forkserver_preload([__name__])
        self._pool = self._new_pool()

    async def open(self) -> None:
        """Listen for the workers, and start them off the loop: that takes a while."""
        await asyncio.to_thread(self._pool.schedule, worker_process.be_ready)
        await self._listener.open()

    def submit(self, job: Job) -> None:
        self._queue.submit(job)

    def interrupt(self, job: Job) -> None:
        if self._queue.withdraw(job):
            job.returned(Ended(cause="cancelled", code="cancelled"))
            return
        run = self._runs.get(id(job))
        if run is not None:
            self._queue.abandon(job)
            # It must not begin any more, if it is on its way.
            self._listener.forget(run.connection)
            run.future.cancel()  # type: ignore[no-untyped-call]

    def hand_in(self, job: Job, given: Given) -> None:
        run = self._runs.get(id(job))
        if run is not None:
            run.connection.hand_in(given)

    def statistics(self) -> ExecutorStatistics:
        return self._queue.statistics()

    def stop(self) -> bool:
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join(timeout=2 * CONSTS.term_timeout)
        self._listener.close()
        return True

    def _new_pool(self) -> ProcessPool:
        return ProcessPool(
            max_workers=self._max_running,
            initializer=worker_process.prepare,
            initargs=[self._load, self._start_seconds],
            context=self._context,
        )

    def _launch(self, job: Job) -> None:
        if not self._pool.active:
            # A pool whose workers can't begin (a broken import, say) gives up for good; the next job tries anew.
            self._keep(asyncio.to_thread(self._pool.join), "let go of the workers of a pool that has given up")
            self._pool = self._new_pool()
        connection = WorkerConnection(job, partial(self._begin, job))
        future = self._pool.schedule(worker_process.run, args=[self._listener.path, connection.key, job.query])
        self._listener.expect(connection)
        timer = self._loop.call_later(min(_SILENT_SECONDS, self._start_seconds), self._tell_of_wait, job)
        run = self._runs[id(job)] = _Run(job, future, connection, timer)
        self._keep(self._follow(run), "follow a worker process")

    def _begin(self, job: Job) -> Begin:
        """A worker is there."""
        self._runs[id(job)].timer.cancel()
        deadline = job.started()
        return Begin(deadline=deadline, entrances=tuple(entrance(job.context) for entrance in self._entrances))

    def _tell_of_wait(self, job: Job) -> None:
        job.notify(Queued(position=1, estimated_wait=None))
        left = self._start_seconds - _SILENT_SECONDS
        self._runs[id(job)].timer = self._loop.call_later(left, self._give_up, job)

    def _give_up(self, job: Job) -> None:
        detail = f"no worker process was ready within {self._start_seconds:g} s"
        self._runs[id(job)].connection.ended = _no_worker(detail)
        self.interrupt(job)

    def _keep(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = self._loop.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _follow(self, run: _Run) -> None:
        """Wait until the worker is done with the function, or dead; then tell the job."""
        failure = await _failure(run.future)
        run.timer.cancel()
        if run.connection.was_open or failure is None:
            # The end of its connection, not the pool's word, shows that a killed worker is really dead.
            await run.connection.closed()
        self._listener.forget(run.connection)
        del self._runs[id(run.job)]
        run.job.returned(run.connection.ended or failure or _failed("died", "the worker said nothing of its end"))
        self._queue.release(run.job)


async def _failure(future: ProcessFuture[None]) -> Ended | None:
    """What the pool reports of a run that has not gone well."""
    try:
        await asyncio.wrap_future(future)
    except (CancelledError, asyncio.CancelledError):
        return Ended(cause="cancelled", code="cancelled")
    except BrokenProcessPool as error:
        return _no_worker(f"no worker process could begin: {error}")
    except ProcessExpired as error:
        return _failed("died", f"the worker process died with exit code {error.exitcode}")
    except Exception as error:  # noqa: BLE001 - whatever the pool reports is the end of this job only
        return _failed("raised", f"{type(error).__name__}: {error}")
    return None


def _no_worker(detail: str) -> Ended:
    return Ended(cause="error", code="overloaded", reason="no_worker", detail=detail)


def _failed(reason: str, detail: str) -> Ended:
    return Ended(cause="error", code="processing_error", reason=reason, detail=detail)
