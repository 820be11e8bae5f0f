"""Where a running function finds what its user says to it. Thread-safe; knows no executor and no loop.

Whoever waits holds a ``concurrent.futures.Future``: a thread blocks on its result, a coroutine wraps it.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any

from streamchat.turns.cancellation import Cancellation, QueryCancelled
from streamchat.turns.inputs import Given, Lapsed, Reply, Said


class Mailbox:
    """One function's post. Whatever is waited for fails with QueryCancelled when the turn is stopped.

    It is as bounded as what is put in: the turn counts that.
    """

    __slots__ = ("_cancelled", "_is_watched", "_lock", "_open", "_said", "_waiting", "heard")

    def __init__(self, cancelled: Cancellation) -> None:
        self.heard: list[str] = []  # all there ever was, for whoever must not repeat it
        self._cancelled = cancelled
        self._is_watched = False
        self._lock = threading.Lock()
        self._open: dict[str, Future[Reply | Lapsed]] = {}
        self._said: list[str] = []
        self._waiting: list[Future[str]] = []

    def expect(self, request_id: str) -> Future[Reply | Lapsed]:
        """What will become of this question. Call it before the question is put: the answer may be quick."""
        reply: Future[Reply | Lapsed] = Future()
        with self._lock:
            self._open[request_id] = reply
        self._watch()
        return reply

    def next(self) -> Future[str]:
        """The next that is said unasked; whoever gives up waiting cancels it."""
        said: Future[str] = Future()
        with self._lock:
            if self._said:
                said.set_result(self._said.pop(0))
                return said
            # A function may ask at every token, and mostly in vain.
            self._waiting = [waiting for waiting in self._waiting if not waiting.cancelled()]
            self._waiting.append(said)
        self._watch()
        return said

    def take(self) -> list[str]:
        """All that was said unasked and not taken yet."""
        with self._lock:
            said, self._said = self._said, []
        return said

    def put(self, given: Given) -> None:
        """Hand in what the user has said; what nobody waits for any more is dropped."""
        if isinstance(given, Reply):
            self.heard.append(str(given.value))
        elif isinstance(given, Said):
            self.heard.append(given.text)
            self._hear(given.text)
            return
        with self._lock:
            reply = self._open.pop(given.request_id, None)
        if reply is not None:
            _settle(reply, given)

    def put_back(self, text: str) -> None:
        """Something was taken by one who could not use it any more: it is the next again."""
        with self._lock:
            self._said.insert(0, text)

    def close(self) -> None:
        """The turn was stopped: release everybody who waits."""
        with self._lock:
            waiting: list[Future[Any]] = [*self._open.values(), *self._waiting]
            self._open, self._waiting = {}, []
        for future in waiting:
            if future.set_running_or_notify_cancel():
                future.set_exception(QueryCancelled())

    def _hear(self, text: str) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._said.append(text)
                    return
                waiting = self._waiting.pop(0)
            if _settle(waiting, text):
                return

    def _watch(self) -> None:
        """Be told of the stop; at once when it is past already."""
        with self._lock:
            is_watched, self._is_watched = self._is_watched, True
        if not is_watched:
            self._cancelled.on_set(self.close)
        elif self._cancelled.is_set():
            self.close()


def _settle(future: Future[Any], value: object) -> bool:
    """Give the value to whoever waits; False when they have given up."""
    if not future.set_running_or_notify_cancel():
        return False
    future.set_result(value)
    return True
