from __future__ import annotations

import pytest
from sqlalchemy import text

from streamchat.stores.database import Database
from streamchat.stores.tokens import Caller, TokenStore, hash_of

# The table as the first version made it.
OLD = "CREATE TABLE tokens (name TEXT NOT NULL PRIMARY KEY, secret_hash TEXT NOT NULL UNIQUE, created_at {} NOT NULL)"


async def with_an_old_table(url: str) -> None:
    database = Database(url)
    await database.open()
    async with database.writing() as connection:
        moment = "DATETIME" if connection.dialect.name == "sqlite" else "TIMESTAMP WITH TIME ZONE"
        await connection.execute(text("DROP TABLE tokens"))
        await connection.execute(text(OLD.format(moment)))
        await connection.execute(text(_old_row("ada", "secret")))
    await database.close()


def _old_row(name: str, secret: str) -> str:
    """What a server of the first version writes."""
    return (
        "INSERT INTO tokens (name, secret_hash, created_at) "
        f"VALUES ('{name}', '{hash_of(secret)}', '2026-11-02 12:00:00.000000')"
    )


@pytest.mark.gen_test
async def test_a_database_from_before_works_and_its_tokens_are_no_admins(database_url: str) -> None:
    await with_an_old_table(database_url)
    database = Database(database_url)
    await database.open()
    store = TokenStore(database)
    assert await store.caller_of("secret") == Caller(name="ada", is_admin=False)
    ops = await store.create("ops", is_admin=True)
    assert await store.caller_of(ops) == Caller(name="ops", is_admin=True)
    await database.close()


@pytest.mark.gen_test
async def test_a_server_of_the_older_version_beside_this_one_can_still_write(database_url: str) -> None:
    await with_an_old_table(database_url)
    database = Database(database_url)
    await database.open()
    async with database.writing() as connection:
        await connection.execute(text(_old_row("bob", "other")))
    assert await TokenStore(database).caller_of("other") == Caller(name="bob", is_admin=False)
    await database.close()


@pytest.mark.gen_test
async def test_opening_twice_adds_nothing_twice(database_url: str) -> None:
    await with_an_old_table(database_url)
    for _ in range(2):
        database = Database(database_url)
        await database.open()
        assert [record.name for record in await TokenStore(database).list()] == ["ada"]
        await database.close()
