"""The four chat doors at work: answers, errors, the queue, and clients that leave."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from threading import Event
from typing import Any

import pytest
from streamchat.stores.profiles import Profile, ProfileSettings

from tests.handlers.house import (
    BASIC,
    BOB,
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
        (turn,) = house.server.rooms.book._running.values()
        await house.request("DELETE", f"/api/streams/{turn.id}")
        response = await asked
        assert (response.status, response.json["code"]) == (409, "cancelled")
        gate.opened.set()

    with_server(gate, scenario)


# What a function can do wrong.


def exits(message: str) -> str:
    sys.exit(3)


def interrupts(message: str) -> str:
    raise KeyboardInterrupt


def stops(message: str) -> str:
    raise StopIteration


def leaves(message: str) -> str:
    raise GeneratorExit


def fails_oddly(message: str) -> str:
    class Odd(BaseException):
        def __str__(self) -> str:
            raise RuntimeError("not even a message")

    raise Odd


def cancels_itself(message: str) -> str:
    raise asyncio.CancelledError


def yields_a_number(message: str) -> Iterator[Any]:
    yield 7


async def returns_nothing(message: str) -> None:
    return None


async def fails_later(message: str) -> AsyncIterator[str]:
    raise RuntimeError
    yield ""


class Lazy:
    def __str__(self) -> str:
        return "not a text"


@pytest.mark.parametrize(
    "function",
    [
        exits,
        interrupts,
        stops,
        leaves,
        fails_oddly,
        cancels_itself,
        yields_a_number,
        returns_nothing,
        fails_later,
        *(saying(value) for value in (None, b"bytes", {"a": "dict"}, ["list"], 7, True, Lazy())),
    ],
)
def test_a_function_that_misbehaves_gets_the_clear_frame_and_the_server_goes_on(function: Any) -> None:
    def process_query(message: str) -> Any:
        return "well" if message == "behave" else function(message)

    async def scenario(house: House) -> None:
        for door in STREAMING_DOORS:
            frames = (await house.ask(door)).frames
            end = frames[-1].payload
            assert (end["status"], end["code"], end["success"]) == ("error", "processing_error", False)
            assert [frame.is_terminal for frame in frames].count(True) == 1
            assert "None" not in answer_in(frames)
        assert (await house.ask("/api/chat")).status == 500
        assert answer_in((await house.ask(message="behave")).frames) == "well"

    with_server(process_query, scenario)


def test_what_was_said_before_a_failure_is_kept() -> None:
    def talking(message: str) -> Iterator[str]:
        yield "This much is true. "
        raise RuntimeError

    async def scenario(house: House) -> None:
        for door in STREAMING_DOORS:
            frames = (await house.ask(door)).frames
            assert answer_in(frames) == "This much is true. "
            assert frames[-1].payload["code"] == "processing_error"

    with_server(talking, scenario)


def test_what_a_function_prints_is_no_part_of_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    def chatty(message: str) -> str:
        print("to the terminal")
        print("and to the log", file=sys.stderr)
        return "to the client"

    async def scenario(house: House) -> None:
        response = await house.ask()
        assert answer_in(response.frames) == "to the client"
        assert b"terminal" not in response.body

    with_server(chatty, scenario)
    assert "to the terminal" in capsys.readouterr().out


def test_a_hanging_function_holds_up_its_own_turn_only() -> None:
    gate = Gate()

    def process_query(message: str) -> str:
        return gate(message) if message == "hang" else "quick"

    async def scenario(house: House) -> None:
        for _ in range(3):
            frames = (await house.ask(message="hang", timeout=0.05)).frames
            assert frames[-1].status == "timeout"
        assert answer_in((await house.ask(message="other")).frames) == "quick"
        assert house.server.rooms.executor_statistics().abandoned == 3
        gate.opened.set()

    with_server(process_query, scenario, max_running=2, max_abandoned=3)


def test_a_request_may_shorten_the_servers_limit_but_not_lengthen_it() -> None:
    def slow(message: str, cancelled: Any) -> str:
        cancelled.wait(PATIENCE_SECONDS)
        return "too late"

    async def scenario(house: House) -> None:
        assert (await house.ask(timeout=86_400)).frames[-1].status == "timeout"

    with_server(slow, scenario, process_timeout=0.05)


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


# The queue.


def test_a_third_question_waits_in_a_house_of_two_and_then_goes_through() -> None:
    gates = {name: Gate(name) for name in ("one", "two", "three", "four")}

    def process_query(message: str) -> str:
        return gates[message](message)

    async def scenario(house: House) -> None:
        connections = {name: await house.connect().__aenter__() for name in gates}
        try:
            for name in ("one", "two"):
                await house.begin(connections[name], message=name)
                await gates[name].has_begun()
            for position, name in enumerate(("three", "four"), 1):
                await house.begin(connections[name], message=name)
                payload = (await connections[name].read_until("queued"))[-1].payload
                assert payload["position"] == position
                assert "estimated_wait" in payload
            refused = await house.ask(message="five")
            assert (refused.status, refused.frames[0].payload["code"]) == (503, "overloaded")
            assert int(refused.headers["retry-after"]) >= 1
            gates["one"].opened.set()
            await gates["three"].has_begun()
            moved = await connections["four"].read_until("queued")
            assert moved[-1].payload["position"] == 1
            for gate in gates.values():
                gate.opened.set()
            for name, connection in connections.items():
                assert answer_in([frame async for frame in connection.frames()]) == name
            assert (await house.ask(message="one")).frames[-1].status == "complete"
        finally:
            for connection in connections.values():
                await connection.close()

    with_server(process_query, scenario, max_running=2, max_queued=2)


@pytest.mark.parametrize("door", STREAMING_DOORS)
def test_a_refusal_for_want_of_room_is_one_frame(door: str) -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            await house.begin(connection)
            await gate.has_begun()
            response = await house.ask(door, lang="en")
            assert response.status == 503
            (frame,) = response.frames
            assert (frame.payload["status"], frame.payload["code"], frame.is_terminal) == ("error", "overloaded", True)
            assert house.turns_opened == 1
            gate.opened.set()

    with_server(gate, scenario, max_running=1, max_queued=0)


# Clients that leave.


class Watched:
    """A function that says what became of it."""

    def __init__(self) -> None:
        self.begun = Event()
        self.opened = Event()
        self.stopped = Event()

    def __call__(self, message: str, cancelled: Any) -> str:
        cancelled.on_set(self.stopped.set)
        cancelled.on_set(self.opened.set)
        self.begun.set()
        self.opened.wait(PATIENCE_SECONDS)
        return "kept"


async def leave(house: House, watched: Watched, door: str = SMART, **fields: Any) -> str:
    """Ask, wait until the function runs, and hang up."""
    async with house.connect() as connection:
        stream_id = await house.begin(connection, door, **fields)
        assert await asyncio.to_thread(watched.begun.wait, PATIENCE_SECONDS)
    return stream_id


async def followed(house: House, stream_id: str) -> tuple[str, str]:
    frames = (await house.get(f"/api/streams/{stream_id}")).frames
    return frames[-1].status, answer_in(frames)


def test_cancel_stops_the_work_as_soon_as_the_client_leaves() -> None:
    watched = Watched()

    async def scenario(house: House) -> None:
        stream_id = await leave(house, watched, on_disconnect="cancel")
        assert await asyncio.to_thread(watched.stopped.wait, PATIENCE_SECONDS)
        assert await followed(house, stream_id) == ("cancelled", "")

    with_server(watched, scenario)


def test_continue_finishes_without_anybody() -> None:
    watched = Watched()

    async def scenario(house: House) -> None:
        stream_id = await leave(house, watched, on_disconnect="continue")
        watched.opened.set()
        assert await followed(house, stream_id) == ("complete", "kept")
        assert not watched.stopped.is_set()

    with_server(watched, scenario, linger=0.0)


def test_grace_waits_for_the_client_to_come_back() -> None:
    watched = Watched()

    async def scenario(house: House) -> None:
        stream_id = await leave(house, watched)
        back = asyncio.create_task(followed(house, stream_id))
        while house.server.rooms.book.readers == 0:
            await asyncio.sleep(0)
        watched.opened.set()
        assert await back == ("complete", "kept")
        assert not watched.stopped.is_set()

    with_server(watched, scenario)


def test_grace_ends_when_nobody_comes_back() -> None:
    watched = Watched()

    async def scenario(house: House) -> None:
        stream_id = await leave(house, watched)
        assert await asyncio.to_thread(watched.stopped.wait, PATIENCE_SECONDS)
        assert await followed(house, stream_id) == ("cancelled", "")

    with_server(watched, scenario, linger=0.05)


def test_a_second_reader_keeps_a_turn_alive_that_the_first_one_left() -> None:
    watched = Watched()

    async def scenario(house: House) -> None:
        async with house.connect() as second:
            async with house.connect() as first:
                stream_id = await house.begin(first, on_disconnect="cancel")
                await second.send("GET", f"/api/streams/{stream_id}", headers=authorized("secret-a"))
                await second.read_head()
                await second.read_until("processing")
            while house.server.rooms.book.readers > 1:
                await asyncio.sleep(0)
            watched.opened.set()
            assert answer_in([frame async for frame in second.frames()]) == "kept"

    with_server(watched, scenario)


def test_the_json_door_minds_a_client_that_leaves_too() -> None:
    watched = Watched()

    async def scenario(house: House) -> None:
        await leave_json_door(house, watched)
        assert await asyncio.to_thread(watched.stopped.wait, PATIENCE_SECONDS)
        assert answer_in((await house.ask(token=BOB)).frames) == "kept"

    async def leave_json_door(house: House, watched: Watched) -> None:
        asked = asyncio.create_task(house.ask("/api/chat", on_disconnect="cancel"))
        assert await asyncio.to_thread(watched.begun.wait, PATIENCE_SECONDS)
        watched.begun.clear()
        asked.cancel()
        await asyncio.wait([asked])

    with_server(watched, scenario)


def test_a_profile_may_decide_what_a_disconnect_means() -> None:
    watched = Watched()

    async def scenario(house: House) -> None:
        settings = ProfileSettings(on_disconnect="continue")
        await house.server.rooms.profiles.put(Profile(username="Patient", display_name="P", settings=settings))
        stream_id = await leave(house, watched, username="Patient")
        watched.opened.set()
        assert await followed(house, stream_id) == ("complete", "kept")

    with_server(watched, scenario, linger=0.0)


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
