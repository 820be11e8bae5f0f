"""What happens in a worker process: the function is loaded once, then run for one query after the other.

Knows the socket that its facts go into, and neither the pool nor the server.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context

from streamchat.turns.cancellation import Cancellation, QueryCancelled
from streamchat.turns.events import Fact, Notice
from streamchat.turns.mailbox import Mailbox
from streamchat.turns.process_query import TAKE_INPUT, BoundFunction
from streamchat.turns.query import Query
from streamchat.turns.run_query import run_query
from streamchat.turns.worker_messages import Begin, packed, receive_message

# How long loading the function may take, in seconds.
START_SECONDS = 150.0

_logger = logging.getLogger("streamchat.workers")
_bound: BoundFunction | None = None


def prepare(load: Callable[[], BoundFunction], start_seconds: float) -> None:
    """A worker begins: find the function, before the first query. One that can't is dead after ``start_seconds``."""
    global _bound
    patience = threading.Timer(start_seconds, _give_up, [start_seconds, threading.get_ident()])
    patience.daemon = True
    patience.start()
    try:
        _bound = load()
    finally:
        patience.cancel()


def be_ready() -> None:
    """The first job of a pool: it is there to have the workers started."""


def run(path: str, key: bytes, query: Query) -> None:
    """Run the function; what it says goes into the socket at ``path``, whose other end knows the job by ``key``."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        connection.sendall(key)
        try:
            begin = receive_message(connection)
        except (EOFError, ConnectionError):
            return  # the turn is over already
        # The next query of this worker must not find what this one is entered with.
        copy_context().run(_run_entered, connection, query, begin)


def _run_entered(connection: socket.socket, query: Query, begin: Begin) -> None:
    assert _bound is not None
    for enter in begin.entrances:
        enter()
    emitter = SocketEmitter(connection, begin.deadline)
    try:
        if not TAKE_INPUT.isdisjoint(_bound.wanted):
            emitter.listen()
        emitter.send(run_query(_bound, query, emitter))
    except QueryCancelled:
        return  # nobody listens any more
    finally:
        emitter.close()


def _give_up(start_seconds: float, thread_id: int) -> None:
    where = "".join(traceback.format_stack(sys._current_frames().get(thread_id)))
    _logger.critical("the function was not loaded within %g s; it was at\n%s", start_seconds, where)
    os._exit(1)


class SocketEmitter:
    """The function's way out: blocks when the kernel's socket buffer is full. ``listen`` opens the way back in."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self.cancelled = Cancellation()
        self.deadline = deadline
        self.mailbox = Mailbox(self.cancelled)
        self._listener: threading.Thread | None = None
        self._lock = threading.Lock()
        self._socket = connection

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
