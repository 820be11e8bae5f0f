"""What is kept of turns, for whoever reads it: with what waits to be written, which is written first.

So nobody misses the exchange that has just ended. See `BatchWriter.settled` for how long a stuck store is waited for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from streamchat.handlers.analytics_recorder import AnalyticsRecorder
from streamchat.handlers.exchange_recorder import ExchangeRecorder
from streamchat.stores.analytics import AnalyticsStore, By, Report
from streamchat.stores.conversations import ConversationStore, ConversationSummary, Exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptConversations:
    """Exchanges that have ended, by their owner and conversation; what is answered is as the store has it."""

    store: ConversationStore
    recorder: ExchangeRecorder

    async def get(self, owner: str, conversation_id: str) -> list[Exchange]:
        await self.recorder.settled(owner, conversation_id)
        return await self.store.get(owner, conversation_id)

    async def history(self, owner: str, conversation_id: str) -> list[dict[str, str]]:
        await self.recorder.settled(owner, conversation_id)
        return await self.store.history(owner, conversation_id)

    async def remove(self, owner: str, conversation_id: str) -> bool:
        await self.recorder.settled(owner, conversation_id)
        return await self.store.remove(owner, conversation_id)

    async def list(self, owner: str, limit: int) -> list[ConversationSummary]:
        await self.recorder.settled(owner)
        return await self.store.list(owner, limit=limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFigures:
    """Records of turns, by nothing that was said."""

    store: AnalyticsStore
    recorder: AnalyticsRecorder

    async def report(self, since: datetime, until: datetime, by: By, caller: str | None) -> Report:
        await self.recorder.settled()
        return await self.store.report(since, until, by, caller)
