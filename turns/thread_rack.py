"""Threads that wait for work, each the only one of a ThreadPoolExecutor. Knows no question and no limit.

With one pool for all, each piece of work wakes two threads: in CPython 3.11 whoever has taken something from the
pool's queue wakes the next that waits there, to find nothing (``queue.SimpleQueue``). On a loop that is busy both have
to wait for the interpreter, and half a question's switches are theirs. And here the thread that has worked last, whose
memory is still in the caches, works next.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count

Worker = ThreadPoolExecutor


class ThreadRack:
    """Has work done by workers of one thread each. Whoever gives them work sees to it that they are not too many."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._numbers = count()
        self._all: set[Worker] = set()
        self._free: list[Worker] = []
        self._is_shut = False

    def start(self, most: int) -> None:
        """Have so many ready: to start one, its caller waits for a tenth of a millisecond."""
        started: list[Worker] = []
        with suppress(RuntimeError):  # no more to be had now: the rest is asked for when it is needed
            started.extend(self.run(threading.get_ident) for _ in range(most))
        self._free += reversed(started)

    def run(self, work: Callable[..., object], *arguments: object) -> Worker:
        """Have it done at once, by a worker that is to be given back after it.

        RuntimeError after the end, or when no thread can be started: then it is never done.
        """
        if self._is_shut:
            raise RuntimeError("the threads are shut down")
        worker = self._free.pop() if self._free else self._new()
        try:
            worker.submit(work, *arguments)
        except RuntimeError:
            self._all.discard(worker)
            worker.shutdown(wait=False, cancel_futures=True)
            raise
        return worker

    def give_back(self, worker: Worker) -> None:
        """Its work is done."""
        self._free.append(worker)

    def shut_down(self) -> None:
        """Begin nothing any more, and wait for nobody."""
        self._is_shut = True
        for worker in self._all:
            worker.shutdown(wait=False, cancel_futures=True)

    def _new(self) -> Worker:
        worker = ThreadPoolExecutor(1, thread_name_prefix=f"{self._name}-{next(self._numbers)}")
        self._all.add(worker)
        return worker
