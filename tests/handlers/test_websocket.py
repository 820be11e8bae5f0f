"""``/api/ws``: many turns on one socket, the same frames as server-sent events, and a lost socket that resumes."""

from collections.abc import AsyncIterator, Callable

import pytest

from tests.handlers.house import (
    ALICE,
    BASIC,
    BOB,
    SMART,
    STREAMING_DOORS,
    Gate,
    House,
    question,
    saying,
    until,
    with_server,
)
from tests.handlers.socket_client import Message, Socket, answer_of, as_sse, durable_of

ANSWER = "Rollups move the work. 卷叠很有用。 👨‍👩‍👧 done!\u2028\r\n" * 4
NAMES = {"/api/stream_chat": "basic", "/api/stream_chat_advanced": "advanced", SMART: "smart"}


@pytest.mark.parametrize("door", STREAMING_DOORS)
def test_the_frames_are_those_of_server_sent_events_and_say_whose_they_are(door: str) -> None:
    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            stream_id = await socket.ask(door=NAMES[door])
            frames = await socket.read_stream(stream_id)
            followed = await house.get(f"/api/streams/{stream_id}")
            assert [as_sse(frame) for frame in durable_of(frames)] == [frame.payload for frame in followed.frames]
            assert [frame["id"] for frame in durable_of(frames)] == [frame.id for frame in followed.frames]
            asked = await house.ask(door)
            assert [(frame["status"], list(as_sse(frame))) for frame in frames] == [
                (frame.status, list(frame.payload)) for frame in asked.frames
            ]
            assert answer_of(frames) == ANSWER

    with_server(saying(ANSWER), scenario)


def test_a_question_is_accepted_under_the_clients_own_reference() -> None:
    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            await socket.send(type="query", ref="my 1", **question(conversation_id="chat_1"))
            accepted = await socket.read()
            stream_id = accepted["stream_id"]
            assert accepted == {
                "type": "accepted",
                "ref": "my 1",
                "success": True,
                "stream_id": stream_id,
                "conversation_id": "chat_1",
                "resumed": False,
                "is_over": False,
            }
            assert (await socket.read_stream(stream_id))[0]["status"] == "initializing"

    with_server(saying("a"), scenario)


def test_a_long_chunk_comes_in_fragments_and_is_the_same_text() -> None:
    answer = "长" * 40_000

    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            stream_id = await socket.ask(chunking={"strategy": "characters", "size": 10_000})
            assert answer_of(await socket.read_stream(stream_id)) == answer

    with_server(saying(answer), scenario)


def test_a_stream_begun_by_post_goes_on_on_a_socket_and_the_other_way_round() -> None:
    async def scenario(house: House) -> None:
        posted = await house.ask(BASIC)
        stream_id, half = posted.headers["x-stream-id"], posted.frames[-3]
        async with Socket(house) as socket:
            await socket.send(type="resume", stream_id=stream_id, last_event_id=half.id)
            await socket.read()
            rest = await socket.read_stream(stream_id)
            assert [as_sse(frame) for frame in rest] == [frame.payload for frame in posted.frames[-2:]]
            asked = await socket.ask()
            frames = await socket.read_stream(asked)
        resumed = await house.get(f"/api/streams/{asked}", Last_Event_ID=frames[-2]["id"])
        assert [frame.payload for frame in resumed.frames] == [as_sse(frames[-1])]

    with_server(saying(ANSWER), scenario)


def test_whoever_has_seen_all_is_told_so_and_given_no_frame() -> None:
    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            stream_id = await socket.ask()
            frames = await socket.read_stream(stream_id)
            await socket.send(type="resume", stream_id=stream_id, last_event_id=frames[-1]["id"])
            assert (await socket.read())["is_over"] is True
            await socket.send(type="ping", ref="next")
            assert await socket.read() == {"type": "pong", "ref": "next", "success": True}
            assert house.server.rooms.book.readers == 0

    with_server(saying("a"), scenario)


def test_many_turns_on_one_socket_are_interleaved_and_each_is_whole() -> None:
    gates = [Gate() for _ in range(8)]

    async def talking(message: str) -> AsyncIterator[str]:
        gate = gates[int(message)]
        yield f"{message} begins. "
        await gate.let_through()
        yield f"{message} ends. " * 20

    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            for number in range(len(gates)):
                asked = question(message=str(number), chunking={"strategy": "characters", "size": 8})
                await socket.send(type="query", ref=str(number), **asked)
            seen: list[Message] = []
            while len(streams_with(seen, "streaming")) < len(gates):
                seen.append(await socket.read())
            for gate in gates:
                gate.opened.set()
            while len(ended(seen)) < len(gates):
                seen.append(await socket.read())
        for accepted in [message for message in seen if message.get("type") == "accepted"]:
            frames = [frame for frame in seen if "type" not in frame and frame["stream_id"] == accepted["stream_id"]]
            assert answer_of(frames) == f"{accepted['ref']} begins. " + f"{accepted['ref']} ends. " * 20
            followed = await house.get(f"/api/streams/{accepted['stream_id']}")
            assert [as_sse(frame) for frame in durable_of(frames)] == [frame.payload for frame in followed.frames]

    with_server(talking, scenario)


def streams_with(messages: list[Message], status: str) -> set[str]:
    """The streams that have had a frame with this status."""
    return {message["stream_id"] for message in messages if message.get("status") == status}


def test_a_stop_ends_the_work_and_the_others_go_on() -> None:
    gate = Gate("done")

    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            stopped, other = await socket.ask(), None
            await gate.has_begun()
            await socket.send(type="cancel", ref="stop", stream_id=stopped)
            seen = await messages_until(socket, lambda message: message.get("type") == "cancel")
            assert seen[-1] | {"worker": ""} == {
                "type": "cancel",
                "ref": "stop",
                "success": True,
                "state": "cancelling",
                "worker": "",
                "stream_id": stopped,
            }
            seen += (
                [] if ended(seen) else await messages_until(socket, lambda message: bool(message.get("is_complete")))
            )
            assert ended(seen) == ["cancelled"]
            gate.opened.set()
            other = await socket.ask()
            assert answer_of(await socket.read_stream(other)) == "done"

    with_server(gate, scenario)


async def messages_until(socket: Socket, is_last: Callable[[Message], bool]) -> list[Message]:
    """What comes, up to the first message that is the last one to be waited for."""
    seen = [await socket.read()]
    while not is_last(seen[-1]):
        seen.append(await socket.read())
    return seen


def ended(messages: list[Message]) -> list[str]:
    return [message["status"] for message in messages if message.get("is_complete")]


def test_a_question_that_is_repeated_under_its_key_attaches_to_the_first() -> None:
    gate = Gate("once")

    async def scenario(house: House) -> None:
        async with Socket(house) as lost:
            stream_id = await lost.ask(ref="1", idempotency_key="key")
        async with Socket(house) as socket:
            assert await socket.ask(ref="2", idempotency_key="key") == stream_id
            gate.opened.set()
            assert answer_of(await socket.read_stream(stream_id)) == "once"
        assert gate.calls == 1

    with_server(gate, scenario)


def test_a_socket_that_leaves_takes_its_readers_along_and_the_turn_lingers_no_longer_than_it_may() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            streams = [await socket.ask(on_disconnect="cancel")]
            await gate.has_begun()
        await house.has_no_readers()
        followed = await house.get(f"/api/streams/{streams[0]}")
        assert followed.frames[-1].status == "cancelled"

    with_server(gate, scenario)


def test_what_belongs_to_somebody_else_is_not_there() -> None:
    async def scenario(house: House) -> None:
        theirs = (await house.ask(token=BOB)).headers["x-stream-id"]
        async with Socket(house, token=ALICE) as socket:
            for kind in ("resume", "cancel", "input"):
                await socket.send(type=kind, ref=kind, stream_id=theirs, input="x")
                error = await socket.read()
                assert (error["type"], error["ref"], error["code"]) == ("error", kind, "stream_not_found")

    with_server(saying("a"), scenario)


def test_a_slow_question_holds_up_no_ping_and_no_other_question() -> None:
    gate = Gate("slow")

    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            stream_id = await socket.ask()
            await socket.send(type="ping")
            seen = await messages_until(socket, lambda message: message.get("type") == "pong")
            gate.opened.set()
            if not ended(seen):
                seen += await messages_until(socket, lambda message: bool(message.get("is_complete")))
            assert answer_of([message for message in seen if "type" not in message]) == "slow"
            assert {message["stream_id"] for message in seen if "type" not in message} == {stream_id}

    with_server(gate, scenario)


def test_the_door_and_its_socket_are_in_the_metrics() -> None:
    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            stream_id = await socket.ask()
            await socket.read_stream(stream_id)
            await socket.send(type="no such")
            await socket.read()
            await house.has_no_readers()
            text = (await house.get("/metrics", token=None)).body.decode()
        for line in (
            'streamchat_requests_total{door="ws",status="101"} 1.0',
            'streamchat_stream_ends_total{door="ws",end="complete"} 1.0',
            'streamchat_first_frame_seconds_count{door="ws"} 1.0',
            'streamchat_turns_total{cause="complete",door="ws",reason="complete"} 1.0',
            'streamchat_socket_messages_refused_total{code="invalid_request"} 1.0',
            "streamchat_websockets 1.0",
        ):
            assert line in text
        await until(lambda: len(house.server.rooms.sockets) == 0)
        assert b"streamchat_websockets 0.0" in (await house.get("/metrics", token=None)).body

    with_server(saying("a"), scenario)
