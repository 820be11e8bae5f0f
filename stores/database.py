"""The one connection pool, and the only place that knows which database is behind it.

SQLite is opened for many readers beside one writer (WAL); PostgreSQL through psycopg. Knows no profile,
conversation or token.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any, Final

from sqlalchemy import URL, Table, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from streamchat.stores.database_url import is_sqlite, is_temporary, parse_database_url
from streamchat.stores.missing_columns import add_missing_columns
from streamchat.stores.schema import profiles, tables
from streamchat.stores.sqlite_file import prepare_connections, prepare_file

# How long one piece of work may take, waiting for a connection included: a store must never hold a turn for longer.
# More than SQLite waits for a writer, so that the error says what it was.
WORK_SECONDS: Final = 10.0
PING_SECONDS: Final = 2.0

# Any fixed number that other programs in the same PostgreSQL are unlikely to lock.
_CREATION_LOCK: Final = 0x73747265616D


class StoreDown(Exception):
    """The database cannot be reached, is not open, or refused the work. Holds no SQL, no prompt and no answer."""


class Database:
    """A database that its stores borrow connections from. Belongs to the event loop that opened it."""

    def __init__(self, url: str) -> None:
        """Check the URL (InvalidDatabaseUrl) without touching the database."""
        self._url = parse_database_url(url)
        self._engine: AsyncEngine | None = None
        self._folder: TemporaryDirectory[str] | None = None
        self._ping: asyncio.Task[None] | None = None
        self._borrowers = 0
        self._nobody_borrows = asyncio.Event()
        self._nobody_borrows.set()

    def __str__(self) -> str:
        """The URL for a start-up line, without its password and its options, which may hold one too."""
        return self._url.set(drivername=self._url.get_backend_name(), query={}).render_as_string(hide_password=True)

    async def open(self) -> None:
        """Connect, and create the tables and columns that are absent. Raises StoreDown, and is closed again then."""
        self._engine = _engine(self._file_url())
        try:
            await self._create_tables()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Give every connection back. Closing twice is harmless."""
        if self._ping is not None and not self._ping.done():
            self._ping.cancel()
            await asyncio.wait([self._ping])
        engine, self._engine = self._engine, None
        if engine is not None:
            await self._wait_for_borrowers()
            await engine.dispose()
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.cleanup()

    async def ping(self) -> None:
        """Read something real within PING_SECONDS; StoreDown otherwise. Callers at the same time share one reading."""
        ping = self._ping
        if ping is None or ping.done():
            ping = self._ping = asyncio.create_task(self._read_something(), name="database ping")
            ping.add_done_callback(_take_result)
        # Only waited for, not cancelled: to cancel a query of a frozen PostgreSQL takes psycopg another ten seconds.
        done, _ = await asyncio.wait([ping], timeout=PING_SECONDS)
        if not done:
            raise StoreDown("the database did not answer in time")
        # Not self._ping: a caller that came after this reading and before this line has begun the next one.
        ping.result()

    @asynccontextmanager
    async def reading(self, limit_seconds: float = WORK_SECONDS) -> AsyncIterator[AsyncConnection]:
        """A connection to read from. Raises StoreDown."""
        with _store_down(), self._borrowing():
            async with asyncio.timeout(limit_seconds), self._opened().connect() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: everything in it happens, or nothing. Raises StoreDown."""
        with _store_down(), self._borrowing():
            writer = self._opened().execution_options(writes=True)
            async with asyncio.timeout(WORK_SECONDS), writer.begin() as connection:
                yield connection

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """An insert that can say what happens when the row is already there."""
        return sqlite.insert(table) if is_sqlite(self._url) else postgresql.insert(table)

    async def _read_something(self) -> None:
        async with self.reading(PING_SECONDS) as connection:
            await connection.execute(select(profiles.c.username).limit(1))

    @contextmanager
    def _borrowing(self) -> Iterator[None]:
        self._borrowers += 1
        self._nobody_borrows.clear()
        try:
            yield
        finally:
            self._borrowers -= 1
            if not self._borrowers:
                self._nobody_borrows.set()

    async def _wait_for_borrowers(self) -> None:
        # A connection that comes back to a pool which is no more is never closed.
        with suppress(TimeoutError):
            async with asyncio.timeout(PING_SECONDS):
                await self._nobody_borrows.wait()

    def _opened(self) -> AsyncEngine:
        if self._engine is None:
            raise StoreDown("the database is not open")
        return self._engine

    def _file_url(self) -> URL:
        if not is_temporary(self._url):
            return self._url
        # Not :memory:, which lives in one connection and is lost with it; a file behaves like the real thing.
        self._folder = TemporaryDirectory(prefix="streamchat-")
        return self._url.set(database=os.path.join(self._folder.name, "streamchat.db"))

    async def _create_tables(self) -> None:
        if is_sqlite(self._url):
            with _store_down():
                await asyncio.to_thread(prepare_file, str(self._opened().url.database))
        async with self.writing() as connection:
            if not is_sqlite(self._url):
                # Two gateways that start together would both find the tables absent.
                await connection.execute(select(func.pg_advisory_xact_lock(_CREATION_LOCK)))
            await connection.run_sync(tables.create_all)
            await connection.run_sync(add_missing_columns, tables)


def _engine(url: URL) -> AsyncEngine:
    """A pool for this URL, with parameters hidden: error texts would otherwise carry prompts into the log."""
    options: dict[str, Any] = {"json_serializer": partial(json.dumps, ensure_ascii=False)}
    if not is_sqlite(url):
        # A name for whoever looks into pg_stat_activity; a URL that gives another one wins.
        name = {"application_name": "streamchat"} if "application_name" not in url.query else {}
        options |= {"pool_pre_ping": True, "pool_timeout": WORK_SECONDS, "connect_args": name}
    engine = create_async_engine(url, hide_parameters=True, **options)
    if is_sqlite(url):
        prepare_connections(engine)
    return engine


def _take_result(ping: asyncio.Task[None]) -> None:
    # Whoever waited has left; an error that nobody takes would be logged as lost.
    if not ping.cancelled():
        ping.exception()


@contextmanager
def _store_down() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise StoreDown(f"the database refused: {_first_line(error.orig)}") from error
    except sqlite3.Error as error:
        raise StoreDown(f"the database refused: {error}") from error
    except TimeoutError as error:
        raise StoreDown("the database did not answer in time") from error
    except PoolTimeout as error:
        raise StoreDown("every database connection is busy") from error
    except OSError as error:
        raise StoreDown(f"the database cannot be opened: {error}") from error


def _first_line(error: BaseException | None) -> str:
    # PostgreSQL's further lines (DETAIL, CONTEXT) quote the row.
    return (str(error).splitlines() or ["no reason given"])[0]
