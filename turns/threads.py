"""Run functions in threads of a pool, and those that never block on the loop itself.

A thread can't be killed. When its turn is stopped, the function's ``cancelled`` flag is set, its next
sign of life raises QueryCancelled, and until it really returns the worker counts as abandoned.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial

from streamchat.turns.cancellation import Cancellation, QueryCancelled
from streamchat.turns.events import Ended, Fact, Notice
from streamchat.turns.inbox import Inbox
from streamchat.turns.inputs import Given
from streamchat.turns.loop_emitter import LoopEmitter
from streamchat.turns.mailbox import Mailbox
from streamchat.turns.process_query import BoundFunction
from streamchat.turns.run_query import run_query, run_query_here
from streamchat.turns.thread_rack import ThreadRack, Worker
from streamchat.turns.work_queue import ExecutorLimits, ExecutorStatistics, Job, WorkQueue

UNDELIVERED_FACTS = 64
# Of the threads that may run functions, so many are there before the first question comes.
READY_THREADS = 32

_STOPPED = Ended(cause="cancelled", code="cancelled")


class ThreadEmitter:
    """Takes facts from a worker thread to the loop; blocks while the loop is that many facts behind."""

    def __init__(self, inbox: Inbox, job: Job, deadline: float) -> None:
        self.cancelled = Cancellation()
        self.deadline = deadline
        self.mailbox = Mailbox(self.cancelled)
        self._inbox = inbox
        self._job = job
        self._undelivered = 0
        # Asking to be told of the stop may be answered at once, by the thread that holds it.
        self._lock = threading.RLock()
        self._has_room: threading.Condition | None = None  # made for the first who has to wait: most never do
        self._latest: Notice | None = None

    def emit(self, fact: Fact) -> None:
        with self._lock:
            if self._undelivered >= UNDELIVERED_FACTS:
                self._wait_for_room()
            self._undelivered += 1
        self._call(self._deliver, fact)

    def notify(self, notice: Notice) -> None:
        if self.cancelled.is_set():
            raise QueryCancelled
        with self._lock:
            is_under_way, self._latest = self._latest is not None, notice
        if not is_under_way:
            self._call(self._deliver_latest)

    def _wait_for_room(self) -> None:
        if self._has_room is None:
            self._has_room = threading.Condition(self._lock)
            self.cancelled.on_set(self._let_go)
        while self._undelivered >= UNDELIVERED_FACTS and not self.cancelled.is_set():
            self._has_room.wait()

    def _let_go(self) -> None:
        with self._lock:
            assert self._has_room is not None
            self._has_room.notify_all()

    def _call(self, callback: Callable[..., None], *arguments: object) -> None:
        if self.cancelled.is_set():
            raise QueryCancelled
        try:
            self._inbox.call(callback, *arguments)
        except RuntimeError as error:
            raise QueryCancelled from error  # the loop is closed, the server is gone

    def _deliver(self, fact: Fact) -> None:
        with self._lock:
            self._undelivered -= 1
            if self._has_room is not None:
                self._has_room.notify()
        self._job.record(fact)

    def _deliver_latest(self) -> None:
        with self._lock:
            latest, self._latest = self._latest, None
        if latest is not None:
            self._job.notify(latest)


def _cancel(task: asyncio.Task[Ended]) -> None:
    task.cancel()


class ThreadExecutor:
    """An Executor over threads of ``concurrent.futures``; a function that never blocks is a task instead."""

    def __init__(self, bound: BoundFunction, limits: ExecutorLimits, loop: asyncio.AbstractEventLoop) -> None:
        self._bound = bound
        self._loop = loop
        self._inbox = Inbox(loop)
        self._queue = WorkQueue(limits, launch=self._launch, clock=loop.time)
        self._threads = ThreadRack("process_query")
        self._emitters: dict[int, ThreadEmitter | LoopEmitter] = {}
        self._workers: dict[int, Worker] = {}
        if not bound.never_blocks:
            self._threads.start(min(limits.max_running, READY_THREADS))

    def submit(self, job: Job) -> None:
        self._queue.submit(job)

    def interrupt(self, job: Job) -> None:
        if self._queue.withdraw(job):
            job.returned(_STOPPED)
        elif id(job) in self._emitters:
            self._queue.abandon(job)
            self._emitters[id(job)].cancelled.set()

    def hand_in(self, job: Job, given: Given) -> None:
        emitter = self._emitters.get(id(job))
        if emitter is not None:
            emitter.mailbox.put(given)

    def statistics(self) -> ExecutorStatistics:
        return self._queue.statistics()

    def stop(self) -> bool:
        self._threads.shut_down()
        return not self._emitters

    def _launch(self, job: Job) -> None:
        deadline = job.started()
        if self._bound.never_blocks:
            self._run_here(job, LoopEmitter(ThreadEmitter(self._inbox, job, deadline), job))
        else:
            self._run_in_thread(job, ThreadEmitter(self._inbox, job, deadline))

    def _run_in_thread(self, job: Job, emitter: ThreadEmitter) -> None:
        self._emitters[id(job)] = emitter
        # A thread has a context of its own; the job's one carries the request id.
        try:
            self._workers[id(job)] = self._threads.run(job.context.run, self._work, job, emitter)
        except RuntimeError:
            del self._emitters[id(job)]
            raise

    def _run_here(self, job: Job, emitter: LoopEmitter) -> None:
        self._emitters[id(job)] = emitter
        running = run_query_here(self._bound, job.query, emitter)
        task = self._loop.create_task(running, name="process_query", context=job.context)
        emitter.cancelled.on_set(partial(_cancel, task))
        # Not the task's own last step: one that is cancelled before its first has none.
        task.add_done_callback(lambda task: self._returned(job, _STOPPED if task.cancelled() else task.result()))

    def _work(self, job: Job, emitter: ThreadEmitter) -> None:
        ended = run_query(self._bound, job.query, emitter)
        try:
            self._inbox.call(self._thread_returned, job, ended)
        except RuntimeError:
            return  # the loop is closed: nobody is left who could be told

    def _thread_returned(self, job: Job, ended: Ended) -> None:
        # First: whoever waits in line may take it.
        self._threads.give_back(self._workers.pop(id(job)))
        self._returned(job, ended)

    def _returned(self, job: Job, ended: Ended) -> None:
        del self._emitters[id(job)]
        job.returned(ended)
        self._queue.release(job)
