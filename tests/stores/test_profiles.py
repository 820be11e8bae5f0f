from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from streamchat.stores.database import Database
from streamchat.stores.profiles import (
    MAX_POST_CHARACTERS,
    MAX_POSTS,
    InvalidProfile,
    Profile,
    ProfileSettings,
    ProfileStore,
    document_of,
    profile_of,
)

ADA = Profile(
    username="Ada",
    display_name="Ada 👩‍💻",
    system_prompt="Answer\nin two lines.\t“Quotes” and 中文",
    posts=("First.", "Zweiter Beitrag: äöü", "第三篇\u2028"),
    suggestions=("Why?",),
    settings=ProfileSettings(
        door="smart", lang="en", on_disconnect="continue", model="large", temperature=0.5, max_tokens=400
    ),
)
BOB = Profile(username="bob", display_name="Bob")


@pytest.mark.gen_test
async def test_a_profile_comes_back_as_it_was_put(database: Database) -> None:
    store = ProfileStore(database)
    await store.put(ADA)
    await store.put(BOB)
    assert await store.get("Ada") == ADA
    assert await store.get("bob") == BOB


@pytest.mark.gen_test
async def test_an_unknown_profile_is_none(database: Database) -> None:
    store = ProfileStore(database)
    await store.put(ADA)
    for username in ("ada", "ADA", "Ada ", "", "Ada\0", "\ud800", "x" * 100_000, "' OR 1=1 --"):
        assert await store.get(username) is None
        assert await store.remove(username) is False


@pytest.mark.gen_test
async def test_putting_again_replaces_every_field(database: Database) -> None:
    store = ProfileStore(database)
    await store.put(ADA)
    plain = Profile(username="Ada", display_name="Ada")
    await store.put(plain)
    assert await store.list() == [plain]


@pytest.mark.gen_test
async def test_profiles_are_listed_by_username_whatever_the_database_sorts_by(database: Database) -> None:
    store = ProfileStore(database)
    for username in ("b", "a", "B", "小助手", "A", "é"):
        await store.put(Profile(username=username, display_name=username))
    assert [profile.username for profile in await store.list()] == ["A", "B", "a", "b", "é", "小助手"]


@pytest.mark.gen_test
async def test_remove_says_whether_there_was_one(database: Database) -> None:
    store = ProfileStore(database)
    await store.put(ADA)
    assert await store.remove("Ada") is True
    assert await store.remove("Ada") is False
    assert await store.list() == []


@pytest.mark.gen_test
async def test_seed_fills_only_an_empty_table(database: Database) -> None:
    store = ProfileStore(database)
    assert await store.seed([]) == 0
    assert await store.seed([ADA, BOB]) == 2
    assert await store.list() == [ADA, BOB]
    await store.remove("Ada")
    assert await store.seed([ADA, BOB]) == 0
    assert await store.list() == [BOB]


class CountingDatabase(Database):
    """A database that counts how often it is read."""

    readings = 0

    @asynccontextmanager
    async def reading(self, limit_seconds: float = 10.0) -> AsyncIterator[AsyncConnection]:
        self.readings += 1
        async with super().reading(limit_seconds) as connection:
            yield connection


def test_a_thousand_who_ask_at_once_share_one_reading(tmp_path: Path) -> None:
    async def scenario() -> None:
        database = CountingDatabase(f"sqlite:///{tmp_path}/test.db")
        await database.open()
        await ProfileStore(database).put(ADA)
        store, before = ProfileStore(database), database.readings
        assert await asyncio.gather(*(store.get("Ada") for _ in range(1_000))) == [ADA] * 1_000
        assert database.readings == before + 1
        await database.close()

    asyncio.run(scenario())


@pytest.mark.gen_test
async def test_a_change_is_seen_at_once_by_whoever_made_it(database: Database) -> None:
    store = ProfileStore(database)
    await store.put(ADA)
    assert await store.get("Ada") == ADA
    await store.put(replace(ADA, display_name="Countess"))
    changed = await store.get("Ada")
    assert changed is not None
    assert changed.display_name == "Countess"
    await store.remove("Ada")
    assert await store.get("Ada") is None


def test_a_document_describes_a_profile_and_back() -> None:
    assert profile_of(document_of(ADA)) == ADA
    assert profile_of(document_of(BOB)) == BOB


def test_only_the_username_is_required() -> None:
    assert profile_of({"username": "bob"}) == Profile(username="bob", display_name="bob")


def test_settings_that_are_not_set_are_none() -> None:
    settings = profile_of({"username": "bob", "settings": {"lang": "en"}}).settings
    assert settings == ProfileSettings(door=None, lang="en", on_disconnect=None)


@pytest.mark.parametrize(
    ("field", "document"),
    [
        ("profile", ["username"]),
        ("profile", None),
        ("profile", "bob"),
        ("username", {}),
        ("username", {"username": None}),
        ("username", {"username": 12}),
        ("username", {"username": ""}),
        ("username", {"username": "  "}),
        ("username", {"username": " bob"}),
        ("username", {"username": "bob\n"}),
        ("username", {"username": "b\x1b[31mob"}),
        ("username", {"username": "b\0b"}),
        ("username", {"username": "\ud800"}),
        ("username", {"username": "x" * 101}),
        ("display_name", {"username": "bob", "display_name": None}),
        ("display_name", {"username": "bob", "display_name": "x" * 201}),
        ("system_prompt", {"username": "bob", "system_prompt": 2**70}),
        ("system_prompt", {"username": "bob", "system_prompt": "a\0b"}),
        ("system_prompt", {"username": "bob", "system_prompt": "x" * 20_001}),
        ("posts", {"username": "bob", "posts": "one text"}),
        ("posts", {"username": "bob", "posts": {"a": "b"}}),
        ("posts", {"username": "bob", "posts": None}),
        ("posts", {"username": "bob", "posts": ["x"] * (MAX_POSTS + 1)}),
        ("posts[2]", {"username": "bob", "posts": ["x", 3]}),
        ("posts[2]", {"username": "bob", "posts": ["x", " \n"]}),
        ("posts[1]", {"username": "bob", "posts": ["x" * (MAX_POST_CHARACTERS + 1)]}),
        ("posts[1]", {"username": "bob", "posts": ["\udfff"]}),
        ("suggestions", {"username": "bob", "suggestions": ["x"] * 21}),
        ("suggestions[1]", {"username": "bob", "suggestions": [["x"]]}),
        ("settings", {"username": "bob", "settings": ["smart"]}),
        ("settings", {"username": "bob", "settings": None}),
        ("settings.door", {"username": "bob", "settings": {"door": "quick"}}),
        ("settings.lang", {"username": "bob", "settings": {"lang": False}}),
        ("settings.on_disconnect", {"username": "bob", "settings": {"on_disconnect": ["grace"]}}),
        ("settings.model", {"username": "bob", "settings": {"model": ""}}),
        ("settings.model", {"username": "bob", "settings": {"model": 5}}),
        ("settings.temperature", {"username": "bob", "settings": {"temperature": "warm"}}),
        ("settings.temperature", {"username": "bob", "settings": {"temperature": True}}),
        ("settings.temperature", {"username": "bob", "settings": {"temperature": 2.1}}),
        ("settings.temperature", {"username": "bob", "settings": {"temperature": float("nan")}}),
        ("settings.max_tokens", {"username": "bob", "settings": {"max_tokens": 0}}),
        ("settings.max_tokens", {"username": "bob", "settings": {"max_tokens": 1.5}}),
        ("pots", {"username": "bob", "pots": []}),
        ("dor", {"username": "bob", "settings": {"dor": "smart"}}),
        ("12", {"username": "bob", 12: "x"}),
        ("'\\ud800'", {"username": "bob", "\ud800": "x"}),
    ],
)
def test_an_invalid_profile_is_refused_naming_the_field(field: str, document: object) -> None:
    with pytest.raises(InvalidProfile) as caught:
        profile_of(document)
    assert str(caught.value).startswith(f"{field}: ")
    str(caught.value).encode()


def test_a_profile_made_by_hand_is_checked_too() -> None:
    with pytest.raises(InvalidProfile, match=r"^posts\[1\]: "):
        Profile(username="bob", display_name="Bob", posts=("\0",))


@pytest.mark.parametrize("temperature", [0, 1, 0.0, 2.0])
def test_a_temperature_may_be_whole(temperature: float) -> None:
    assert profile_of({"username": "bob", "settings": {"temperature": temperature}}).settings.temperature == temperature
