from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete, insert

from streamchat.stores import schema
from streamchat.stores.callers import (
    CACHE_SECONDS,
    MAX_CACHED,
    Callers,
    name_callers,
    parse_token,
    read_tokens_file,
)
from streamchat.stores.database import Database, StoreDown
from streamchat.stores.tokens import Caller, InvalidToken, TokenStore, hash_of

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is told."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


async def name_of(callers: Callers, secret: str) -> str | None:
    caller = await callers.caller_of(secret)
    return None if caller is None else caller.name


@pytest.fixture
def tokens(tmp_path: Path, io_loop: object) -> TokenStore:
    """A token table that is not open: whatever needs it fails."""
    return TokenStore(Database(f"sqlite:///{tmp_path}/streamchat.db"))


@pytest.mark.gen_test
async def test_a_configured_token_needs_no_database(tokens: TokenStore) -> None:
    callers = Callers({"one": "ada", "zwei-ü-中": "bob"}, tokens)
    assert await name_of(callers, "one") == "ada"
    assert await name_of(callers, "zwei-ü-中") == "bob"


@pytest.mark.gen_test
async def test_a_configured_token_is_an_admins_when_its_name_is_among_them(tokens: TokenStore) -> None:
    callers = Callers({"one": "ada", "two": "bob", "three": "ada"}, tokens, admins=["ada"])
    assert [await callers.caller_of(secret) for secret in ("one", "two", "three")] == [
        Caller(name="ada", is_admin=True),
        Caller(name="bob", is_admin=False),
        Caller(name="ada", is_admin=True),
    ]


@pytest.mark.gen_test
async def test_a_created_token_is_an_admins_when_it_was_made_so_whoever_is_configured(database: Database) -> None:
    store = TokenStore(database)
    callers = Callers({"one": "ada"}, store, admins=["ada"])
    for name, is_admin in (("ops", True), ("ada", False)):
        secret = await store.create(name, is_admin=is_admin)
        # Asked twice: the second answer comes from the cache.
        assert [(await callers.caller_of(secret)) for _ in range(2)] == [Caller(name=name, is_admin=is_admin)] * 2


@pytest.mark.gen_test
async def test_another_token_is_looked_up_and_a_broken_table_is_told(tokens: TokenStore) -> None:
    with pytest.raises(StoreDown):
        await name_of(Callers({"one": "ada"}, tokens), "two")


@pytest.mark.gen_test
async def test_no_strange_secret_is_anybodys(database: Database) -> None:
    callers = Callers({"one": "ada"}, TokenStore(database))
    for secret in ("", "One", "one ", "on", "ones", "\0", "\ud800", "ö" * 100_000):
        assert await name_of(callers, secret) is None


@pytest.mark.gen_test
async def test_a_created_token_is_known_at_once_and_forgotten_soon(database: Database) -> None:
    store, clock = TokenStore(database), Clock()
    callers = Callers({}, store, clock)
    secret = await store.create("ada")
    assert await name_of(callers, secret) == "ada"
    await store.revoke("ada")
    clock.seconds += CACHE_SECONDS / 2
    assert await name_of(callers, secret) == "ada"
    clock.seconds += CACHE_SECONDS / 2
    assert await name_of(callers, secret) is None


@pytest.mark.gen_test
async def test_being_asked_often_does_not_keep_a_revoked_token_alive(database: Database) -> None:
    store, clock = TokenStore(database), Clock()
    callers = Callers({}, store, clock)
    secret = await store.create("ada")
    assert await name_of(callers, secret) == "ada"
    await store.revoke("ada")
    answers = []
    for _ in range(4):
        clock.seconds += CACHE_SECONDS / 4
        answers.append(await name_of(callers, secret))
    assert answers == ["ada", "ada", "ada", None]


@pytest.mark.gen_test
async def test_a_wrong_secret_is_not_remembered_as_wrong(database: Database) -> None:
    store = TokenStore(database)
    callers = Callers({}, store, Clock())
    assert await name_of(callers, "later") is None
    secret = await store.create("ada")
    assert await name_of(callers, secret) == "ada"


@pytest.mark.gen_test(timeout=60)
async def test_the_cache_is_bounded_and_forgets_the_oldest(database: Database) -> None:
    secrets = [str(number) for number in range(MAX_CACHED + 1)]
    rows = [{"name": secret, "secret_hash": hash_of(secret), "created_at": NOON} for secret in secrets]
    async with database.writing() as connection:
        await connection.execute(insert(schema.tokens), rows)
    callers = Callers({}, TokenStore(database), Clock())
    for secret in secrets:
        assert await name_of(callers, secret) == secret
    async with database.writing() as connection:
        await connection.execute(delete(schema.tokens))
    known = [secret for secret in secrets if await name_of(callers, secret)]
    assert known == secrets[1:]


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("secret", (None, "secret")),
        ("ada=secret", ("ada", "secret")),
        ("小明=秘密", ("小明", "秘密")),
        ("ada=c2VjcmV0==", ("ada", "c2VjcmV0==")),
        ("c2VjcmV0==", (None, "c2VjcmV0==")),
        ("c2VjcmV0=", (None, "c2VjcmV0=")),
        ("sk-#1", (None, "sk-#1")),
    ],
)
def test_a_token_may_have_a_name(text: str, parsed: tuple[str | None, str]) -> None:
    assert parse_token(text) == parsed


@pytest.mark.parametrize(
    "text", ["", " ", "=", "==", "=hunter2", "a b=hunter2", "ada=hun ter2", "hun\nter2", "\ud800hunter2"]
)
def test_an_impossible_token_is_refused_without_being_told(text: str) -> None:
    with pytest.raises(InvalidToken) as caught:
        parse_token(text)
    assert "ter2" not in str(caught.value)


def test_unnamed_tokens_get_default_names_past_those_taken() -> None:
    parsed = [(None, "a"), ("ada", "b"), (None, "c"), ("default-3", "d"), (None, "e"), ("ada", "f")]
    assert name_callers(parsed) == {
        "a": "default",
        "b": "ada",
        "c": "default-2",
        "d": "default-3",
        "e": "default-4",
        "f": "ada",
    }


def test_a_token_given_twice_is_one_caller_and_never_two() -> None:
    assert name_callers([(None, "a"), (None, "a"), ("ada", "b"), (None, "b")]) == {"a": "default", "b": "ada"}
    with pytest.raises(InvalidToken, match="ada and bob have the same token"):
        name_callers([("ada", "hunter2"), ("bob", "hunter2")])


def test_the_name_given_to_a_token_wins_over_a_default_wherever_it_stands() -> None:
    assert name_callers([(None, "a"), ("ada", "a")]) == {"a": "ada"}


def test_a_tokens_file_has_one_token_a_line(tmp_path: Path) -> None:
    file = tmp_path / "tokens.txt"
    file.write_text("\ufeff# ours\nada=one\r\n\n  two  \n#three\nb#=four\n", "utf-8")
    assert read_tokens_file(file) == [("ada", "one"), (None, "two"), ("b#", "four")]


def test_a_mistake_in_a_tokens_file_names_file_and_line_and_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "tokens.txt"
    file.write_text("ada=one\nbob=hunter2 hunter3\n", "utf-8")
    with pytest.raises(InvalidToken, match=r"tokens\.txt, line 2: ") as caught:
        read_tokens_file(file)
    assert "hunter" not in str(caught.value)


def test_a_tokens_file_that_cannot_be_read_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes(b"hunter2\xff")
    for name, reason in (("none.txt", "No such file"), ("latin.txt", "not UTF-8"), ("", "directory")):
        with pytest.raises(InvalidToken, match=reason) as caught:
            read_tokens_file(tmp_path / name)
        assert "hunter2" not in str(caught.value)
