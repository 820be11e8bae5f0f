from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import insert

from streamchat.stores.conversations import (
    MAX_ROWS,
    TITLE_CHARACTERS,
    ConversationStore,
    ConversationSummary,
    Exchange,
)
from streamchat.stores.database import Database
from streamchat.stores.schema import exchanges

NOON = datetime(2026, 11, 2, 12, 0, 0, 654321, tzinfo=UTC)
FIRST = Exchange(
    conversation_id="chat_1",
    owner="ada",
    profile="VitalikButerin",
    message="什么是 rollup？",
    answer="A rollup is …\r\n👩‍💻 \u2028 end",
    status="complete",
    stream_id="s1",
    created_at=NOON,
)


def _at(minutes: int, **changes: Any) -> Exchange:
    moment = NOON + timedelta(minutes=minutes)
    defaults: dict[str, Any] = {"stream_id": f"at-{minutes}", "created_at": moment}
    return replace(FIRST, **(defaults | changes))


@pytest.mark.gen_test
async def test_an_exchange_comes_back_as_it_was_added(database: Database) -> None:
    store = ConversationStore(database)
    await store.add(FIRST)
    assert await store.get("ada", "chat_1") == [FIRST]


@pytest.mark.gen_test
async def test_times_come_back_in_utc_whatever_zone_they_had(database: Database) -> None:
    store = ConversationStore(database)
    await store.add(replace(FIRST, created_at=NOON.astimezone(timezone(timedelta(hours=-7)))))
    (exchange,) = await store.get("ada", "chat_1")
    (summary,) = await store.list("ada")
    assert exchange.created_at == summary.created_at == summary.updated_at == NOON
    assert exchange.created_at.tzinfo is summary.created_at.tzinfo is summary.updated_at.tzinfo is UTC


@pytest.mark.gen_test
async def test_adding_a_stream_again_changes_nothing(database: Database) -> None:
    store = ConversationStore(database)
    await store.add(FIRST)
    await store.add(FIRST)
    await store.add(replace(FIRST, answer="another", status="error"))
    assert await store.get("ada", "chat_1") == [FIRST]


@pytest.mark.gen_test
async def test_exchanges_are_oldest_first_whatever_order_they_were_added_in(database: Database) -> None:
    store = ConversationStore(database)
    for minutes in (2, 1, 3):
        await store.add(_at(minutes))
    assert await store.get("ada", "chat_1") == [_at(1), _at(2), _at(3)]


@pytest.mark.gen_test
async def test_exchanges_of_one_moment_keep_the_order_they_were_added_in(database: Database) -> None:
    store = ConversationStore(database)
    for number in range(5):
        await store.add(replace(FIRST, stream_id=f"{number}"))
    assert [exchange.stream_id for exchange in await store.get("ada", "chat_1")] == ["0", "1", "2", "3", "4"]


@pytest.mark.gen_test
async def test_the_same_conversation_id_is_another_conversation_for_another_owner(database: Database) -> None:
    store = ConversationStore(database)
    theirs = replace(FIRST, owner="bob", message="mine", profile="other")
    await store.add(FIRST)
    await store.add(theirs)
    assert await store.get("ada", "chat_1") == [FIRST]
    assert await store.get("bob", "chat_1") == [theirs]
    assert await store.get("eve", "chat_1") == []
    assert [summary.title for summary in await store.list("bob")] == ["mine"]
    assert await store.remove("eve", "chat_1") is False
    assert await store.remove("ada", "chat_1") is True
    assert await store.get("bob", "chat_1") == [theirs]


@pytest.mark.gen_test
async def test_remove_says_whether_there_was_one(database: Database) -> None:
    store = ConversationStore(database)
    await store.add(_at(1))
    await store.add(_at(2))
    assert await store.remove("ada", "chat_1") is True
    assert await store.remove("ada", "chat_1") is False
    assert await store.get("ada", "chat_1") == []
    assert await store.list("ada") == []


@pytest.mark.gen_test
async def test_history_is_the_messages_that_a_model_takes(database: Database) -> None:
    store = ConversationStore(database)
    await store.add(_at(1, message="one?", answer="one."))
    await store.add(_at(2, message="two?", answer="tw", status="cancelled"))
    assert await store.history("ada", "chat_1") == [
        {"role": "user", "content": "one?"},
        {"role": "assistant", "content": "one."},
        {"role": "user", "content": "two?"},
        {"role": "assistant", "content": "tw"},
    ]


@pytest.mark.gen_test
async def test_history_leaves_out_what_was_never_answered(database: Database) -> None:
    store = ConversationStore(database)
    await store.add(_at(1, message="kept", answer="yes"))
    await store.add(_at(2, answer="", status="timeout"))
    await store.add(_at(3, answer="", status="error"))
    assert [turn["content"] for turn in await store.history("ada", "chat_1", limit=1)] == ["kept", "yes"]


@pytest.mark.gen_test
async def test_history_is_limited_to_the_newest_exchanges(database: Database) -> None:
    store = ConversationStore(database)
    for minutes in range(5):
        await store.add(_at(minutes, message=f"q{minutes}", answer=f"a{minutes}"))
    turns = await store.history("ada", "chat_1", limit=2)
    assert [turn["content"] for turn in turns] == ["q3", "a3", "q4", "a4"]


@pytest.mark.gen_test
async def test_conversations_are_listed_the_latest_first(database: Database) -> None:
    store = ConversationStore(database)
    await store.add(_at(1, conversation_id="old", message="first question", profile="before"))
    await store.add(_at(2, conversation_id="new"))
    await store.add(_at(3, conversation_id="old", message="second question", profile="after"))
    old, new = await store.list("ada", limit=10, before=None)
    assert new.conversation_id == "new"
    assert old == ConversationSummary(
        conversation_id="old",
        profile="after",
        title="first question",
        exchanges=2,
        created_at=NOON + timedelta(minutes=1),
        updated_at=NOON + timedelta(minutes=3),
    )


@pytest.mark.gen_test
async def test_a_summary_follows_the_time_of_an_exchange_not_the_order_of_adding(database: Database) -> None:
    store = ConversationStore(database)
    await store.add(_at(3, message="later", profile="after"))
    await store.add(_at(1, message="earlier", profile="before"))
    (summary,) = await store.list("ada")
    assert (summary.title, summary.profile) == ("earlier", "after")


@pytest.mark.gen_test
async def test_pages_hold_every_conversation_once(database: Database) -> None:
    store = ConversationStore(database)
    for minutes in range(7):
        await store.add(_at(minutes, conversation_id=f"chat_{minutes}"))
    seen: list[str] = []
    before = None
    while page := await store.list("ada", limit=3, before=before):
        seen += [summary.conversation_id for summary in page]
        before = page[-1].updated_at
    assert seen == [f"chat_{minutes}" for minutes in reversed(range(7))]


@pytest.mark.gen_test
async def test_a_title_is_the_start_of_the_first_message(database: Database) -> None:
    store = ConversationStore(database)
    await store.add(replace(FIRST, message="长👩" * 1000))
    (summary,) = await store.list("ada")
    assert summary.title == ("长👩" * 1000)[:TITLE_CHARACTERS]


@pytest.mark.gen_test
async def test_any_limit_is_safe(database: Database) -> None:
    store = ConversationStore(database)
    await store.add(_at(1))
    await store.add(_at(2))
    for limit, expected in ((-(2**70), 0), (-1, 0), (0, 0), (1, 1), (2**63, 2), (2**70, 2)):
        assert len(await store.get("ada", "chat_1", limit)) == expected
        assert len(await store.history("ada", "chat_1", limit)) == 2 * expected
        assert len(await store.list("ada", limit)) == min(expected, 1)


@pytest.mark.gen_test(timeout=60)
async def test_no_call_reads_more_than_the_most_rows(database: Database) -> None:
    rows = [asdict(_at(minutes)) for minutes in range(MAX_ROWS + 5)]
    async with database.writing() as connection:
        await connection.execute(insert(exchanges), rows)
    read = await ConversationStore(database).get("ada", "chat_1", limit=10 * MAX_ROWS)
    assert len(read) == MAX_ROWS
    assert read[-1] == _at(MAX_ROWS + 4)


@pytest.mark.gen_test
async def test_an_impossible_key_finds_nothing(database: Database) -> None:
    store = ConversationStore(database)
    await store.add(FIRST)
    for key in ("", "chat_1\0", "\ud800", "x" * 100_000, "' OR 1=1 --"):
        assert await store.get("ada", key) == []
        assert await store.get(key, "chat_1") == []
        assert await store.history("ada", key) == []
        assert await store.list(key) == []
        assert await store.remove("ada", key) is False


@pytest.mark.gen_test
async def test_an_answer_that_no_database_holds_is_kept_as_well_as_can_be(database: Database) -> None:
    store = ConversationStore(database)
    await store.add(replace(FIRST, message="a\0b", answer="c\ud83dd"))
    (exchange,) = await store.get("ada", "chat_1")
    assert (exchange.message, exchange.answer) == ("a\ufffdb", "c\ufffdd")


@pytest.mark.gen_test(timeout=60)
async def test_a_long_answer_is_kept_whole(database: Database) -> None:
    store = ConversationStore(database)
    long = replace(FIRST, answer="答案 and more. " * 200_000)
    await store.add(long)
    assert await store.get("ada", "chat_1") == [long]


@pytest.mark.parametrize("key", ["", "a\0", "\ud800", "x" * 201])
@pytest.mark.parametrize("field", ["conversation_id", "owner", "profile", "stream_id"])
def test_an_exchange_with_an_impossible_key_is_refused_naming_it(field: str, key: str) -> None:
    with pytest.raises(ValueError, match=f"^{field} must"):
        _at(1, **{field: key})


def test_an_exchange_needs_a_known_status_and_a_time_with_a_zone() -> None:
    with pytest.raises(ValueError, match="status must be one of"):
        _at(1, status="finished")
    with pytest.raises(ValueError, match="time zone"):
        replace(FIRST, created_at=NOON.replace(tzinfo=None))
