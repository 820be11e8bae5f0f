"""Writes each finished turn into its conversation. An observer: an answer never waits for it, or fails with it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from streamchat.handlers.batch_writer import BatchRules, BatchWriter
from streamchat.stores.conversations import ConversationStore, Exchange
from streamchat.turns.attachment import note_of
from streamchat.turns.events import said_in
from streamchat.turns.observer import Delivery, Stage
from streamchat.turns.turn import Turn

_logger = logging.getLogger("streamchat.conversations")


class ExchangeRecorder:
    """An Observer. ``count_lost`` is called for each exchange that could not be kept."""

    def __init__(
        self, conversations: ConversationStore, count_lost: Callable[[], None], rules: BatchRules | None = None
    ) -> None:
        self._count_lost = count_lost
        self._exchanges: BatchWriter[Exchange] = BatchWriter(
            "exchanges", conversations.add, self._lose, characters_of=_characters, rules=rules or BatchRules()
        )

    def stage_left(self, turn: Turn, stage: Stage, seconds: float) -> None:
        """Nothing is recorded of a stage."""

    def delivered(self, turn: Turn, delivery: Delivery) -> None:
        """Nothing is recorded of a reader."""

    def turn_ended(self, turn: Turn) -> None:
        """Keep the exchange, in the order of the ends; unless its client keeps the conversation itself."""
        if turn.rules.is_kept:
            self._exchanges.put(_exchange(turn))

    async def settled(self, owner: str, conversation_id: str | None = None) -> None:
        """Have written at once what was asked before in this conversation (None: in any of the owner's).

        The next question's history must have it, and whoever reads a conversation; but see `BatchWriter.settled`.
        """
        await self._exchanges.settled(
            lambda exchange: exchange.owner == owner and conversation_id in (None, exchange.conversation_id)
        )

    async def close(self) -> None:
        """Have written what waits and wait for it, but not for a store that does not answer."""
        await self._exchanges.close()

    def _lose(self, exchange: Exchange, reason: str) -> None:
        self._count_lost()
        _logger.error("exchange of turn %s is lost: %s", exchange.stream_id, reason)


def _characters(exchange: Exchange) -> int:
    return len(exchange.answer) + len(exchange.message)


def _exchange(turn: Turn) -> Exchange:
    assert turn.ended is not None
    return Exchange(
        conversation_id=turn.query.conversation_id,
        owner=turn.owner,
        profile=turn.query.username,
        message="\n\n".join(filter(None, (turn.query.message, note_of(turn.query.attachments)))),
        answer="".join([said_in(fact) for _, fact in turn.log.read(0)]),
        status=turn.ended.cause,
        stream_id=turn.id,
        created_at=datetime.now(UTC),
    )
