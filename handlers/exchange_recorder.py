"""Writes each finished turn into its conversation. An observer: an answer never waits for it, or fails with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from streamchat.stores.conversations import ConversationStore, Exchange
from streamchat.stores.database import StoreDown
from streamchat.turns.events import Answer, Text
from streamchat.turns.observer import Delivery, Stage
from streamchat.turns.turn import Turn

ATTEMPTS = 3
RETRY_SECONDS = 0.5
# One transaction takes what has come together while the one before was written: a commit costs more than its rows.
MAX_BATCH = 200
# A store that is down for long must not fill the memory.
MAX_WAITING = 5_000
MAX_WAITING_CHARACTERS = 64_000_000
CLOSE_SECONDS = 10.0
SETTLE_SECONDS = 1.0

_logger = logging.getLogger("streamchat.conversations")


class ExchangeRecorder:
    """Owns what is not yet written. ``count_lost`` is called for each exchange that could not be kept."""

    def __init__(self, conversations: ConversationStore, count_lost: Callable[[], None]) -> None:
        self._conversations = conversations
        self._count_lost = count_lost
        self._waiting: list[Exchange] = []
        self._batch: list[Exchange] = []
        self._batch_done = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None

    def stage_left(self, turn: Turn, stage: Stage, seconds: float) -> None:
        """Nothing is recorded of a stage."""

    def delivered(self, turn: Turn, delivery: Delivery) -> None:
        """Nothing is recorded of a reader."""

    def turn_ended(self, turn: Turn) -> None:
        """Keep the exchange, in the order of the ends."""
        exchange = _exchange(turn)
        if len(self._waiting) >= MAX_WAITING or self._characters_waiting() > MAX_WAITING_CHARACTERS:
            self._lose([exchange], "too much waits to be written")
            return
        self._waiting.append(exchange)
        if self._writer is None:
            self._writer = asyncio.create_task(self._write(), name="record exchanges")

    def _characters_waiting(self) -> int:
        return sum(len(exchange.answer) + len(exchange.message) for exchange in self._waiting)

    async def settled(self, owner: str, conversation_id: str) -> None:
        """Wait until what was asked before is written: the next question's history must have it.

        But for no longer than SETTLE_SECONDS: a store that is stuck must not hold up an answer.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_SECONDS):
                while self._has(owner, conversation_id):
                    await self._batch_done.wait()

    def _has(self, owner: str, conversation_id: str) -> bool:
        return any(
            exchange.conversation_id == conversation_id and exchange.owner == owner
            for exchange in (*self._batch, *self._waiting)
        )

    async def close(self) -> None:
        """Wait for the writes that are under way, but not for a store that does not answer."""
        if self._writer is not None:
            await asyncio.wait([self._writer], timeout=CLOSE_SECONDS)
        if self._writer is not None:
            self._writer.cancel()
            self._lose([*self._batch, *self._waiting], "the server was stopped")

    async def _write(self) -> None:
        try:
            while self._waiting:
                self._batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
                await self._keep(self._batch)
                self._turn_the_page()
        finally:
            self._turn_the_page()
            self._writer = None

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


def _exchange(turn: Turn) -> Exchange:
    assert turn.ended is not None
    facts = (entry.fact for entry in turn.log.read(0))
    return Exchange(
        conversation_id=turn.query.conversation_id,
        owner=turn.owner,
        profile=turn.query.username,
        message=turn.query.message,
        answer="".join(fact.text for fact in facts if isinstance(fact, Answer | Text)),
        status=turn.ended.cause,
        stream_id=turn.id,
        created_at=datetime.now(UTC),
    )
