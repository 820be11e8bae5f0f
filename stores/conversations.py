"""Conversations: what was asked and answered, by owner. Knows no stream and no HTTP.

A conversation is keyed by (owner, conversation_id): the same id in another caller's hands is another conversation.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, get_args

from sqlalchemy import ColumnElement, Select, and_, delete, func, select

from streamchat.stores.database import Database
from streamchat.stores.schema import exchanges
from streamchat.stores.text import is_key, require_key, storable

Status = Literal["complete", "cancelled", "error", "timeout"]

# The most rows that one call reads, whatever it asks for.
MAX_ROWS: Final = 1_000
# A conversation is listed under the start of its first message, in characters.
TITLE_CHARACTERS: Final = 80

_STATUSES: Final = get_args(Status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One question and what became of it. Raises ValueError for a key, status or time that cannot be stored."""

    conversation_id: str
    owner: str
    profile: str
    message: str
    answer: str
    status: Status
    stream_id: str
    created_at: datetime

    def __post_init__(self) -> None:
        """Check what rows are found by; the texts are made storable when they are added."""
        for name in ("conversation_id", "owner", "profile", "stream_id"):
            require_key(name, getattr(self, name))
        if self.status not in _STATUSES:
            raise ValueError(f"status must be one of {', '.join(_STATUSES)}")
        if self.created_at.tzinfo is None:
            raise ValueError("created_at must have a time zone")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationSummary:
    """A line in the list of conversations. `profile` and `updated_at` are those of the latest exchange."""

    conversation_id: str
    profile: str
    title: str
    exchanges: int
    created_at: datetime
    updated_at: datetime


class ConversationStore:
    """The conversations in the database. Every method may raise StoreDown; an impossible key finds nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def history(self, owner: str, conversation_id: str, limit: int = 50) -> list[dict[str, str]]:
        """The newest `limit` answered exchanges as `{"role", "content"}` messages, oldest first."""
        answered = await _read(self._database, owner, conversation_id, limit, exchanges.c.answer != "")
        return [message for exchange in answered for message in _messages(exchange)]

    async def add(self, *kept: Exchange) -> None:
        """Keep the exchanges, all or none. The first one of a stream stays; adding it again changes nothing."""
        stream = [exchanges.c.owner, exchanges.c.stream_id]
        insert = self._database.insert(exchanges).on_conflict_do_nothing(index_elements=stream)
        async with self._database.writing() as connection:
            await connection.execute(insert, [_row(exchange) for exchange in kept])

    async def get(self, owner: str, conversation_id: str, limit: int = MAX_ROWS) -> list[Exchange]:
        """The newest `limit` exchanges, oldest first; empty if the owner has no such conversation."""
        return await _read(self._database, owner, conversation_id, limit)

    async def list(self, owner: str, limit: int = 50, before: datetime | None = None) -> list[ConversationSummary]:
        """The owner's conversations, the latest first; `before`: only those last updated before that moment."""
        if not is_key(owner):
            return []
        query = _summaries(owner, before).limit(_rows(limit))
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [ConversationSummary(**row) for row in rows]

    async def remove(self, owner: str, conversation_id: str) -> bool:
        """Whether the owner had such a conversation."""
        if not (is_key(owner) and is_key(conversation_id)):
            return False
        async with self._database.writing() as connection:
            removed = await connection.execute(delete(exchanges).where(_key(owner, conversation_id)))
        return removed.rowcount > 0


def _row(exchange: Exchange) -> dict[str, Any]:
    row = {name: getattr(exchange, name) for name in Exchange.__slots__}
    return row | {"message": storable(exchange.message), "answer": storable(exchange.answer)}


async def _read(
    database: Database, owner: str, conversation_id: str, limit: int, *conditions: ColumnElement[bool]
) -> list[Exchange]:
    if not (is_key(owner) and is_key(conversation_id)):
        return []
    columns = [column for column in exchanges.c if column.name != "number"]
    query = select(*columns).where(_key(owner, conversation_id), *conditions).limit(_rows(limit))
    newest_first = query.order_by(exchanges.c.created_at.desc(), exchanges.c.number.desc())
    async with database.reading() as connection:
        rows = (await connection.execute(newest_first)).mappings().all()
    return [Exchange(**row) for row in reversed(rows)]


def _key(owner: str, conversation_id: str) -> ColumnElement[bool]:
    return and_(exchanges.c.owner == owner, exchanges.c.conversation_id == conversation_id)


def _rows(limit: int) -> int:
    # A negative limit is no limit to SQLite, and one beyond 63 bits is an error.
    return min(max(limit, 0), MAX_ROWS)


def _messages(exchange: Exchange) -> tuple[dict[str, str], dict[str, str]]:
    return {"role": "user", "content": exchange.message}, {"role": "assistant", "content": exchange.answer}


def _summaries(owner: str, before: datetime | None) -> Select[Any]:
    """One row a conversation, with the columns of ConversationSummary."""
    conversation, moments = exchanges.c.conversation_id, (exchanges.c.created_at, exchanges.c.number)
    rank, latest_first = func.row_number(), [moment.desc() for moment in moments]
    ranked = (
        select(
            conversation,
            exchanges.c.profile,
            # Cut here: the database carries these rows through two sorts.
            func.substr(exchanges.c.message, 1, TITLE_CHARACTERS).label("title"),
            *moments,
            rank.over(partition_by=conversation, order_by=moments).label("from_first"),
            rank.over(partition_by=conversation, order_by=latest_first).label("from_last"),
        )
        .where(exchanges.c.owner == owner)
        .subquery()
    )
    updated_at = func.max(ranked.c.created_at)
    query = (
        select(
            ranked.c.conversation_id,
            func.max(ranked.c.profile).filter(ranked.c.from_last == 1).label("profile"),
            func.max(ranked.c.title).filter(ranked.c.from_first == 1).label("title"),
            func.count().label("exchanges"),
            func.min(ranked.c.created_at).label("created_at"),
            updated_at.label("updated_at"),
        )
        .group_by(ranked.c.conversation_id)
        .order_by(updated_at.desc(), func.max(ranked.c.number).desc())
    )
    return query if before is None else query.having(updated_at < before)
