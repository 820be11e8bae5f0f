"""One turn's work at its executor: handed over, interrupted, returned. Knows no log and no end.

It keeps no job, which would keep it: whoever calls says whose work it is.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from streamchat.turns.executor import Executor
from streamchat.turns.work_queue import Job


class Work:
    """``returned`` is called once, when the function is over; ``has_returned`` from then on."""

    __slots__ = ("_executor", "_is_submitted", "_returned", "has_returned")

    def __init__(self, executor: Executor) -> None:
        self.has_returned = False
        self._executor = executor
        self._is_submitted = False
        self._returned: asyncio.Future[None] | None = None  # somebody waits for it

    def submit(self, job: Job) -> None:
        """Hand the job to the executor; TooBusy when there is no room, and nothing has happened."""
        self._executor.submit(job)
        self._is_submitted = True

    def interrupt(self, job: Job) -> None:
        """Make it stop as far as that is possible; nobody waits for it."""
        self._executor.interrupt(job)

    async def stop(self, job: Job, seconds: float) -> None:
        """Make it stop, and wait up to ``seconds`` until it has. What was never handed over has nothing to stop."""
        if not self._is_submitted:
            return
        self._returned = asyncio.get_running_loop().create_future()
        self._executor.interrupt(job)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                if not self.has_returned:
                    await self._returned

    def returned(self) -> None:
        """The function is over."""
        self.has_returned = True
        if self._returned is not None and not self._returned.done():
            self._returned.set_result(None)
