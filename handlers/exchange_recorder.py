"""Writes each finished turn into its conversation. An observer: an answer never waits for it, or fails with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain

from streamchat.stores.conversations import ConversationStore, Exchange
from streamchat.stores.database import StoreDown
from streamchat.turns.events import Answer, Text
from streamchat.turns.observer import Delivery, Stage
from streamchat.turns.turn import Turn

ATTEMPTS = 3
RETRY_SECONDS = 0.5
# Exchanges are gathered for so long before they are written: a transaction costs as much as dozens of its rows. It is
# also what a crash of the process may lose.
GATHER_SECONDS = 0.25
MAX_BATCH = 200
# A store that is down for long must not fill the memory.
MAX_WAITING = 5_000
MAX_WAITING_CHARACTERS = 64_000_000
CLOSE_SECONDS = 10.0
SETTLE_SECONDS = 1.0

# A union written where it is used would be made anew for each piece of an answer.
_SAID = (Answer, Text)

_logger = logging.getLogger("streamchat.conversations")


class ExchangeRecorder:
    """Owns what is not yet written. ``count_lost`` is called for each exchange that could not be kept."""

    def __init__(self, conversations: ConversationStore, count_lost: Callable[[], None]) -> None:
        self._conversations = conversations
        self._count_lost = count_lost
        self._waiting: list[Exchange] = []
        self._waiting_characters = 0
        self._batch: list[Exchange] = []
        self._batch_done = asyncio.Event()
        self._hurry = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None

    def stage_left(self, turn: Turn, stage: Stage, seconds: float) -> None:
        """Nothing is recorded of a stage."""

    def delivered(self, turn: Turn, delivery: Delivery) -> None:
        """Nothing is recorded of a reader."""

    def turn_ended(self, turn: Turn) -> None:
        """Keep the exchange, in the order of the ends."""
        exchange = _exchange(turn)
        if len(self._waiting) >= MAX_WAITING or self._waiting_characters > MAX_WAITING_CHARACTERS:
            self._lose([exchange], "too much waits to be written")
            return
        self._waiting.append(exchange)
        self._waiting_characters += _characters(exchange)
        if self._writer is None:
            self._writer = asyncio.create_task(self._write(), name="record exchanges")

    async def settled(self, owner: str, conversation_id: str | None = None) -> None:
        """Have written at once what was asked before in this conversation (None: in any of the owner's).

        The next question's history must have it, and whoever reads a conversation. But nobody waits for longer than
        SETTLE_SECONDS: a store that is stuck must not hold up an answer.
        """
        if not self._has(owner, conversation_id):
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_SECONDS):
                while self._has(owner, conversation_id):
                    self._hurry.set()
                    await self._batch_done.wait()

    def _has(self, owner: str, conversation_id: str | None) -> bool:
        return any(
            exchange.owner == owner and conversation_id in (None, exchange.conversation_id)
            for exchange in chain(self._batch, self._waiting)
        )

    async def close(self) -> None:
        """Have written what waits and wait for it, but not for a store that does not answer."""
        self._hurry.set()
        if self._writer is not None:
            await asyncio.wait([self._writer], timeout=CLOSE_SECONDS)
        if self._writer is not None:
            self._writer.cancel()
            self._lose([*self._batch, *self._waiting], "the server was stopped")

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
        if len(self._waiting) < MAX_BATCH:
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHER_SECONDS):
                    await self._hurry.wait()

    def _take_batch(self) -> None:
        self._batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
        self._waiting_characters -= sum(map(_characters, self._batch))
        if not self._waiting:
            # Whatever the haste was about is in this batch.
            self._hurry.clear()

    def _turn_the_page(self) -> None:
        self._batch = []
        self._batch_done.set()
        self._batch_done.clear()

    async def _keep(self, batch: Sequence[Exchange]) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self._conversations.add(*batch)
            except StoreDown as error:
                if attempt == ATTEMPTS:
                    self._lose(batch, str(error))
                    return
                await asyncio.sleep(RETRY_SECONDS * attempt)
            except Exception:
                _logger.exception("exchanges can't be written")
                self._lose(batch, "see above")
                return
            else:
                return

    def _lose(self, batch: Sequence[Exchange], reason: str) -> None:
        for exchange in batch:
            self._count_lost()
            _logger.error("exchange of turn %s is lost: %s", exchange.stream_id, reason)


def _characters(exchange: Exchange) -> int:
    return len(exchange.answer) + len(exchange.message)


def _exchange(turn: Turn) -> Exchange:
    assert turn.ended is not None
    facts = (entry.fact for entry in turn.log.read(0))
    return Exchange(
        conversation_id=turn.query.conversation_id,
        owner=turn.owner,
        profile=turn.query.username,
        message=turn.query.message,
        answer="".join([fact.text for fact in facts if isinstance(fact, _SAID)]),
        status=turn.ended.cause,
        stream_id=turn.id,
        created_at=datetime.now(UTC),
    )
