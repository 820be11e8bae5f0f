"""What many streams have to do soon, gathered: the loop is asked once for all of it. Knows no stream."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

_logger = logging.getLogger("streamchat.turns")


class Rounds:
    """Calls back in the loop's next round; a call that fails is logged, and keeps nobody else from being called.

    When many streams are due at once, all are presented and then all are sent: turn by turn, each of the two would
    find the other's code in the processor's caches, and a frame would cost a tenth more.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._calls: list[Callable[[], None]] = []
        self._last_calls: list[Callable[[], None]] = []
        self._is_awaited = False
        self._is_on = False

    def call(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` in the next round, in the order of these calls."""
        self._calls.append(callback)
        if not self._is_awaited:
            self._await()

    def call_last(self, callback: Callable[[], None]) -> None:
        """Call it at the end of the round that is on, or of the next one when none is."""
        self._last_calls.append(callback)
        if not (self._is_on or self._is_awaited):
            self._await()

    def begin(self) -> None:
        """A round is on, of whoever calls this: ``finish`` has to follow before the loop goes on."""
        self._is_on = True

    def finish(self) -> None:
        """Make the calls that were to come last."""
        self._is_on = False
        calls, self._last_calls = self._last_calls, []
        _call_all(calls)

    def _await(self) -> None:
        self._is_awaited = True
        self._loop.call_soon(self._make)

    def _make(self) -> None:
        self._is_awaited = False
        calls, self._calls = self._calls, []
        self.begin()
        try:
            _call_all(calls)
        finally:
            self.finish()


def _call_all(calls: list[Callable[[], None]]) -> None:
    for call in calls:
        try:
            call()
        except (KeyboardInterrupt, SystemExit):
            raise  # the loop ends
        except BaseException:
            _logger.exception("what a stream had to do has failed")
