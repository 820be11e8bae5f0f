"""A clock that stands still until it is told, with timers that go by it."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context


class HandTimer:
    """What ``call_at`` and ``call_later`` return."""

    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when = when
        self.callback = callback
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class HandClock:
    """Stands where a clock, a ``call_later``, or a loop's ``time`` and ``call_at`` is wanted. In seconds."""

    def __init__(self, seconds: float = 1000.0) -> None:
        self.seconds = seconds
        self._timers: list[HandTimer] = []

    def __call__(self) -> float:
        return self.seconds

    def time(self) -> float:
        return self.seconds

    def call_at(self, when: float, callback: Callable[[], None], context: Context | None = None) -> HandTimer:
        timer = HandTimer(when, callback)
        self._timers.append(timer)
        return timer

    def call_later(self, delay: float, callback: Callable[[], None]) -> HandTimer:
        return self.call_at(self.seconds + delay, callback)

    def call_soon(self, callback: Callable[..., None], *arguments: object, context: Context | None = None) -> HandTimer:
        return self.call_at(self.seconds, lambda: callback(*arguments))

    @property
    def pending(self) -> list[float]:
        """When the timers that are still set will fire, in order."""
        return sorted(timer.when for timer in self._timers if not timer.is_cancelled)

    def advance(self, seconds: float) -> None:
        """Let the time pass; every timer fires at its own moment."""
        end = self.seconds + seconds
        while (timer := self._next(end)) is not None:
            self.seconds = max(self.seconds, timer.when)
            self._fire(timer)
        self.seconds = end

    def jump(self, seconds: float) -> None:
        """Let the time pass while nobody looks; every timer that is due by then fires late."""
        self.seconds += seconds
        while (timer := self._next(self.seconds)) is not None:
            self._fire(timer)

    def _next(self, end: float) -> HandTimer | None:
        due = [timer for timer in self._timers if timer.when <= end and not timer.is_cancelled]
        return min(due, key=lambda timer: timer.when, default=None)

    def _fire(self, timer: HandTimer) -> None:
        self._timers.remove(timer)
        timer.callback()
