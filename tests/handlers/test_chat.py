"""The four chat doors at work: the JSON door, progress, and clients of HTTP/1.0."""

import asyncio
from typing import Any

import pytest

from tests.handlers.house import (
    BASIC,
    CHAT_DOORS,
    SMART,
    STREAMING_DOORS,
    Gate,
    House,
    answer_in,
    authorized,
    saying,
    statuses,
    with_server,
)
from tests.handlers.raw_client import PATIENCE_SECONDS, Connection

# The JSON door.


def test_the_json_door_answers_with_everything_in_one_body() -> None:
    async def scenario(house: House) -> None:
        response = await house.ask("/api/chat", conversation_id="chat_7")
        assert response.status == 200
        assert response.headers["content-type"] == "application/json; charset=utf-8"
        body = response.json
        times = {body.pop("total_processing_time"), body.pop("total_time")}
        assert all(isinstance(seconds, float) for seconds in times)
        assert body == {
            "success": True,
            "data": "hello",
            "status": "complete",
            "is_complete": True,
            "conversation_id": "chat_7",
            "stream_id": response.headers["x-stream-id"],
        }

    with_server(saying("hello"), scenario)


def test_the_json_door_says_what_went_wrong_with_a_status() -> None:
    def misbehaving(message: str, cancelled: Any) -> Any:
        if message == "hang":
            cancelled.wait(PATIENCE_SECONDS)
        if message == "raise":
            raise ValueError("secret detail")
        return None

    async def scenario(house: House) -> None:
        expected = {
            "hang": (504, "timeout", "timeout"),
            "raise": (500, "error", "processing_error"),
            "none": (500, "error", "processing_error"),
        }
        for message, (status, state, code) in expected.items():
            response = await house.ask("/api/chat", message=message, timeout=0.1 if message == "hang" else None)
            body = response.json
            assert (response.status, body["status"], body["code"], body["success"]) == (status, state, code, False)
            assert b"secret detail" not in response.body
        assert (await house.ask("/api/chat", username="Nobody")).status == 404

    with_server(misbehaving, scenario)


def test_the_json_door_refuses_when_there_is_no_room() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        first = asyncio.create_task(house.ask("/api/chat"))
        await gate.has_begun()
        response = await house.ask("/api/chat")
        assert (response.status, response.json["code"]) == (503, "overloaded")
        assert int(response.headers["retry-after"]) >= 1
        gate.opened.set()
        assert (await first).json["data"] == "done"

    with_server(gate, scenario, max_running=1, max_queued=0)


def test_the_json_door_tells_of_a_cancel() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        asked = asyncio.create_task(house.ask("/api/chat"))
        await gate.has_begun()
        # The headers that name the stream come with the answer, which is too late for this test.
        (turn_id,) = house.server.rooms.book._running
        await house.request("DELETE", f"/api/streams/{turn_id}")
        response = await asked
        assert (response.status, response.json["code"]) == (409, "cancelled")
        gate.opened.set()

    with_server(gate, scenario)


# An answer leaves the moment it exists.


def test_the_answer_does_not_wait_for_the_next_progress_frame() -> None:
    gate = Gate("the answer")

    async def scenario(house: House) -> None:
        for door in STREAMING_DOORS:
            gate.opened.clear()
            async with house.connect() as connection:
                await house.begin(connection, door)
                seen = await connection.read_until("processing")
                progress = await connection.read_frame()
                assert progress is not None
                assert "elapsed_time" in progress.payload
                gate.opened.set()
                rest = [frame async for frame in connection.frames()]
            assert statuses(seen)[1:] == ["processing"]
            assert statuses(rest) == ["processing_complete", "streaming", "complete"]

    with_server(gate, scenario)


def test_what_a_function_reports_of_itself_is_shown() -> None:
    gate = Gate()

    def reporting(message: str, progress: Any) -> str:
        progress("searching", 40)
        return gate(message)

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            await house.begin(connection, BASIC)
            while True:
                frame = await connection.read_frame()
                assert frame is not None
                if frame.payload.get("message") == "searching":
                    break
            assert frame.payload["progress"] == 40.0
            gate.opened.set()
            assert answer_in([later async for later in connection.frames()]) == "done"

    with_server(reporting, scenario)


def test_the_headers_and_the_opening_come_before_any_work() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as first, house.connect() as second:
            await house.begin(first)
            await gate.has_begun()
            await house.begin(second, BASIC)
            assert second.head.status == 200
            assert statuses(await second.read_until("connecting")) == ["connecting"]
            assert gate.calls == 1
            gate.opened.set()
            assert answer_in([frame async for frame in second.frames()]) == "done"
            assert answer_in([frame async for frame in first.frames()]) == "done"

    with_server(gate, scenario, max_running=1)


# HTTP/1.0.


@pytest.mark.parametrize("keep_alive", [True, False])
def test_an_http_1_0_client_gets_a_stream_that_ends_with_its_connection(keep_alive: bool) -> None:
    async def scenario(house: House) -> None:
        async with Connection(house.port) as connection:
            headers = authorized("secret-a") | {"Content-Type": "application/json"}
            headers |= {"Connection": "keep-alive"} if keep_alive else {}
            body = b'{"username": "VitalikButerin", "message": "hi", "pace": "none"}'
            await connection.send("POST", SMART, headers=headers, body=body, version="HTTP/1.0")
            response = await connection.read_response()
            assert response.status == 200
            assert "transfer-encoding" not in response.headers
            assert response.headers["connection"] == "close"
            assert answer_in(response.frames) == "hi there"
            assert response.frames[-1].status == "complete"

    with_server(saying("hi there"), scenario)


def test_all_doors_answer_an_http_1_0_client() -> None:
    async def scenario(house: House) -> None:
        for door in CHAT_DOORS:
            async with Connection(house.port) as connection:
                headers = authorized("secret-a") | {"Content-Type": "application/json"}
                body = b'{"username": "VitalikButerin", "message": "hi", "pace": "none"}'
                await connection.send("POST", door, headers=headers, body=body, version="HTTP/1.0")
                assert b"hi there" in (await connection.read_response()).body

    with_server(saying("hi there"), scenario)
