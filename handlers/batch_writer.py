"""Writes what observers note into a store, many at a time and behind everybody's back. Knows no turn and no store.

An answer never waits for it, or fails with it. What waits is bounded; what is lost is told one by one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import Generic, Protocol, TypeVar

from streamchat.stores.database import StoreDown

ATTEMPTS = 3
RETRY_SECONDS = 0.5
CLOSE_SECONDS = 10.0
SETTLE_SECONDS = 1.0
# Of the characters that may wait: with more, nothing is gathered any longer.
_HURRY_SHARE = 0.25

Record = TypeVar("Record")
_Written = TypeVar("_Written", contravariant=True)

_logger = logging.getLogger("streamchat.records")


class Adding(Protocol[_Written]):
    """How a store takes a batch: all of it or nothing, and the same batch again without harm. Raises StoreDown."""

    def __call__(self, *records: _Written) -> Awaitable[None]:
        """Keep the records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRules:
    """How long records are gathered (seconds), how many go into one transaction, and how much may wait.

    A transaction costs as much as dozens of its rows. What is being gathered is what a crash of the process may lose;
    a store that is down for long must not fill the memory.
    """

    gather_seconds: float = 0.25
    max_batch: int = 200
    max_waiting: int = 5_000
    max_waiting_characters: int = 64_000_000


class BatchWriter(Generic[Record]):
    """Owns what is not yet written. ``lose`` is told of each record that could not be kept, and why."""

    def __init__(
        self,
        name: str,
        add: Adding[Record],
        lose: Callable[[Record, str], None],
        *,
        characters_of: Callable[[Record], int] = lambda _: 0,
        rules: BatchRules,
    ) -> None:
        """``name`` is for tasks and the log; ``characters_of`` tells what a record weighs in memory."""
        self._name = name
        self._add = add
        self._lose = lose
        self._characters_of = characters_of
        self._rules = rules
        self._waiting: list[Record] = []
        self._waiting_characters = 0
        self._batch: list[Record] = []
        self._batch_done = asyncio.Event()
        self._hurry = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None

    def put(self, record: Record) -> None:
        """Have it written soon, in the order of the calls; lost at once when too much waits."""
        rules = self._rules
        if len(self._waiting) >= rules.max_waiting or self._waiting_characters > rules.max_waiting_characters:
            self._lose(record, "too much waits to be written")
            return
        self._waiting.append(record)
        self._waiting_characters += self._characters_of(record)
        if self._waiting_characters > rules.max_waiting_characters * _HURRY_SHARE:
            self._hurry.set()
        if self._writer is None:
            self._writer = asyncio.create_task(self._write(), name=f"record {self._name}")

    async def settled(self, is_awaited: Callable[[Record], bool]) -> None:
        """Have written at once the records that are here by now and that somebody waits for.

        Nobody waits for longer than SETTLE_SECONDS: a store that is stuck must not hold up an answer.
        """
        awaited = [record for record in chain(self._batch, self._waiting) if is_awaited(record)]
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_SECONDS):
                while self._has_any(awaited):
                    self._hurry.set()
                    await self._batch_done.wait()

    async def close(self) -> None:
        """Have written what waits and wait for it, but not for a store that does not answer."""
        self._hurry.set()
        if self._writer is not None:
            await asyncio.wait([self._writer], timeout=CLOSE_SECONDS)
        if self._writer is not None:
            self._writer.cancel()
            self._lose_all([*self._batch, *self._waiting], "the server was stopped")

    def _has_any(self, records: Sequence[Record]) -> bool:
        # By identity: what comes meanwhile may be equal, and is nobody's concern.
        left = {id(record) for record in chain(self._batch, self._waiting)}
        return any(id(record) in left for record in records)

    async def _write(self) -> None:
        try:
            while self._waiting:
                await self._gathered()
                self._take_batch()
                await self._keep(self._batch)
                self._turn_the_page()
        finally:
            self._turn_the_page()
            self._hurry.clear()
            self._writer = None

    async def _gathered(self) -> None:
        """Wait for more to come, unless there is a whole batch or somebody waits for what is there."""
        if len(self._waiting) < self._rules.max_batch:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._rules.gather_seconds):
                    await self._hurry.wait()

    def _take_batch(self) -> None:
        most = self._rules.max_batch
        self._batch, self._waiting = self._waiting[:most], self._waiting[most:]
        self._waiting_characters -= sum(map(self._characters_of, self._batch))
        if not self._waiting:
            # Whatever the haste was about is in this batch.
            self._hurry.clear()

    def _turn_the_page(self) -> None:
        self._batch = []
        self._batch_done.set()
        self._batch_done.clear()

    async def _keep(self, batch: Sequence[Record]) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self._add(*batch)
            except StoreDown as error:
                if attempt == ATTEMPTS:
                    self._lose_all(batch, str(error))
                    return
                await asyncio.sleep(RETRY_SECONDS * attempt)
            except Exception:
                _logger.exception("%s can't be written", self._name)
                self._lose_all(batch, "see above")
                return
            else:
                return

    def _lose_all(self, batch: Sequence[Record], reason: str) -> None:
        for record in batch:
            self._lose(record, reason)
