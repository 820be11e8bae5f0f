"""Whoever reads what is kept of turns has the one that has just ended, though it is written a moment later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.handlers.house import House, saying, with_server


def test_a_conversation_has_the_exchange_that_has_just_ended() -> None:
    async def scenario(house: House) -> None:
        kept = house.server.rooms.conversations
        await house.ask(message="one", conversation_id="chat_1")
        assert [exchange.message for exchange in await kept.get("alice", "chat_1")] == ["one"]
        await house.ask(message="two", conversation_id="chat_1")
        assert [message["content"] for message in await kept.history("alice", "chat_1")] == ["one", "hi", "two", "hi"]
        await house.ask(message="three", conversation_id="chat_1")
        assert [summary.exchanges for summary in await kept.list("alice", limit=5)] == [3]
        await house.ask(message="four", conversation_id="chat_2")
        assert await kept.remove("alice", "chat_2")
        assert not await kept.get("alice", "chat_2")

    with_server(saying("hi"), scenario)


def test_figures_have_the_turn_that_has_just_ended() -> None:
    async def scenario(house: House) -> None:
        now = datetime.now(UTC)
        hour = timedelta(hours=1)
        await house.ask()
        report = await house.server.rooms.analytics.report(now - hour, now + hour, "day", "alice")
        assert report.totals.turns == 1

    with_server(saying("hi"), scenario)
