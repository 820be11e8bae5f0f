"""One server from open to close: who may come in, and how it goes down without cutting anybody off in silence."""

import asyncio
import multiprocessing
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import streamchat
from streamchat.handlers import batch_writer
from streamchat.serving.server import Server
from streamchat.serving.settings import CannotStart, Settings
from streamchat.stores.tokens import TokenStore
from streamchat.turns.process_query import BoundFunction, UnusableFunction
from tests.handlers.house import BASIC, SMART, Gate, House, answer_in, saying, with_server


def make_bound() -> BoundFunction:
    return BoundFunction(saying("hi"))


def start(scenario: Callable[[Server], Awaitable[None]] | None = None, **settings: Any) -> None:
    """Open a server with exactly these settings, run the scenario, and close it."""

    async def main(folder: str) -> None:
        settings.setdefault("database_url", f"sqlite:///{folder}/test.db")
        server = await streamchat.make_app(saying("hi"), port=0, drain=0.0, **settings)
        try:
            if scenario is not None:
                await scenario(server)
        finally:
            await server.drain()
            await server.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(folder))


# Starting.


def test_without_a_token_one_is_made_and_opens_the_doors() -> None:
    async def scenario(server: Server) -> None:
        house = House(server, Path())
        assert len(server.generated_token) >= 32
        assert (await house.ask(token=server.generated_token)).status == 200
        assert (await house.ask(token="")).status == 401

    start(scenario)


def test_a_configured_token_is_enough() -> None:
    async def scenario(server: Server) -> None:
        assert server.generated_token == ""

    start(scenario, token=("secret",))


def test_tokens_come_from_a_file_too(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("# who may come in\n\ncarol=secret-c\nsecret-d\n")

    async def scenario(server: Server) -> None:
        house = House(server, tmp_path)
        for token in ("secret-c", "secret-d", "secret-e"):
            assert (await house.get("/api/profiles", token=token)).status == 200
        assert (await house.get("/api/profiles", token="carol")).status == 401

    start(scenario, tokens_file=str(file), token=("secret-e",))


def test_a_token_made_in_the_database_opens_doors_and_closes_them_when_revoked(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        store, house = TokenStore(server.database), House(server, tmp_path)
        secret = await store.create("dora")
        assert (await house.get("/api/profiles", token=secret)).status == 200
        unused = await store.create("emil")
        await store.revoke("emil")
        assert (await house.get("/api/profiles", token=unused)).status == 401

    start(scenario, token=("secret",))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"token": ("has blanks",)}, "token"),
        ({"token": ("bob=secret",), "admin": ("bob", "carol")}, "--admin carol"),
        ({"admin": ("carol",)}, "--admin carol"),
        ({"token": ("a=one", "b=one")}, "same token"),
        ({"tokens_file": "/nowhere/tokens"}, "/nowhere/tokens"),
        ({"database_url": "sqlite:////nowhere/at/all.db"}, "--database-url"),
    ],
)
def test_an_impossible_setting_stops_the_start_with_one_sentence(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(CannotStart) as stopped:
        start(**settings)
    assert said in str(stopped.value)
    assert "\n" not in str(stopped.value)


# Tornado leaves the socket that it could not bind to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_address_that_cannot_be_had_stops_the_start_with_one_sentence() -> None:
    async def scenario(server: Server) -> None:
        for settings, said in (
            ({"port": server.port}, f"127.0.0.1:{server.port}: Address already in use"),
            ({"port": 0, "host": "host.invalid"}, "host.invalid:0: "),
        ):
            late = Server(replace(server.settings, **settings), lambda: BoundFunction(saying("hi")))
            await late.open()
            with pytest.raises(CannotStart, match=said):
                late.listen()
            await late.close()

    start(scenario, token=("secret",))


def test_nothing_is_left_of_a_start_that_fails_at_its_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise OSError("AF_UNIX path too long")

    async def main() -> None:
        # After the children have been started.
        monkeypatch.setattr(asyncio, "start_unix_server", refuse)
        server = Server(Settings(workers="processes", max_running=1, database_url="sqlite://"), make_bound)
        with pytest.raises(CannotStart, match="--workers processes: AF_UNIX path too long"):
            await server.open()

    asyncio.run(main())
    assert not multiprocessing.active_children()


def test_a_function_that_asks_for_what_nobody_gives_is_refused_at_the_start() -> None:
    def demanding(message: str, budget: int) -> str:
        return message

    with pytest.raises(UnusableFunction, match="'budget'"):
        asyncio.run(streamchat.make_app(demanding))


def test_two_servers_live_beside_each_other() -> None:
    async def scenario(server: Server) -> None:
        other = await streamchat.make_app(
            saying("the other"), port=0, database_url=f"sqlite:///{folder}/x.db", token=("t",)
        )
        assert answer_in((await House(other, Path()).ask(token="t")).frames) == "the other"
        assert answer_in((await House(server, Path()).ask(token="t")).frames) == "hi"
        await other.drain()
        await other.close()

    with tempfile.TemporaryDirectory() as folder:
        start(scenario, token=("t",))


# Going down.


def test_a_running_turn_finishes_while_the_server_drains() -> None:
    gate = Gate("finished all the same")

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            await house.begin(connection)
            await gate.has_begun()
            draining = asyncio.create_task(house.server.drain())
            await house.is_draining()
            gate.opened.set()
            frames = [frame async for frame in connection.frames()]
            await draining
        assert (answer_in(frames), frames[-1].status) == ("finished all the same", "complete")

    with_server(gate, scenario, drain=20.0)


def test_a_turn_that_is_late_gets_a_terminal_frame_that_says_why() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as running, house.connect() as waiting:
            await house.begin(running, lang="en")
            await gate.has_begun()
            await house.begin(waiting, lang="en")
            await house.server.drain()
            for connection in (running, waiting):
                frames = [frame async for frame in connection.frames()]
                end = frames[-1].payload
                assert (end["status"], end["code"], end["is_complete"]) == ("error", "shutting_down", True)
                assert end["error"] == "The server is shutting down, please try again later"
        gate.opened.set()

    with_server(gate, scenario, max_running=1)


def test_an_answer_that_is_still_being_shown_is_cut_with_the_same_frame() -> None:
    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            await house.begin(connection, BASIC, pace="natural")
            await connection.read_until("streaming")
            await house.server.drain()
            frames = [frame async for frame in connection.frames()]
            assert frames[-1].payload["code"] == "shutting_down"

    with_server(saying("word " * 400), scenario)


def test_the_json_door_says_so_with_a_503() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        asked = asyncio.create_task(house.ask("/api/chat"))
        await gate.has_begun()
        await house.server.drain()
        response = await asked
        assert (response.status, response.json["code"]) == (503, "shutting_down")
        gate.opened.set()

    with_server(gate, scenario)


def test_a_draining_server_refuses_new_questions_on_open_connections() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as old, house.connect() as running:
            await old.send("GET", "/healthz")
            await old.read_response()
            await house.begin(running)
            await gate.has_begun()
            draining = asyncio.create_task(house.server.drain())
            await house.is_draining()
            await house.begin(old)
            assert (old.head.status, old.head.headers["connection"]) == (503, "close")
            assert int(old.head.headers["retry-after"]) >= 1
            assert b'"code":"shutting_down"' in await old.read_body()
            assert await old.is_closed_by_server()
            gate.opened.set()
            await running.read_until("complete")
            await draining

    with_server(gate, scenario, drain=20.0)


def test_a_stream_can_still_be_stopped_and_resumed_while_the_server_drains() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as running, house.connect() as other:
            stream_id = await house.begin(running)
            await gate.has_begun()
            await other.send("GET", "/healthz")
            await other.read_response()
            draining = asyncio.create_task(house.server.drain())
            await house.is_draining()
            headers = {"Authorization": "Bearer secret-a"}
            await other.send("DELETE", f"/api/streams/{stream_id}", headers=headers)
            assert (await other.read_response()).json["state"] == "cancelling"
            await other.send("GET", f"/api/streams/{stream_id}", headers=headers)
            assert b'"code":"cancelled"' in (await other.read_response()).body
            await running.read_until("cancelled")
            gate.opened.set()
            await draining

    with_server(gate, scenario, drain=20.0)


def test_close_tells_whether_a_function_is_still_running() -> None:
    gate = Gate()
    idle = []

    async def scenario(house: House) -> None:
        assert (await house.ask(timeout=0.05)).frames[-1].status == "timeout"
        await house.server.drain()
        idle.append(await house.server.close())
        gate.opened.set()

    with_server(gate, scenario)
    assert idle == [False]


def test_an_idle_server_drains_at_once() -> None:
    async def scenario(house: House) -> None:
        await house.ask(SMART)
        await house.server.drain()
        assert await house.server.close()

    with_server(saying("hi"), scenario, drain=86_400.0)


def test_a_store_that_is_gone_does_not_keep_the_server_from_closing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_writer, "RETRY_SECONDS", 0.0)
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            await house.begin(connection)
            await gate.has_begun()
            await house.server.database.close()
            gate.opened.set()
            await connection.read_until("complete")

    with_server(gate, scenario)
