"""A job without a turn: remembers what an executor tells it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import copy_context

from streamchat.turns.events import Ended, Fact, Notice, Queued, said_in
from streamchat.turns.query import Query


class RecordingJob:
    """Remembers everything; ``until`` waits for it. ``deadline`` is what ``started`` answers."""

    def __init__(self, message: str = "hello", deadline: float = 0.0) -> None:
        self.query = Query(message=message, username="ada")
        self.context = copy_context()
        self.deadline = deadline
        self.is_started = False
        self.facts: list[Fact] = []
        self.notices: list[Notice] = []
        self.ended: list[Ended] = []
        self._changed = asyncio.Event()

    def started(self) -> float:
        self.is_started = True
        self._changed.set()
        return self.deadline

    def record(self, fact: Fact) -> None:
        self.facts.append(fact)
        self._changed.set()

    def notify(self, notice: Notice) -> None:
        self.notices.append(notice)
        self._changed.set()

    def returned(self, ended: Ended) -> None:
        self.ended.append(ended)
        self._changed.set()

    async def until(self, is_so: Callable[[], object]) -> None:
        """Wait until something that this job was told makes it so."""
        while not is_so():
            self._changed.clear()
            await self._changed.wait()

    async def end(self) -> Ended:
        """Wait for the end; there is exactly one."""
        await self.until(lambda: self.ended)
        (ended,) = self.ended
        return ended

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(map(said_in, self.facts))

    @property
    def position(self) -> int | None:
        """The place in the queue it was last told."""
        queued = [notice for notice in self.notices if isinstance(notice, Queued)]
        return queued[-1].position if queued else None
