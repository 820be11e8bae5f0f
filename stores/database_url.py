"""From the operator's database URL to the one that SQLAlchemy needs. Opens nothing."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

_DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


class InvalidDatabaseUrl(ValueError):
    """A database URL that can never work. The sentence never holds the URL: there may be a password in it."""


def parse_database_url(url: str) -> URL:
    """The URL with its asyncio driver: `sqlite:///file`, `sqlite://` (kept until close) or `postgresql://…`."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise InvalidDatabaseUrl(
            "the database URL cannot be read: write sqlite:///streamchat.db or postgresql://user@host/name"
        ) from None
    if parsed.drivername not in _DRIVERS:
        raise InvalidDatabaseUrl(
            f"the database URL must start with sqlite:/// or postgresql://, not {parsed.drivername}://"
        )
    if is_sqlite(parsed):
        _check_sqlite(parsed)
    else:
        _check_psycopg()
    return parsed.set(drivername=_DRIVERS[parsed.drivername])


def is_sqlite(url: URL) -> bool:
    """Whether the URL names SQLite."""
    return url.get_backend_name() == "sqlite"


def is_temporary(url: URL) -> bool:
    """Whether the URL asks for a database that nobody wants to keep."""
    return is_sqlite(url) and url.database in (None, "", ":memory:")


def _check_sqlite(url: URL) -> None:
    if url.host or url.username or url.port:
        raise InvalidDatabaseUrl("a SQLite URL has three slashes before the file: sqlite:///streamchat.db")
    if url.query:
        raise InvalidDatabaseUrl("a SQLite URL takes no options: write sqlite:///streamchat.db")
    if "\0" in (url.database or ""):
        raise InvalidDatabaseUrl("the file in a SQLite URL cannot have U+0000 in its name")


def _check_psycopg() -> None:
    # An extra of the package; it also fails to be imported where it finds no libpq.
    try:
        import_module("psycopg")
    except ImportError as error:
        raise InvalidDatabaseUrl(
            f"PostgreSQL needs a driver that cannot be loaded ({error}): pip install 'streamchat[postgres]'"
        ) from error
