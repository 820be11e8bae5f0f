"""A WebSocket's message that is longer than usual has room while it is read: of the same room as long bodies."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from streamchat.handlers import large_bodies
from streamchat.handlers.errors import Refused
from streamchat.handlers.large_bodies import MAX_BYTES, LargeBodies
from streamchat.handlers.socket_room import MessageRoom
from tests.fakes.file_server import PNG
from tests.handlers.house import BOB, JSON, SMART, Gate, House, question, to_bytes, until, with_server
from tests.handlers.raw_client import CutShort
from tests.handlers.socket_client import CONTINUATION, MASK, PING, PONG, TEXT, Socket, answer_of, raw_frame
from tests.handlers.test_attachments import picture, tell
from tests.handlers.test_websocket_slow import being_answered, flood

USUAL = 2_000
LONG = to_bytes({"type": "query", "ref": "long", **question(attachments=[picture(PNG + bytes(6_000))])})
FRAME = raw_frame(TEXT, LONG)
HEAD = len(FRAME) - len(LONG)


class Scene:
    """A room of ten bytes, and a message of ada's."""

    def __init__(self, max_bytes: int = 10) -> None:
        self.large = LargeBodies(max_bytes)
        self.is_given_up = asyncio.Event()
        self.room = MessageRoom(
            self.large, lambda: "ada", lambda: None, self.is_given_up.set, usual_bytes=2, max_bytes=10
        )


@pytest.mark.gen_test
async def test_a_message_has_room_for_what_is_known_of_its_length_until_it_leaves() -> None:
    scene = Scene()
    for size, free_bytes in ((3, 7), (5, 5), (4, 5)):
        scene.room.take(size)
        assert scene.large.free_bytes == free_bytes
    for _ in range(2):
        scene.room.leave()
        assert scene.large.free_bytes == 10


@pytest.mark.gen_test
async def test_a_message_without_room_keeps_what_it_has_until_it_leaves() -> None:
    scene = Scene()
    scene.large.enter("bob", 6)
    scene.room.take(3)
    with pytest.raises(Refused):
        scene.room.take(5)
    assert scene.large.free_bytes == 1
    scene.room.leave()
    assert scene.large.free_bytes == 4


@pytest.mark.gen_test
async def test_a_message_that_takes_too_long_is_given_up_and_one_that_has_come_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(large_bodies, "_USUAL_SECONDS", 0.01)
    slow, whole = Scene(), Scene()
    whole.room.take(3)
    whole.room.has_all()
    slow.room.take(3)
    await slow.is_given_up.wait()
    assert not whole.is_given_up.is_set()
    assert whole.large.free_bytes == 7


@contextmanager
def room_left(house: House, free_bytes: int) -> Iterator[LargeBodies]:
    """The server's own, of which somebody else has all but that."""
    room = house.server.rooms.large_bodies
    taken = room.free_bytes - free_bytes
    room.enter("somebody", taken)
    yield room
    room.leave("somebody", taken)


async def long_body_bytes(house: House) -> float:
    """What has room, as an operator sees it."""
    text = (await house.get("/metrics", token=None)).body.decode()
    return float(text.partition("\nstreamchat_long_body_bytes ")[2].partition("\n")[0])


def test_a_long_message_has_room_for_its_length_while_it_is_read_and_no_longer_than_that() -> None:
    async def scenario(house: House) -> None:
        room = house.server.rooms.large_bodies
        async with Socket(house) as socket:
            # What is announced takes none, nor does as much of it as any message may have.
            await socket.send_raw(FRAME[: HEAD + USUAL - 1])
            await house.get("/healthz")
            assert room.free_bytes == MAX_BYTES
            await socket.send_raw(FRAME[HEAD + USUAL - 1 : 5_000])
            await until(lambda: room.free_bytes == MAX_BYTES - len(LONG))
            assert await long_body_bytes(house) == len(LONG)
            await socket.send_raw(FRAME[5_000:])
            accepted = await socket.read()
            assert len(json.loads(answer_of(await socket.read_stream(accepted["stream_id"])))) == 1
            await until(lambda: room.free_bytes == MAX_BYTES)

    with_server(tell, scenario, max_body_bytes=USUAL)


def test_a_message_in_fragments_has_room_for_what_has_come() -> None:
    async def scenario(house: House) -> None:
        room = house.server.rooms.large_bodies
        async with Socket(house) as socket:
            await socket.send_raw(raw_frame(TEXT, LONG[:1_500], is_final=False))
            for begin, end in ((1_500, 3_000), (3_000, 5_000)):
                await socket.send_raw(raw_frame(CONTINUATION, LONG[begin:end], is_final=False))
                await socket.send_raw(raw_frame(PING, b"between"))
                assert (await socket.read_raw()).opcode == PONG
                # And for some more: of the ping the server learns only when it has come that it is no fragment.
                assert end <= MAX_BYTES - room.free_bytes <= end + 10
            await socket.send_raw(raw_frame(CONTINUATION, LONG[5_000:]))
            assert (await socket.read())["type"] == "accepted"
            await until(lambda: room.free_bytes == MAX_BYTES)

    with_server(tell, scenario, max_body_bytes=USUAL)


def test_a_message_without_room_is_answered_and_the_socket_closed_before_more_is_read() -> None:
    gate = Gate("still here")

    def waiting(message: str, attachments: Any) -> str:
        return str(gate(message))

    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            stream_id = await socket.ask()
            with room_left(house, len(LONG) - 1) as room:
                await socket.send_raw(FRAME[:5_000])
                while (message := await socket.read()).get("type") != "error":
                    pass
                assert (message["code"], message["retry_after"]) == ("overloaded", 5.0)
                closed = await socket.read_close()
                assert (closed.close_code, closed.close_reason) == (1013, "no room for a message of this length")
                assert await socket.is_closed_by_server()
                assert room.free_bytes == len(LONG) - 1
        async with Socket(house) as again:
            await again.send(type="resume", stream_id=stream_id)
            assert (await again.read())["type"] == "accepted"
            gate.opened.set()
            assert answer_of(await again.read_stream(stream_id)) == "still here"
        text = (await house.get("/metrics", token=None)).body
        assert b'streamchat_socket_messages_refused_total{code="overloaded"} 1.0' in text

    with_server(waiting, scenario, max_body_bytes=USUAL)


def test_slow_messages_of_one_caller_leave_room_for_those_of_others_and_for_bodies() -> None:
    async def scenario(house: House) -> None:
        room = house.server.rooms.large_bodies
        room.enter("alice", MAX_BYTES // 2 - len(LONG))
        async with Socket(house) as slow, Socket(house) as second, Socket(house, token=BOB) as bob:
            await slow.send_raw(FRAME[:-1])
            await until(lambda: room.free_bytes == MAX_BYTES // 2)
            await second.send_raw(FRAME)
            assert (await second.read())["code"] == "rate_limited"
            assert (await second.read_close()).close_code == 1013
            await bob.send_raw(FRAME)
            assert (await bob.read())["type"] == "accepted"
            body = to_bytes(question(attachments=[picture(PNG + bytes(6_000))]))
            assert (await house.request("POST", SMART, headers=JSON, body=body)).status == 429
            assert (await house.request("POST", SMART, token=BOB, headers=JSON, body=body)).status == 200

    with_server(tell, scenario, max_body_bytes=USUAL)


def test_a_socket_that_is_lost_amid_a_long_message_leaves_its_room() -> None:
    async def scenario(house: House) -> None:
        room = house.server.rooms.large_bodies
        for pieces in ([FRAME[:5_000]], [raw_frame(TEXT, LONG[:5_000], is_final=False)]):
            async with Socket(house) as socket:
                for piece in pieces:
                    await socket.send_raw(piece)
                await until(lambda: room.free_bytes < MAX_BYTES)
            await until(lambda: room.free_bytes == MAX_BYTES)

    with_server(tell, scenario, max_body_bytes=USUAL)


def test_a_long_message_that_does_not_come_to_its_end_is_dropped_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_bodies, "_USUAL_SECONDS", 0.05)
    monkeypatch.setattr(large_bodies, "_SLOWEST_BYTES", 1e12)

    async def scenario(house: House) -> None:
        room = house.server.rooms.large_bodies
        async with Socket(house) as slow:
            await slow.send_raw(FRAME[:5_000])
            with pytest.raises(CutShort):
                await slow.read_raw()
        await until(lambda: room.free_bytes == MAX_BYTES)

    with_server(tell, scenario, max_body_bytes=USUAL)


def test_a_long_message_has_its_room_until_it_is_answered_however_long_that_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(large_bodies, "_USUAL_SECONDS", 0.2)
    monkeypatch.setattr(large_bodies, "_SLOWEST_BYTES", 1e12)
    # More than all buffers between a server and a client that does not read.
    big = "Twenty-four characters.\n" * 400_000

    def answer(message: str, attachments: Any) -> str:
        return big

    async def scenario(house: House) -> None:
        room, clock = house.server.rooms.large_bodies, asyncio.get_running_loop().time
        long = to_bytes({"type": "ping", "ref": "long", "filler": "x" * USUAL})
        since = clock()

        def one_waits_and_has_room() -> bool:
            nonlocal since
            if room.free_bytes != MAX_BYTES - len(long) or being_answered() != 1:
                since = clock()
            return clock() > since + 0.4

        async with Socket(house, receive_buffer=4_096) as deaf:
            await deaf.ask(chunking={"strategy": "characters", "size": 1_000})
            sending = asyncio.create_task(flood(deaf, raw_frame(TEXT, long)))
            # Of those that are sent now the first ones may still be answered, past what waits for a slow client.
            await until(one_waits_and_has_room)
            sending.cancel()
            deaf.abort()
        await until(lambda: room.free_bytes == MAX_BYTES)

    with_server(
        answer,
        scenario,
        max_body_bytes=USUAL,
        max_answer_characters=len(big),
        max_socket_messages=1_000_000,
        stall=60.0,
    )


def test_a_long_message_that_comes_slowly_is_a_sign_of_life() -> None:
    piece, count = 65_536, 50
    frame = raw_frame(TEXT, to_bytes({"type": "ping", "ref": "slow", "filler": "x" * piece * count}))

    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            for number in range(count):
                # Amid a frame none of them can be answered; all of them take longer than the server is patient.
                assert (await socket.read_raw()).opcode == PING
                await socket.send_raw(frame[number * piece : (number + 1) * piece])
            await socket.send_raw(frame[count * piece :])
            assert (await socket.read())["ref"] == "slow"

    with_server(tell, scenario, max_body_bytes=USUAL, keepalive=0.02, stall=0.4)


def test_masks_are_where_these_tests_take_them_to_be() -> None:
    assert FRAME[HEAD - 4 : HEAD] == MASK
