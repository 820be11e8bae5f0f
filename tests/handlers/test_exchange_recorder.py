"""The conversation record: an answer never waits for it, or fails with it."""

import asyncio
from typing import Any, cast

import pytest

from streamchat.handlers import batch_writer
from streamchat.handlers.batch_writer import BatchRules
from streamchat.handlers.exchange_recorder import ExchangeRecorder
from streamchat.stores.conversations import Exchange
from streamchat.turns.events import Answer
from streamchat.turns.query import Query, TurnRules
from streamchat.turns.turn import Turn
from tests.fakes.executors import COMPLETE
from tests.fakes.houses import HandHouse
from tests.handlers.house import STREAMING_DOORS, Gate, House, answer_in, saying, with_server


def test_a_store_that_fails_does_not_fail_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_writer, "RETRY_SECONDS", 0.0)
    gate = Gate("the answer")

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            await house.begin(connection)
            await gate.has_begun()
            await house.server.database.close()
            gate.opened.set()
            frames = [frame async for frame in connection.frames()]
        assert (answer_in(frames), frames[-1].status) == ("the answer", "complete")
        await house.server.rooms.conversations.recorder.close()
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
        await house.server.rooms.conversations.recorder.close()
        kept.extend(await house.server.rooms.conversations.store.get("alice", "chat_1"))

    with_server(saying("heard"), scenario)
    assert [exchange.message for exchange in kept] == ["the last words"]


class NotingStore:
    """Keeps nothing, but notes what came together, by the ids of the streams."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    async def add(self, *kept: Exchange) -> None:
        self.batches.append([exchange.stream_id for exchange in kept])


def ended_turn(
    number: int, *, owner: str = "alice", conversation_id: str = "chat_1", answer: str = "hi", is_kept: bool = True
) -> Turn:
    """A turn that has ended well."""
    hands = HandHouse()
    turn = Turn(
        f"st_{number}",
        query=Query(message="hello", username="ada", conversation_id=conversation_id),
        owner=owner,
        rules=TurnRules(timeout_seconds=150.0, is_kept=is_kept),
        house=hands.house,
        on_change=hands.changes.append,
    )
    turn.submit()
    turn.record(Answer(text=answer))
    turn.returned(COMPLETE)
    return turn


@pytest.fixture
def store() -> NotingStore:
    return NotingStore()


@pytest.fixture
def recorder(store: NotingStore, io_loop: object) -> ExchangeRecorder:
    """A recorder that gathers for longer than any test runs, unless somebody is in a hurry."""
    return ExchangeRecorder(cast("Any", store), Count(), BatchRules(gather_seconds=3_600.0))


@pytest.mark.gen_test
async def test_whoever_needs_a_conversation_has_it_written_at_once(
    recorder: ExchangeRecorder, store: NotingStore
) -> None:
    recorder.turn_ended(ended_turn(1))
    recorder.turn_ended(ended_turn(2, owner="bob"))
    for nobodys in (("alice", "chat_2"), ("bob", "chat_2"), ("carol", None)):
        await recorder.settled(*nobodys)
    assert store.batches == []
    await recorder.settled("alice", "chat_1")
    assert store.batches == [["st_1", "st_2"]]
    recorder.turn_ended(ended_turn(3))
    await asyncio.sleep(0)
    assert len(store.batches) == 1
    await recorder.settled("alice")
    assert store.batches[1:] == [["st_3"]]


@pytest.mark.gen_test
async def test_what_is_not_to_be_kept_is_not_written(recorder: ExchangeRecorder, store: NotingStore) -> None:
    recorder.turn_ended(ended_turn(1, is_kept=False))
    recorder.turn_ended(ended_turn(2))
    await recorder.close()
    assert store.batches == [["st_2"]]


@pytest.mark.gen_test
async def test_what_waits_is_bounded_in_characters_and_again_free_once_written(
    store: NotingStore, caplog: pytest.LogCaptureFixture
) -> None:
    lost = Count()
    recorder = ExchangeRecorder(cast("Any", store), lost, BatchRules(max_waiting_characters=100))
    for number in range(3):
        recorder.turn_ended(ended_turn(number, answer="x" * 60))
    assert lost.value == 1
    assert "exchange of turn st_2 is lost: too much waits to be written" in caplog.text
    await recorder.settled("alice")
    recorder.turn_ended(ended_turn(4, answer="x" * 60))
    await recorder.close()
    assert store.batches == [["st_0", "st_1"], ["st_4"]]


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
