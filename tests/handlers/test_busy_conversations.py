"""A second question in a conversation whose first is not answered yet: it waits, is refused, or takes its place."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from streamchat.serving.settings import CannotStart, Settings
from tests.handlers.house import (
    BOB,
    CHAT,
    CHAT_DOORS,
    Gate,
    House,
    answer_in,
    error_in,
    question,
    statuses,
    to_bytes,
    with_server,
)
from tests.handlers.raw_client import Connection, Frame

TALK = "chat_1"
QUESTIONS = ("one", "two", "three")


class Talk:
    """Answers each question when its gate is opened, with what was said before in the conversation."""

    def __init__(self) -> None:
        self.gates = {name: Gate(name) for name in QUESTIONS}
        self.histories: dict[str, list[str]] = {}

    def __call__(self, message: str, history: list[dict[str, str]]) -> str:
        self.histories[message] = [said["content"] for said in history]
        return self.gates[message](message)

    def open_all(self) -> None:
        for gate in self.gates.values():
            gate.opened.set()


Scenario = Callable[[House, Talk, list[Connection]], Awaitable[None]]


def play(scenario: Scenario, **settings: Any) -> None:
    """Run the scenario with three connections."""
    talk = Talk()

    async def with_connections(house: House) -> None:
        async with AsyncExitStack() as stack:
            connections = [await stack.enter_async_context(house.connect()) for _ in QUESTIONS]
            try:
                await scenario(house, talk, connections)
            finally:
                talk.open_all()

    with_server(talk, with_connections, **settings)


async def ask(house: House, connection: Connection, message: str, **fields: Any) -> str:
    return await house.begin(connection, message=message, conversation_id=TALK, **fields)


async def rest(connection: Connection) -> list[Frame]:
    return [frame async for frame in connection.frames()]


def test_a_second_question_waits_for_the_first_and_is_given_its_answer_as_history() -> None:
    async def scenario(house: House, talk: Talk, connections: list[Connection]) -> None:
        for number, name in enumerate(QUESTIONS):
            await ask(house, connections[number], name)
            if number:
                queued = (await connections[number].read_until("queued"))[-1].payload
                assert (queued["position"], queued["estimated_wait"]) == (number, None)
        await talk.gates["one"].has_begun()
        assert not talk.gates["two"].begun.is_set()
        talk.gates["one"].opened.set()
        assert answer_in(await rest(connections[0])) == "one"
        await talk.gates["two"].has_begun()
        moved = (await connections[2].read_until("queued"))[-1].payload
        assert moved["position"] == 1
        talk.gates["two"].opened.set()
        assert answer_in(await rest(connections[1])) == "two"
        talk.gates["three"].opened.set()
        assert answer_in(await rest(connections[2])) == "three"
        assert talk.histories == {"one": [], "two": ["one", "one"], "three": ["one", "one", "two", "two"]}

    play(scenario)


@pytest.mark.parametrize("door", CHAT_DOORS)
def test_reject_refuses_the_second_question_and_nothing_has_happened(door: str) -> None:
    async def scenario(house: House, talk: Talk, connections: list[Connection]) -> None:
        await ask(house, connections[0], "one")
        refused = await house.ask(door, message="two", conversation_id=TALK, on_busy="reject", lang="en")
        error = error_in(refused, is_streaming=door != CHAT)
        assert (refused.status, error["code"]) == (409, "conversation_busy")
        assert error["error"] == "An earlier question of this conversation is still being answered"
        assert house.turns_opened == 1
        talk.open_all()
        assert answer_in(await rest(connections[0])) == "one"
        again = await house.ask(message="two", conversation_id=TALK, on_busy="reject")
        assert answer_in(again.frames) == "two"

    play(scenario)


def test_interrupt_stops_all_that_are_not_answered_and_begins() -> None:
    async def scenario(house: House, talk: Talk, connections: list[Connection]) -> None:
        await ask(house, connections[0], "one", lang="en")
        await talk.gates["one"].has_begun()
        await ask(house, connections[1], "two")
        await connections[1].read_until("queued")
        await ask(house, connections[2], "three", on_busy="interrupt")
        for connection in connections[:2]:
            last = (await rest(connection))[-1].payload
            assert (last["status"], last["code"]) == ("cancelled", "cancelled")
        talk.gates["three"].opened.set()
        assert answer_in(await rest(connections[2])) == "three"
        assert not talk.gates["two"].begun.is_set()

    play(scenario)


def test_run_lets_both_run() -> None:
    async def scenario(house: House, talk: Talk, connections: list[Connection]) -> None:
        await ask(house, connections[0], "one")
        await ask(house, connections[1], "two", on_busy="run")
        await talk.gates["one"].has_begun()
        await talk.gates["two"].has_begun()
        talk.open_all()
        assert [answer_in(await rest(connection)) for connection in connections[:2]] == ["one", "two"]

    play(scenario)


@pytest.mark.parametrize("policy", ["reject", "run"])
def test_the_server_says_what_holds_for_a_request_that_says_nothing(policy: str) -> None:
    async def scenario(house: House, talk: Talk, connections: list[Connection]) -> None:
        await ask(house, connections[0], "one")
        talk.gates["two"].opened.set()
        second = await house.ask(message="two", conversation_id=TALK)
        assert second.status == (409 if policy == "reject" else 200)

    play(scenario, on_busy=policy)


def test_other_conversations_other_callers_and_questions_without_one_never_meet() -> None:
    async def scenario(house: House, talk: Talk, connections: list[Connection]) -> None:
        await ask(house, connections[0], "one")
        talk.gates["two"].opened.set()
        strict = {"message": "two", "on_busy": "reject"}
        assert (await house.ask(**strict)).status == 200
        assert (await house.ask(**strict, conversation_id="chat_2")).status == 200
        assert (await house.ask(**strict, conversation_id=TALK, token=BOB)).status == 200

    play(scenario)


def test_a_conversation_that_the_server_has_named_can_be_busy_too() -> None:
    async def scenario(house: House, talk: Talk, connections: list[Connection]) -> None:
        await house.begin(connections[0], message="one")
        name = connections[0].head.headers["x-conversation-id"]
        refused = await house.ask(message="two", conversation_id=name, on_busy="reject")
        assert refused.status == 409

    play(scenario)


def test_a_repeated_idempotency_key_is_no_second_question() -> None:
    async def scenario(house: House, talk: Talk, connections: list[Connection]) -> None:
        headers = {"Idempotency-Key": "k"}
        first = await ask(house, connections[0], "one", on_busy="reject", headers=headers)
        assert await ask(house, connections[1], "one", on_busy="reject", headers=headers) == first
        talk.open_all()
        assert answer_in(await rest(connections[1])) == "one"

    play(scenario)


def test_no_more_than_eight_wait_in_a_conversation() -> None:
    async def scenario(house: House, talk: Talk, connections: list[Connection]) -> None:
        await ask(house, connections[0], "one")
        waiting = [asyncio.create_task(house.ask(message="two", conversation_id=TALK)) for _ in range(9)]
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        (refused,) = [task.result() for task in done]
        assert refused.status == 409
        talk.open_all()
        assert sorted([(await task).status for task in waiting]) == [200] * 8 + [409]

    play(scenario)


def test_all_that_wait_for_an_earlier_one_are_no_more_than_may_be_queued() -> None:
    async def scenario(house: House, talk: Talk, connections: list[Connection]) -> None:
        await ask(house, connections[0], "one")
        await ask(house, connections[1], "two")
        refused = await house.ask(message="three", conversation_id=TALK)
        assert (refused.status, refused.frames[0].payload["code"]) == (503, "overloaded")
        assert int(refused.headers["retry-after"]) >= 1

    play(scenario, max_queued=1)


def test_one_that_waits_can_be_stopped_left_or_resumed_like_any_other() -> None:
    async def scenario(house: House, talk: Talk, connections: list[Connection]) -> None:
        await ask(house, connections[0], "one")
        second = await ask(house, connections[1], "two")
        await connections[1].read_until("queued")
        stopped = await house.request("DELETE", f"/api/streams/{second}")
        assert (stopped.json["state"], stopped.json["worker"]) == ("cancelled", "ended")
        assert (await rest(connections[1]))[-1].status == "cancelled"
        third = await ask(house, connections[2], "three")
        talk.open_all()
        assert answer_in(await rest(connections[2])) == "three"
        assert answer_in((await house.get(f"/api/streams/{third}")).frames) == "three"
        assert "two" not in talk.histories

    play(scenario)


def test_a_shutdown_ends_what_waits_and_begins_nothing() -> None:
    async def scenario(house: House, talk: Talk, connections: list[Connection]) -> None:
        await ask(house, connections[0], "one")
        await ask(house, connections[1], "two")
        await connections[1].read_until("queued")
        await house.server.drain()
        assert [(await rest(connection))[-1].payload["code"] for connection in connections[:2]] == ["shutting_down"] * 2
        assert not talk.gates["two"].begun.is_set()

    play(scenario)


def test_where_no_history_is_wanted_the_next_begins_all_the_same() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as first, house.connect() as second:
            await house.begin(first, conversation_id=TALK)
            await gate.has_begun()
            await house.begin(second, conversation_id=TALK)
            await second.read_until("queued")
            gate.opened.set()
            assert answer_in(await rest(second)) == "done"
            assert "queued" not in statuses(await rest(first))

    with_server(gate, scenario)


@pytest.mark.parametrize("value", ["wait", "", 1, True])
def test_a_policy_that_there_is_not_is_a_400(value: Any) -> None:
    async def scenario(house: House, talk: Talk, connections: list[Connection]) -> None:
        body = to_bytes(question(on_busy=value))
        refused = await house.request("POST", CHAT, headers={"Content-Type": "application/json"}, body=body)
        assert (refused.status, refused.json["field"]) == (400, "on_busy")
        assert house.turns_opened == 0

    play(scenario)


def test_a_policy_that_there_is_not_stops_the_start() -> None:
    with pytest.raises(CannotStart, match="on_busy must be one of run, queue, reject, interrupt, not 'wait'"):
        Settings(on_busy="wait")  # type: ignore[arg-type]
