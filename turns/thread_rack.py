"""Threads that wait for work, each the only one of a ThreadPoolExecutor. Knows no question and no limit.

With one pool for all, each piece of work wakes two threads: in CPython 3.11 whoever has taken something from the
pool's queue wakes the next that waits there, to find nothing (``queue.SimpleQueue``). On a loop that is busy both have
to wait for the interpreter, and half a question's switches are theirs. And here the thread that has worked last, whose
memory is still in the caches, works next.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor


class ThreadRack:
    """Gives threads out and takes them back. Whoever takes one sees to it that they are not too many."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._all: list[ThreadPoolExecutor] = []
        self._free: list[ThreadPoolExecutor] = []

    def start(self, count: int) -> None:
        """Have so many ready: to start one, its caller waits for a tenth of a millisecond."""
        ready = [self.take() for _ in range(count)]
        for thread in reversed(ready):
            try:
                thread.submit(threading.get_ident)
            except RuntimeError:
                self.drop(thread)  # no more to be had now: the rest is asked for when it is needed
            else:
                self.give_back(thread)

    def take(self) -> ThreadPoolExecutor:
        """A thread that nobody else has. What is given to it runs at once; RuntimeError when none can be started."""
        if self._free:
            return self._free.pop()
        thread = ThreadPoolExecutor(1, thread_name_prefix=f"{self._name}-{len(self._all)}")
        self._all.append(thread)
        return thread

    def give_back(self, thread: ThreadPoolExecutor) -> None:
        """Its work is done."""
        self._free.append(thread)

    def drop(self, thread: ThreadPoolExecutor) -> None:
        """It could not be started: nothing that was given to it may run later."""
        self._all.remove(thread)
        thread.shutdown(wait=False, cancel_futures=True)

    def shut_down(self) -> None:
        """Start nothing any more, and wait for nobody."""
        for thread in self._all:
            thread.shutdown(wait=False, cancel_futures=True)
