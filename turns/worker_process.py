"""What happens in a worker process: the function is loaded once, then run for one query after the other.

Knows the socket that its facts go into, and neither the pool nor the server.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context

from streamchat.turns.cancellation import Cancellation, QueryCancelled
from streamchat.turns.events import Fact, Notice
from streamchat.turns.mailbox import Mailbox
from streamchat.turns.process_query import TAKE_INPUT, BoundFunction
from streamchat.turns.query import Query
from streamchat.turns.run_query import run_query
from streamchat.turns.worker_messages import packed, receive_message

_bound: BoundFunction | None = None


def prepare(load: Callable[[], BoundFunction]) -> None:
    """A worker begins: find the function, before the first query."""
    global _bound
    _bound = load()


def be_ready() -> None:
    """The first job of a pool: it is there to have the workers started."""


def run(path: str, key: bytes, deadline: float, query: Query, enter: Callable[[], object] | None) -> None:
    """Run the function; what it says goes into the socket at ``path``, whose other end knows the job by ``key``."""
    # The next query of this worker must not find what this one is entered with.
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


class SocketEmitter:
    """The function's way out: blocks when the kernel's socket buffer is full. ``listen`` opens the way back in."""

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
        """Tell the server. Raises QueryCancelled when it has hung up."""
        data = packed(message)
        try:
            with self._lock:
                self._socket.sendall(data)
        except OSError as error:
            self.cancelled.set()
            raise QueryCancelled from error

    def listen(self) -> None:
        """Take in what the user says, until the server hangs up."""
        self._listener = threading.Thread(target=self._hear, name="input", daemon=True)
        self._listener.start()

    def close(self) -> None:
        """Hang up."""
        if self._listener is not None:
            # What the server still has for us is taken, or its writing would fail before it has read our end.
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)
            self._listener.join()
        self._socket.close()

    def _hear(self) -> None:
        with suppress(OSError, EOFError):
            while True:
                self.mailbox.put(receive_message(self._socket))
        self.cancelled.set()
