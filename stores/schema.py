"""The tables, the same on SQLite and PostgreSQL. Knows no connection and no query."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment in UTC, in and out.

    SQLite gives naive times back and PostgreSQL the session's zone; nobody outside this room should have to know.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Into the database: UTC. A naive time is a mistake in our code."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time must have a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Out of the database: UTC, whatever the driver thinks."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


tables: Final = MetaData()

profiles: Final = Table(
    "profiles",
    tables,
    Column("username", Text, primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("system_prompt", Text, nullable=False),
    Column("posts", JSON, nullable=False),
    Column("suggestions", JSON, nullable=False),
    Column("settings", JSON, nullable=False),
)

exchanges: Final = Table(
    "exchanges",
    tables,
    # SQLite numbers rows by itself only when the column is called INTEGER.
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("owner", Text, nullable=False),
    Column("conversation_id", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("stream_id", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("owner", "stream_id", name="exchanges_once_per_stream"),
    Index("exchanges_by_conversation", "owner", "conversation_id", "created_at"),
)

tokens: Final = Table(
    "tokens",
    tables,
    Column("name", Text, primary_key=True),
    Column("secret_hash", Text, nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    # A column that came later has a default: rows from before need one, and so does an older server beside this one.
    Column("is_admin", Boolean, nullable=False, server_default=false()),
)

turn_records: Final = Table(
    "turn_records",
    tables,
    # Its own, and not the stream's: a record must not lead to the question that was asked.
    Column("record_id", Text, primary_key=True),
    Column("asked_at", UtcDateTime, nullable=False),
    # The UTC day of asked_at, because the two databases have no function for it in common.
    Column("day", Date, nullable=False),
    Column("door", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Column("caller", Text, nullable=False),
    Column("lang", Text, nullable=False),
    Column("pace", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("accepted_seconds", Float),
    Column("queued_seconds", Float),
    Column("processing_seconds", Float),
    Column("streaming_seconds", Float),
    Column("total_seconds", Float, nullable=False),
    Column("first_frame_seconds", Float),
    Column("first_answer_seconds", Float),
    Column("characters", Integer, nullable=False),
    Column("chunks", Integer, nullable=False),
    Column("characters_per_second", Float),
    Index("turn_records_by_time", "asked_at"),
    Index("turn_records_by_caller", "caller", "asked_at"),
)
