from __future__ import annotations

from datetime import UTC

import pytest
from sqlalchemy import text

from streamchat.stores.database import Database
from streamchat.stores.tokens import Caller, InvalidToken, TokenExists, TokenStore, hash_of


async def name_of(store: TokenStore, secret: str) -> str | None:
    caller = await store.caller_of(secret)
    return None if caller is None else caller.name


@pytest.mark.gen_test
async def test_a_token_opens_the_door_for_its_caller_until_it_is_revoked(database: Database) -> None:
    store = TokenStore(database)
    ada, bob = await store.create("ada"), await store.create("bob")
    assert (await name_of(store, ada), await name_of(store, bob)) == ("ada", "bob")
    assert await store.revoke("ada") is True
    assert await store.revoke("ada") is False
    assert (await name_of(store, ada), await name_of(store, bob)) == (None, "bob")


@pytest.mark.gen_test
async def test_a_name_is_used_once_and_free_again_after_revoking(database: Database) -> None:
    store = TokenStore(database)
    first = await store.create("ada")
    with pytest.raises(TokenExists, match="ada"):
        await store.create("ada")
    assert await name_of(store, first) == "ada"
    await store.revoke("ada")
    second = await store.create("ada")
    assert second != first
    assert (await name_of(store, first), await name_of(store, second)) == (None, "ada")


@pytest.mark.gen_test
async def test_the_list_has_names_and_times_oldest_first_and_no_secret(database: Database) -> None:
    store = TokenStore(database)
    for name in ("小明", "ada", "b-2"):
        await store.create(name)
    records = await store.list()
    assert [record.name for record in records] == ["小明", "ada", "b-2"]
    assert {record.created_at.tzinfo for record in records} == {UTC}


@pytest.mark.gen_test
async def test_a_token_is_an_admins_only_when_it_is_made_so(database: Database) -> None:
    store = TokenStore(database)
    ops, ada = await store.create("ops", is_admin=True), await store.create("ada")
    assert await store.caller_of(ops) == Caller(name="ops", is_admin=True)
    assert await store.caller_of(ada) == Caller(name="ada", is_admin=False)
    assert {record.name: record.is_admin for record in await store.list()} == {"ops": True, "ada": False}


@pytest.mark.gen_test
async def test_the_database_holds_a_hash_and_not_the_secret(database: Database) -> None:
    secret = await TokenStore(database).create("ada")
    async with database.reading() as connection:
        (row,) = (await connection.execute(text("SELECT * FROM tokens"))).all()
    assert hash_of(secret) in row
    assert secret not in str(row)


@pytest.mark.gen_test
async def test_a_strange_secret_is_nobodys(database: Database) -> None:
    store = TokenStore(database)
    secret = await store.create("ada")
    for strange in ("", "\0", "\ud800", "é", "x" * 1_000_000, secret[:-1], secret + "\0", hash_of(secret)):
        assert await name_of(store, strange) is None


@pytest.mark.parametrize("name", ["", " ", "a b", "a=b", "a\n", "a\0", "\ud800", "a\u2028", "x" * 65])
@pytest.mark.gen_test
async def test_a_name_that_would_spoil_a_log_line_is_refused(tmp_path: object, name: str) -> None:
    database = Database(f"sqlite:///{tmp_path}/streamchat.db")
    await database.open()
    with pytest.raises(InvalidToken, match="caller's name"):
        await TokenStore(database).create(name)
    assert await TokenStore(database).revoke(name) is False
    await database.close()
