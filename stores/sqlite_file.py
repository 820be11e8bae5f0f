"""How this project uses SQLite: a private file, many readers beside one writer. Knows no table.

https://www.sqlite.org/wal.html, https://www.sqlite.org/lang_transaction.html
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from typing import Any, Final

from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine

# How long SQLite waits for another writer.
BUSY_SECONDS: Final = 5.0

_RETRY_SECONDS: Final = 0.01


def prepare_file(path: str) -> None:
    """Create the file if it is absent, and put it into WAL mode, which it keeps. Blocks: call it in a thread.

    The file is for its owner's eyes only, because it holds conversations; SQLite makes its side files alike.
    Raises OSError or sqlite3.Error.
    """
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    give_up_at = time.monotonic() + BUSY_SECONDS
    with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
        while not _switch_to_wal(connection, give_up_at):
            time.sleep(_RETRY_SECONDS)


def prepare_connections(engine: AsyncEngine) -> None:
    """Make every connection of the pool wait for writers, check foreign keys, and begin as it was asked to."""
    event.listen(engine.sync_engine, "connect", _prepare_connection)
    event.listen(engine.sync_engine, "begin", _begin)


def _switch_to_wal(connection: sqlite3.Connection, give_up_at: float) -> bool:
    # Two that switch a new file at the same moment get "locked" at once: SQLite does not wait here by itself.
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
            raise
        return False
    return True


def _prepare_connection(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own class
    # Python's driver would begin transactions by itself, and only before a write: too late for a consistent read.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")
    cursor.execute("PRAGMA foreign_keys = ON")
    # With WAL this cannot corrupt the file; a power loss may cost the last exchanges (sqlite.org, pragma synchronous).
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()


def _begin(connection: Connection) -> None:
    # A reader that turns writer fails at once when another wrote meanwhile; a writer from the start waits its turn.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
