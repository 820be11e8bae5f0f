"""Is it alive, is it ready, how is it."""

from contextlib import AsyncExitStack
from typing import Any

import pytest

from streamchat.stores import database
from tests.handlers.house import ALICE, BOB, Gate, House, saying, with_server

# As many as the store's pool has.
CONNECTIONS = 15


def test_alive_needs_no_token_and_nothing_else() -> None:
    async def scenario(house: House) -> None:
        await house.server.database.close()
        response = await house.get("/healthz", token=None)
        assert (response.status, response.json) == (200, {"status": "ok"})

    with_server(saying("hi"), scenario)


def test_ready_says_so() -> None:
    async def scenario(house: House) -> None:
        response = await house.get("/readyz", token=None)
        assert (response.status, response.json) == (200, {"status": "ready", "reasons": []})

    with_server(saying("hi"), scenario)


def test_a_broken_store_is_not_ready_and_says_why() -> None:
    async def scenario(house: House) -> None:
        await house.server.database.close()
        response = await house.get("/readyz", token=None)
        assert (response.status, response.json["status"]) == (503, "not_ready")
        assert response.json["reasons"][0].startswith("store: ")

    with_server(saying("hi"), scenario)


def test_a_store_that_is_stuck_is_not_ready_and_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "PING_SECONDS", 0.05)

    async def scenario(house: House) -> None:
        async with AsyncExitStack() as others:
            for _ in range(CONNECTIONS):
                await others.enter_async_context(house.server.database.reading())
            ready = await house.get("/readyz", token=None)
            assert (ready.status, ready.json["reasons"]) == (503, ["store: the database did not answer in time"])
            assert (await house.get("/api/health")).json["status"] == "not_ready"
        assert (await house.get("/readyz", token=None)).status == 200

    with_server(saying("hi"), scenario)


def test_a_broken_store_refuses_new_questions_with_a_retry() -> None:
    async def scenario(house: House) -> None:
        await house.server.database.close()
        for door in ("/api/chat", "/api/stream_chat_smart"):
            response = await house.ask(door)
            assert response.status == 503
            assert int(response.headers["retry-after"]) >= 1
        assert (await house.get("/api/profiles", token="unknown")).status == 503

    with_server(saying("hi"), scenario)


def test_too_many_abandoned_workers_are_not_ready_until_they_return() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        assert (await house.ask(timeout=0.05)).frames[-1].status == "timeout"
        response = await house.get("/readyz", token=None)
        assert (response.status, response.json["reasons"][0].partition(":")[0]) == (503, "workers")
        gate.opened.set()
        while (await house.get("/readyz", token=None)).status == 503:
            pass

    with_server(gate, scenario, max_abandoned=1)


def test_a_draining_server_is_not_ready() -> None:
    async def scenario(house: House) -> None:
        house.server.rooms.book.drain()
        response = await house.get("/readyz", token=None)
        assert (response.status, response.json["reasons"]) == (503, ["draining: the server is shutting down"])
        refused = await house.ask()
        assert (refused.status, refused.frames[0].payload["code"]) == (503, "shutting_down")
        assert refused.headers["connection"] == "close"

    with_server(saying("hi"), scenario)


def test_the_detail_has_the_numbers() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            await house.begin(connection)
            await gate.has_begun()
            body: dict[str, Any] = (await house.get("/api/health")).json
            assert body["status"] == "ready"
            assert (body["turns"], body["readers"]) == ({"running": 1, "remembered": 0}, 1)
            assert (body["workers"]["busy"], body["workers"]["abandoned"]) == (1, 0)
            assert body["backend"] == "Gate"
            assert (body["store"], body["connections"]) == ("sqlite", {"open": 2, "refused": 0, "websockets": 0})
            assert body["log_bytes"] > 0
            assert body["uptime_seconds"] >= 0
            assert body["loop_lag_seconds"].keys() == {"mean", "highest"}
            assert body["limits"]["process_timeout_seconds"] == 150.0
            assert body["workers"]["limits"]["max_running"] == 32
            gate.opened.set()
            await connection.read_until("complete")

    with_server(gate, scenario)


def test_the_detail_is_for_callers_and_holds_no_secret() -> None:
    async def scenario(house: House) -> None:
        assert (await house.get("/api/health", token=None)).status == 401
        body = (await house.get("/api/health")).body.decode()
        # Not even where the store is: in another address a password would stand there.
        for secret in (ALICE, BOB, str(house.folder), "test.db"):
            assert secret not in body

    with_server(saying("hi"), scenario)


def test_a_full_queue_is_no_reason_to_send_readers_elsewhere() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            await house.begin(connection)
            await gate.has_begun()
            assert (await house.ask()).status == 503
            assert (await house.get("/readyz", token=None)).status == 200
            gate.opened.set()
            await connection.read_until("complete")

    with_server(gate, scenario, max_running=1, max_queued=0)


def test_a_server_that_replaces_no_abandoned_worker_is_ready_while_there_is_none() -> None:
    async def scenario(house: House) -> None:
        assert (await house.get("/readyz")).status == 200

    with_server(saying("hi"), scenario, max_abandoned=0)
