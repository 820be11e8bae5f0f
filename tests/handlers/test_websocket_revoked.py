"""A token that is revoked while its socket is open: nothing is done any more in its caller's name."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from streamchat.stores import callers
from streamchat.stores.tokens import TokenStore
from tests.handlers.house import Gate, House, question, until, with_server
from tests.handlers.socket_client import Message, Socket, answer_of

CALLER = "carol"
TOUCHING = ("query", "resume", "cancel", "input")


@pytest.fixture(autouse=True)
def no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at a token is one at the store, whose answer else holds for some seconds."""
    monkeypatch.setattr(callers, "CACHE_SECONDS", 0.0)


def tokens_of(house: House) -> TokenStore:
    return TokenStore(house.server.database)


async def reply(socket: Socket, ref: str) -> Message:
    """What answers the message of this reference, whatever comes before."""
    while (message := await socket.read()).get("ref") != ref:
        pass
    return message


@pytest.mark.parametrize("kind", TOUCHING)
@pytest.mark.parametrize("is_first_message", [False, True])
def test_a_message_that_touches_a_turn_is_refused_once_its_token_is_revoked_and_the_socket_closed(
    kind: str, is_first_message: bool
) -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        token = await tokens_of(house).create(CALLER)
        async with Socket(house, token=None if is_first_message else token) as socket:
            if is_first_message:
                await socket.send(type="auth", token=token)
                await socket.read()
            stream_id = await socket.ask()
            await gate.has_begun()
            await tokens_of(house).revoke(CALLER)
            await socket.send(type=kind, ref="late", stream_id=stream_id, input="x", **question())
            error = await reply(socket, "late")
            assert (error["type"], error["code"], error["success"]) == ("error", "unauthorized", False)
            closed = await socket.read_close()
            assert (closed.close_code, closed.close_reason) == (1008, "unauthorized")
            await socket.answer_close(closed)
            await house.has_no_readers()
        assert house.turns_opened == 1
        assert house.server.rooms.book.running == 1  # a message in nobody's name has not stopped it
        text = (await house.get("/metrics", token=None)).body
        assert b"streamchat_auth_failures_total 1.0" in text
        assert b'streamchat_socket_messages_refused_total{code="unauthorized"} 1.0' in text
        gate.opened.set()

    with_server(gate, scenario)


def test_a_turn_of_the_closed_socket_ends_as_it_says_for_readers_that_leave() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        token = await tokens_of(house).create(CALLER)
        async with Socket(house, token=token) as socket:
            await socket.ask(on_disconnect="cancel")
            await gate.has_begun()
            await tokens_of(house).revoke(CALLER)
            await socket.send(type="cancel", stream_id="st_none")
            await socket.answer_close(await socket.read_close())
        await until(lambda: house.server.rooms.book.running == 0)
        gate.opened.set()

    with_server(gate, scenario)


def test_a_ping_asks_nobody_and_what_runs_goes_on_until_something_is_asked() -> None:
    gate = Gate("to its end")

    async def scenario(house: House) -> None:
        token = await tokens_of(house).create(CALLER)
        async with Socket(house, token=token) as socket:
            stream_id = await socket.ask()
            await gate.has_begun()
            await tokens_of(house).revoke(CALLER)
            await socket.send(type="ping", ref="still")
            assert (await reply(socket, "still"))["type"] == "pong"
            gate.opened.set()
            assert answer_of(await socket.read_stream(stream_id)) == "to its end"

    with_server(gate, scenario)


def test_a_token_that_is_not_revoked_is_looked_at_and_let_in() -> None:
    async def scenario(house: House) -> None:
        token = await tokens_of(house).create(CALLER)
        await tokens_of(house).create("dave")
        async with Socket(house, token=token) as socket:
            await tokens_of(house).revoke("dave")
            for _ in range(2):
                assert answer_of(await socket.read_stream(await socket.ask())) == "done"

    with_server(lambda message: "done", scenario)


def rename(house: House, table: str, name: str) -> None:
    with closing(sqlite3.connect(house.folder / "test.db")) as database, database:
        database.execute(f"ALTER TABLE {table} RENAME TO {name}")


def test_a_store_that_cannot_tell_is_no_revocation() -> None:
    async def scenario(house: House) -> None:
        token = await tokens_of(house).create(CALLER)
        async with Socket(house, token=token) as socket:
            # In a thread: the server may be writing, and needs the loop to come to an end with it.
            await asyncio.to_thread(rename, house, "tokens", "elsewhere")
            await socket.send(type="query", ref="1", **question())
            assert (await reply(socket, "1"))["code"] == "overloaded"
            await asyncio.to_thread(rename, house, "elsewhere", "tokens")
            assert answer_of(await socket.read_stream(await socket.ask())) == "done"

    with_server(lambda message: "done", scenario)


def test_the_answer_holds_for_some_seconds_as_it_does_for_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "CACHE_SECONDS", 1_000.0)

    async def scenario(house: House) -> None:
        token = await tokens_of(house).create(CALLER)
        async with Socket(house, token=token) as socket:
            await tokens_of(house).revoke(CALLER)
            assert answer_of(await socket.read_stream(await socket.ask())) == "done"

    with_server(lambda message: "done", scenario)
