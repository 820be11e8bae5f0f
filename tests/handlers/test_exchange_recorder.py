"""The conversation record: an answer never waits for it, or fails with it."""

from typing import Any, cast

import pytest

from streamchat.handlers import exchange_recorder
from streamchat.handlers.exchange_recorder import ExchangeRecorder
from tests.handlers.house import STREAMING_DOORS, Gate, House, answer_in, saying, with_server


def test_a_store_that_fails_does_not_fail_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange_recorder, "RETRY_SECONDS", 0.0)
    gate = Gate("the answer")

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            await house.begin(connection)
            await gate.has_begun()
            await house.server.database.close()
            gate.opened.set()
            frames = [frame async for frame in connection.frames()]
        assert (answer_in(frames), frames[-1].status) == ("the answer", "complete")
        await house.server.rooms.recorder.close()
        assert b"streamchat_exchanges_lost_total 1.0" in (await house.get("/metrics")).body

    with_server(gate, scenario)


def test_what_was_shown_is_what_is_kept() -> None:
    async def scenario(house: House) -> None:
        for door in STREAMING_DOORS:
            await house.ask(door, conversation_id=door[5:].replace("/", ""))
            exchanges = (await house.get(f"/api/conversations/{door[5:]}")).json["exchanges"]
            assert [row["answer"] for row in exchanges] == ["你好 \x00 👨‍👩‍👧\r\n".replace("\x00", "�")]

    with_server(saying("你好 \x00 👨‍👩‍👧\r\n"), scenario)


def test_a_drained_server_has_written_everything() -> None:
    kept = []

    async def scenario(house: House) -> None:
        await house.ask(message="the last words", conversation_id="chat_1")
        await house.server.rooms.recorder.close()
        kept.extend(await house.server.rooms.conversations.get("alice", "chat_1"))

    with_server(saying("heard"), scenario)
    assert [exchange.message for exchange in kept] == ["the last words"]


class BrokenStore:
    """A store that fails in a way that nobody foresaw."""

    async def add(self, *kept: Any) -> None:
        raise RuntimeError("unforeseen")


class Count:
    """How often something was said to be lost."""

    value = 0

    def __call__(self) -> None:
        self.value += 1


def test_an_error_that_nobody_foresaw_loses_the_exchange_and_holds_up_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario(house: House) -> None:
        lost = Count()
        recorder = ExchangeRecorder(cast("Any", BrokenStore()), lost)
        await house.ask(conversation_id="chat_1")
        (turn,) = house.server.rooms.book._remembered.values()
        recorder.turn_ended(turn)
        await recorder.settled("alice", "chat_1")
        await recorder.close()
        assert lost.value == 1

    with_server(saying("hi"), scenario)
    assert "unforeseen" in caplog.text
