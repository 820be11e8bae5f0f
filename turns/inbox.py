"""What threads have for the loop, taken in together: one wake-up for many calls."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable


class Inbox:
    """Calls from any thread, made on the loop in their order."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._calls: deque[tuple[Callable[..., None], tuple[object, ...]]] = deque()
        self._is_awaited = False

    def call(self, callback: Callable[..., None], *arguments: object) -> None:
        """Have ``callback`` called soon; RuntimeError when the loop is closed."""
        self._calls.append((callback, arguments))
        # Two threads may both find it unset: then the loop looks once in vain. One that is closed refuses every call.
        if not self._is_awaited or self._loop.is_closed():
            self._is_awaited = True
            self._loop.call_soon_threadsafe(self._take_in)

    def _take_in(self) -> None:
        # Before the calls are taken: what comes from now on is awaited anew.
        self._is_awaited = False
        try:
            for _ in range(len(self._calls)):
                callback, arguments = self._calls.popleft()
                callback(*arguments)
        finally:
            # What has come meanwhile waits for the loop's next round; nor does a call that fails hold it back.
            if self._calls and not self._is_awaited:
                self._is_awaited = True
                self._loop.call_soon(self._take_in)
