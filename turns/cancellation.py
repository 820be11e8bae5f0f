"""The flag that asks a running function to stop, and the exception that makes it."""

from __future__ import annotations

import threading
from collections.abc import Callable


class QueryCancelled(BaseException):
    """The turn was stopped or timed out; raised inside the function at its next sign of life.

    Not an Exception, so that an ``except Exception`` around a function's own work lets it through.
    """


class Cancellation:
    """Thread-safe and set at most once; looks like a ``threading.Event`` to the function."""

    def __init__(self) -> None:
        self._is_set = False
        self._lock = threading.Lock()
        self._event: threading.Event | None = None  # made for the first who waits: few functions do
        self._callbacks: list[Callable[[], None]] = []

    def is_set(self) -> bool:
        return self._is_set

    def wait(self, timeout: float | None = None) -> bool:
        """Block up to ``timeout`` seconds; True when the flag is set. A sleep that can be stopped."""
        with self._lock:
            if self._is_set:
                return True
            event = self._event = self._event or threading.Event()
        return event.wait(timeout)

    def set(self) -> None:
        with self._lock:
            self._is_set = True
            callbacks, self._callbacks = self._callbacks, []
            if self._event is not None:
                self._event.set()
        for callback in callbacks:
            callback()

    def on_set(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` when the flag is set, at once when it is set already."""
        with self._lock:
            if not self._is_set:
                self._callbacks.append(callback)
                return
        callback()

    def __bool__(self) -> bool:
        """``if cancelled:`` asks the flag, as everyone expects who has not read this."""
        return self._is_set
