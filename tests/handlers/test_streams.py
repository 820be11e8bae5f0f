"""Follow, resume and stop: ``/api/streams/{id}``."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.handlers.house import (
    BASIC,
    BOB,
    SMART,
    STREAMING_DOORS,
    Gate,
    House,
    answer_in,
    authorized,
    durable,
    saying,
    statuses,
    until,
    with_server,
)
from tests.handlers.raw_client import Frame, Response

ANSWER = "Rollups move the work. 卷叠很有用。 👨‍👩‍👧 done!\r\n" * 4
LONG = "on and on. " * 100_000  # more than the kernel takes for a client that does not read


async def resume(house: House, stream_id: str, last: str, how: str, token: str = "secret-a") -> Response:
    """Ask for what comes after the id ``last``, in one of the three ways."""
    if how == "header":
        return await house.get(f"/api/streams/{stream_id}", token=token, Last_Event_ID=last)
    return await house.get(f"/api/streams/{stream_id}?{how}={last}", token=token)


@pytest.mark.parametrize("how", ["header", "last_event_id", "lastEventId"])
@pytest.mark.parametrize("door", STREAMING_DOORS)
def test_a_cut_after_any_frame_is_resumed_with_every_missing_durable_frame_once(door: str, how: str) -> None:
    async def scenario(house: House) -> None:
        stream = await house.ask(door)
        everything = durable(stream.frames)
        for frame in stream.frames[:-1]:
            resumed = await resume(house, stream.headers["x-stream-id"], frame.id, how)
            assert resumed.status == 200
            assert [later.raw for later in resumed.frames] == everything[frame.number :], frame
        assert len(everything) == stream.frames[-1].number

    with_server(saying(ANSWER), scenario)


def test_a_live_stream_that_is_cut_while_the_function_talks_is_resumed_where_it_was() -> None:
    gate = Gate()

    async def talking(message: str) -> AsyncIterator[str]:
        yield "One sentence. "
        await gate.let_through()
        yield "Another sentence. "

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection, chunking={"strategy": "characters", "size": 4})
            seen = await connection.read_until("streaming")
        gate.opened.set()
        rest = (await resume(house, stream_id, seen[-1].id, "header")).frames
        again = (await resume(house, stream_id, "", "header")).frames
        assert durable(seen) + durable(rest) == durable(again)
        assert answer_in(seen + rest) == "One sentence. Another sentence. "

    with_server(talking, scenario)


def test_a_resume_shows_no_old_progress_but_goes_on_with_new() -> None:
    gate = Gate("the answer")

    async def scenario(house: House) -> None:
        async with house.connect() as first, house.connect() as second:
            stream_id = await house.begin(first)
            await first.read_until("processing")
            await second.send(
                "GET", f"/api/streams/{stream_id}?last_event_id={stream_id}:0", headers=authorized("secret-a")
            )
            await second.read_head()
            frame = await second.read_frame()
            assert frame is not None
            assert "progress" in frame.payload
            assert frame.id == f"{stream_id}:0"
            gate.opened.set()
            assert answer_in([later async for later in second.frames()]) == "the answer"

    with_server(gate, scenario)


def test_a_second_reader_sees_the_same_while_the_first_one_reads() -> None:
    gate = Gate(ANSWER)

    async def scenario(house: House) -> None:
        async with house.connect() as first:
            stream_id = await house.begin(first)
            await gate.has_begun()
            second = asyncio.create_task(resume(house, stream_id, "", "header"))
            await first.read_until("processing")
            gate.opened.set()
            frames = [frame async for frame in first.frames()]
            assert durable((await second).frames) == durable(frames)

    with_server(gate, scenario)


def test_a_paced_stream_is_resumed_to_the_same_bytes() -> None:
    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection, BASIC, pace="natural")
            seen = await connection.read_until("streaming")
        rest = (await resume(house, stream_id, seen[-1].id, "header")).frames
        again = (await resume(house, stream_id, "", "header")).frames
        assert durable(seen) + durable(rest) == durable(again)

    with_server(saying("Short, and paced all the same."), scenario)


def test_whoever_has_seen_all_is_answered_with_204() -> None:
    async def scenario(house: House) -> None:
        stream = await house.ask()
        stream_id = stream.headers["x-stream-id"]
        for how in ("header", "last_event_id", "lastEventId"):
            response = await resume(house, stream_id, stream.frames[-1].id, how)
            assert (response.status, response.body) == (204, b"")

    with_server(saying("hi"), scenario)


@pytest.mark.parametrize(
    "last", ["nonsense", "{id}", "{id}:", "{id}:-1", "{id}:x", "{id}:99", "st_other:1", "{id}:1:1", "7"]
)
def test_an_impossible_last_event_id_is_a_400_that_names_the_header(last: str) -> None:
    async def scenario(house: House) -> None:
        stream_id = (await house.ask()).headers["x-stream-id"]
        for how in ("header", "last_event_id", "lastEventId"):
            response = await resume(house, stream_id, last.format(id=stream_id), how)
            assert response.status == 400, how
            (frame,) = response.frames
            assert (frame.payload["code"], frame.payload["field"]) == ("invalid_request", "Last-Event-ID")

    with_server(saying("hi"), scenario)


def test_a_place_that_a_running_stream_has_not_reached_is_impossible_too() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection)
            assert (await resume(house, stream_id, f"{stream_id}:1", "header")).status == 400
            gate.opened.set()
            assert statuses([frame async for frame in connection.frames()])[-1] == "complete"

    with_server(gate, scenario)


def test_a_stream_of_someone_else_is_as_unknown_as_one_that_never_was() -> None:
    async def scenario(house: House) -> None:
        stream_id = (await house.ask()).headers["x-stream-id"]
        for unknown, token in ((stream_id, BOB), ("st_never", BOB), ("st_never", "secret-a"), ("%00", "secret-a")):
            followed = await house.get(f"/api/streams/{unknown}", token=token)
            deleted = await house.request("DELETE", f"/api/streams/{unknown}", token=token)
            assert (followed.status, deleted.status) == (404, 404)
            assert followed.frames[0].payload == deleted.json
            assert deleted.json["code"] == "stream_not_found"

    with_server(saying("hi"), scenario)


def test_a_forgotten_stream_is_gone_and_not_run_again() -> None:
    gate = Gate()
    gate.opened.set()

    async def scenario(house: House) -> None:
        stream = await house.ask()
        stream_id = stream.headers["x-stream-id"]
        for path in (f"/api/streams/{stream_id}", f"/api/streams/{stream_id}?last_event_id={stream.frames[-1].id}"):
            response = await house.get(path)
            assert (response.status, response.frames[0].payload["code"]) == (410, "stream_gone")
        assert (await house.request("DELETE", f"/api/streams/{stream_id}")).status == 410
        assert (await house.get(f"/api/streams/{stream_id}", token=BOB)).status == 404
        assert gate.calls == 1

    with_server(gate, scenario, remember=0.0)


async def stop(house: House, stream_id: str) -> dict[str, object]:
    """Press stop; the state and the worker."""
    response = await house.request("DELETE", f"/api/streams/{stream_id}")
    assert response.status == 200
    assert response.json["stream_id"] == stream_id
    return {name: response.json[name] for name in ("state", "worker")}


def said_in(frame: Frame) -> tuple[object, ...]:
    return tuple(frame.payload.get(name) for name in ("status", "code", "success", "is_complete", "worker"))


def test_a_function_that_listens_is_stopped_and_the_frame_says_so() -> None:
    def listening(message: str, cancelled: object) -> str:
        cancelled.wait(20)  # type: ignore[attr-defined]
        return "never shown"

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection)
            await connection.read_until("processing")
            assert await stop(house, stream_id) == {"state": "cancelled", "worker": "ended"}
            frames = [frame async for frame in connection.frames()]
            assert said_in(frames[-1]) == ("cancelled", "cancelled", False, True, "ended")
            assert await stop(house, stream_id) == {"state": "cancelled", "worker": "ended"}

    with_server(listening, scenario)


def test_a_function_that_does_not_listen_is_truthfully_still_running() -> None:
    gate = Gate("too late")

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection)
            await gate.has_begun()
            assert await stop(house, stream_id) == {"state": "cancelling", "worker": "running"}
            frames = [frame async for frame in connection.frames()]
            assert said_in(frames[-1]) == ("cancelled", "cancelled", False, True, "running")
            assert await stop(house, stream_id) == {"state": "cancelling", "worker": "running"}
            gate.opened.set()
            while (await stop(house, stream_id))["worker"] == "running":
                pass
            assert await stop(house, stream_id) == {"state": "cancelled", "worker": "ended"}

    with_server(gate, scenario)


def test_a_finished_stream_stays_finished() -> None:
    async def scenario(house: House) -> None:
        stream = await house.ask()
        stream_id = stream.headers["x-stream-id"]
        assert await stop(house, stream_id) == {"state": "finished", "worker": "ended"}
        assert await stop(house, stream_id) == {"state": "finished", "worker": "ended"}
        again = await resume(house, stream_id, "", "header")
        assert durable(again.frames) == durable(stream.frames)

    with_server(saying("hi"), scenario)


def test_a_turn_in_the_queue_is_stopped_before_it_ever_runs() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as first, house.connect() as second:
            await house.begin(first)
            await gate.has_begun()
            waiting = await house.begin(second)
            await second.read_until("queued")
            assert await stop(house, waiting) == {"state": "cancelled", "worker": "ended"}
            frames = [frame async for frame in second.frames()]
            assert said_in(frames[-1]) == ("cancelled", "cancelled", False, True, "ended")
            gate.opened.set()
            assert answer_in([frame async for frame in first.frames()]) == "done"
            assert gate.calls == 1

    with_server(gate, scenario, max_running=1)


def test_an_answer_that_is_still_being_shown_is_cut_and_the_frame_says_so() -> None:
    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection, BASIC, pace="natural")
            await connection.read_until("streaming")
            assert await stop(house, stream_id) == {"state": "cancelled", "worker": "ended"}
            frames = [frame async for frame in connection.frames()]
            assert said_in(frames[-1]) == ("cancelled", "cancelled", False, True, "ended")
            assert len(answer_in(frames)) < len(ANSWER * 20)
            assert await stop(house, stream_id) == {"state": "cancelled", "worker": "ended"}

    with_server(saying(ANSWER * 20), scenario)


def test_an_answer_that_is_all_due_is_finished_though_its_client_has_not_taken_it_yet() -> None:
    async def scenario(house: House) -> None:
        async with house.connect(receive_buffer=4_096) as slow:
            stream_id = await house.begin(slow, pace="none")
            await until(lambda: house.server.rooms.book.find(stream_id, owner="alice").ended is not None)
            assert await stop(house, stream_id) == {"state": "finished", "worker": "ended"}
            frames = [frame async for frame in slow.frames()]
            assert frames[-1].payload["status"] == "complete"
            assert answer_in(frames) == LONG

    with_server(saying(LONG), scenario)


def test_a_generator_is_closed_when_it_is_stopped() -> None:
    gate = Gate()
    closed = Gate()

    def talking(message: str) -> Iterator[str]:
        try:
            while True:
                yield "on and on. "
                gate.begun.set()
        finally:
            closed.begun.set()

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection)
            await gate.has_begun()
            reading = asyncio.create_task(connection.read_until("cancelled"))
            assert await stop(house, stream_id) == {"state": "cancelled", "worker": "ended"}
            await closed.has_begun()
            assert said_in((await reading)[-1])[-1] == "ended"

    with_server(talking, scenario)


def test_a_stopped_turn_gives_its_place_to_the_next() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as first:
            stream_id = await house.begin(first)
            await gate.has_begun()
            await stop(house, stream_id)
            gate.opened.set()
            assert answer_in((await house.ask(SMART)).frames) == "done"

    with_server(gate, scenario, max_running=1, max_abandoned=1)


def test_other_methods_are_refused() -> None:
    async def scenario(house: House) -> None:
        for method in ("POST", "PUT", "PATCH"):
            response = await house.request(method, "/api/streams/st_1", headers={"Content-Length": "0"})
            assert response.status == 405

    with_server(saying("hi"), scenario)
