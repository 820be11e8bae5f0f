from __future__ import annotations

import sys

import pytest

from streamchat.stores.database_url import InvalidDatabaseUrl, is_temporary, parse_database_url


@pytest.mark.parametrize(
    ("given", "driver", "database"),
    [
        ("sqlite:///streamchat.db", "sqlite+aiosqlite", "streamchat.db"),
        ("sqlite:////var/lib/streamchat.db", "sqlite+aiosqlite", "/var/lib/streamchat.db"),
        ("sqlite+aiosqlite:///a.db", "sqlite+aiosqlite", "a.db"),
        ("postgresql://ada:secret@db:5432/chat", "postgresql+psycopg", "chat"),
        ("postgresql+psycopg://db/chat", "postgresql+psycopg", "chat"),
        ("postgres://db/chat", "postgresql+psycopg", "chat"),
    ],
)
def test_the_driver_that_asyncio_needs_is_filled_in(given: str, driver: str, database: str) -> None:
    url = parse_database_url(given)
    assert (url.drivername, url.database) == (driver, database)


@pytest.mark.parametrize("given", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_sqlite_without_a_file_is_temporary(given: str) -> None:
    assert is_temporary(parse_database_url(given))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("", "cannot be read"),
        ("streamchat.db", "cannot be read"),
        ("postgresql://db:port/chat", "cannot be read"),
        ("mysql://db/chat", "not mysql://"),
        ("postgresql+asyncpg://db/chat", "not postgresql\\+asyncpg://"),
        ("sqlite://streamchat.db", "three slashes"),
        ("sqlite:///streamchat.db?mode=ro", "no options"),
        ("sqlite:///a\0b", "U\\+0000"),
    ],
)
def test_an_impossible_url_is_one_clear_error(given: str, sentence: str) -> None:
    with pytest.raises(InvalidDatabaseUrl, match=sentence):
        parse_database_url(given)


def test_the_error_does_not_tell_the_password() -> None:
    with pytest.raises(InvalidDatabaseUrl) as caught:
        parse_database_url("postgresql://ada:hunter2@db:port/chat")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_postgresql_without_its_driver_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(InvalidDatabaseUrl, match=r"pip install 'streamchat\[postgres\]'"):
        parse_database_url("postgresql://db/chat")
