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
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []

    def is_set(self) -> bool:
        return self._event.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Block up to ``timeout`` seconds; True when the flag is set. A sleep that can be stopped."""
        return self._event.wait(timeout)

    def set(self) -> None:
        with self._lock:
            self._event.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def on_set(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` when the flag is set, at once when it is set already."""
        with self._lock:
            if not self._event.is_set():
                self._callbacks.append(callback)
                return
        callback()

    def __bool__(self) -> bool:
        """``if cancelled:`` asks the flag, as everyone expects who has not read this."""
        return self.is_set()
