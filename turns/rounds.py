"""What many streams have to do soon, gathered: the loop is asked once for all of it. Knows no stream."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextvars import Context

_logger = logging.getLogger("streamchat.turns")


class Rounds:
    """Calls back in the loop's next round; a call that fails is logged, and keeps nobody else from being called.

    When many streams are due at once, all are presented and then all are sent: turn by turn, each of the two would
    find the other's code in the processor's caches, and a frame would cost a tenth more. Nobody is called in the
    context of whoever has asked: a round is everybody's.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.context = Context()
        self._loop = loop
        self._calls: list[Callable[[], None]] = []
        self._last_calls: list[Callable[[], None]] = []
        self._is_scheduled = False
        self._is_running = False

    def call(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` in the next round, in the order of these calls."""
        self._calls.append(callback)
        if not self._is_scheduled:
            self._schedule()

    def call_last(self, callback: Callable[[], None]) -> None:
        """Call it at the end of the round that is running, or of the next one when none is."""
        self._last_calls.append(callback)
        if not (self._is_running or self._is_scheduled):
            self._schedule()

    def run(self, work: Callable[[], None]) -> None:
        """Do ``work`` as a round, now; what is to come last is called after it, whatever becomes of it."""
        self._is_running = True
        try:
            work()
        finally:
            self._is_running = False
            calls, self._last_calls = self._last_calls, []
            _call_all(calls)

    def _schedule(self) -> None:
        self._is_scheduled = True
        self._loop.call_soon(self._run_scheduled, context=self.context)

    def _run_scheduled(self) -> None:
        self._is_scheduled = False
        self.run(self._call_scheduled)

    def _call_scheduled(self) -> None:
        calls, self._calls = self._calls, []
        _call_all(calls)


def _call_all(calls: list[Callable[[], None]]) -> None:
    for call in calls:
        try:
            call()
        except (KeyboardInterrupt, SystemExit):
            raise  # the loop ends, and nobody is called any more
        except BaseException:
            _logger.exception("%r has failed, which a stream had to do", call)
