"""Sockets that are slow, stuck, silent or gone, and the server's own end."""

import asyncio
import json
import os
import socket
from contextlib import suppress
from stat import S_ISSOCK

import pytest

from streamchat.handlers.socket_intake import MAX_IN_FLIGHT
from tests.handlers.house import Gate, House, answer_in, question, saying, until, with_server
from tests.handlers.raw_client import CutShort
from tests.handlers.socket_client import (
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Message,
    Socket,
    answer_of,
    as_sse,
    durable_of,
    raw_frame,
)

# More than all buffers between a server and a client that does not read.
BIG = "Twenty-four characters.\n" * 400_000
CHUNKS = {"strategy": "characters", "size": 1_000}


def big(message: str) -> str:
    return BIG if message == "big" else "small"


def test_a_slow_socket_gets_everything_and_holds_up_nobody_else() -> None:
    async def scenario(house: House) -> None:
        async with Socket(house, receive_buffer=4_096) as slow, Socket(house) as quick:
            stream_id = await slow.ask(message="big", chunking=CHUNKS)
            other = await quick.ask(message="small")
            assert answer_of(await quick.read_stream(other)) == "small"
            followed = await house.get(f"/api/streams/{stream_id}")
            assert answer_in(followed.frames) == BIG
            frames = await slow.read_stream(stream_id)
            assert [as_sse(frame) for frame in durable_of(frames)] == [frame.payload for frame in followed.frames]

    with_server(big, scenario, max_answer_characters=len(BIG))


def test_the_pongs_of_a_slow_socket_stand_between_its_frames() -> None:
    async def scenario(house: House) -> None:
        async with Socket(house, receive_buffer=4_096) as slow:
            stream_id = await slow.ask(message="big", chunking=CHUNKS)
            answer, pongs = b"", 0
            while not answer.endswith(b"}") or not json.loads(answer).get("is_complete"):
                await slow.send_raw(raw_frame(PING, b"here?"))
                raw = await slow.read_raw()
                assert raw.opcode in (TEXT, CONTINUATION, PONG)
                if raw.opcode == PONG:
                    assert raw.data == b"here?"
                    pongs += 1
                else:
                    answer = raw.data if raw.opcode == TEXT else answer + raw.data
            assert json.loads(answer)["stream_id"] == stream_id
            assert pongs

    with_server(big, scenario, max_answer_characters=len(BIG))


def test_what_waits_for_a_slow_socket_is_bounded() -> None:
    async def scenario(house: House) -> None:
        async with Socket(house, receive_buffer=4_096) as slow:
            for number in range(4):
                await slow.send(type="query", ref=str(number), **question(message="big", chunking=CHUNKS))
            await until(lambda: house.server.rooms.sockets.waiting_bytes > 0)
            # Of each turn one batch at most, and a piece of all that is on its way.
            assert 0 < await waiting_bytes(house) < 4 * 128 * 1_300 + 40_000
        await house.has_no_readers()
        assert await waiting_bytes(house) == 0

    with_server(big, scenario, max_answer_characters=len(BIG), stall=60.0)


async def waiting_bytes(house: House) -> float:
    """What waits for all sockets, as an operator sees it."""
    text = (await house.get("/metrics", token=None)).body.decode()
    return float(text.partition("\nstreamchat_websocket_waiting_bytes ")[2].partition("\n")[0])


def test_the_kernel_keeps_no_message_back_to_send_it_with_the_next() -> None:
    async def scenario(house: House) -> None:
        async with Socket(house):
            (keeps_nothing_back,) = options_at(house.port, socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert keeps_nothing_back

    with_server(saying("a"), scenario)


def options_at(port: int, level: int, option: int) -> list[int]:
    """What the kernel says of each connection of this process that a server at this port has accepted."""
    told = []
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # it was closed meanwhile, or only listens
            if not S_ISSOCK(os.fstat(int(name)).st_mode):
                continue
            with socket.socket(fileno=os.dup(int(name))) as found:
                if found.getsockname()[1:2] == (port,) and found.getpeername():
                    told.append(found.getsockopt(level, option))
    return told


def test_a_burst_of_one_turn_does_not_hold_up_the_frames_of_another() -> None:
    gate = Gate("small")

    def either(message: str) -> str:
        return BIG if message == "big" else str(gate(message))

    async def scenario(house: House) -> None:
        async with Socket(house, receive_buffer=4_096) as socket:
            small = await socket.ask(message="small")
            await gate.has_begun()
            await socket.send(type="query", ref="big", **question(message="big", chunking=CHUNKS))
            await until(lambda: house.server.rooms.sockets.waiting_bytes > 0)
            gate.opened.set()
            big_frames, seen = 0, list[Message]()
            while not (seen and seen[-1].get("is_complete")):
                message = await socket.read()
                if message.get("stream_id") == small:
                    seen.append(message)
                else:
                    big_frames += 1
            # All of the big answer is some 9,600 frames; what the kernel had taken already came first.
            assert answer_of(seen) == "small"
            assert big_frames < 8_000

    with_server(either, scenario, max_answer_characters=len(BIG), stall=60.0)


def test_a_socket_that_takes_nothing_is_closed_and_its_streams_can_be_resumed() -> None:
    async def scenario(house: House) -> None:
        async with Socket(house, receive_buffer=4_096) as stuck:
            stream_id = await stuck.ask(message="big", chunking=CHUNKS)
            await house.has_no_readers()
            seen: list[Message] = []
            with pytest.raises(CutShort):
                await read_into(seen, stuck)
        async with Socket(house) as again:
            await again.send(type="resume", stream_id=stream_id, last_event_id=seen[-1]["id"])
            await again.read()
            assert answer_of(seen + await again.read_stream(stream_id)) == BIG
        text = (await house.get("/metrics", token=None)).body
        assert b'streamchat_stream_ends_total{door="ws",end="stalled"} 1.0' in text

    with_server(big, scenario, max_answer_characters=len(BIG), stall=0.2)


async def read_raw_on(socket: Socket) -> None:
    """Read, and answer nothing."""
    while True:
        assert (await socket.read_raw()).opcode in (PING, TEXT)


async def read_into(seen: list[Message], socket: Socket) -> None:
    """Keep what arrives, whatever ends it."""
    while True:
        seen.append(await socket.read())


def test_a_client_that_reads_no_answers_is_not_read_any_more() -> None:
    ping = json.dumps({"type": "ping", "ref": "x" * 128}).encode()

    async def scenario(house: House) -> None:
        async with Socket(house, receive_buffer=4_096) as deaf:
            sending = asyncio.create_task(flood(deaf, raw_frame(TEXT, ping)))
            await until(lambda: being_answered() == MAX_IN_FLIGHT)
            assert 0 < await waiting_bytes(house) < MAX_IN_FLIGHT * 300 + 40_000
            assert being_answered() == MAX_IN_FLIGHT
            sending.cancel()

    with_server(saying("a"), scenario, max_socket_messages=1_000_000, stall=60.0)


def being_answered() -> int:
    """Messages for whose answers the server, on this same loop, has a task that has not ended."""
    return sum(task.get_name() == "answer a message" for task in asyncio.all_tasks())


async def flood(socket: Socket, frame: bytes) -> None:
    """Send the same for ever."""
    while True:
        await socket.send_raw(frame)
        await asyncio.sleep(0)


def test_a_silent_socket_is_pinged_and_stays_while_it_answers() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            stream_id = await socket.ask()
            while socket.pings < 5:
                await socket.read_ping()
            gate.opened.set()
            frames = await socket.read_stream(stream_id)
            assert answer_of(frames) == "done"

    with_server(gate, scenario, keepalive=0.02, stall=0.2)


def test_a_socket_that_answers_no_ping_is_dropped_and_its_readers_with_it() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            await socket.ask()
            await house.has_no_readers()
            with pytest.raises(CutShort):
                await read_raw_on(socket)
        gate.opened.set()

    with_server(gate, scenario, keepalive=0.02, stall=0.1)


def test_a_shutdown_gives_running_turns_their_last_frame_and_closes_with_1001() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with Socket(house) as busy, Socket(house) as idle:
            stream_id = await busy.ask()
            await gate.has_begun()
            draining = asyncio.create_task(house.server.drain())
            frames = await busy.read_stream(stream_id)
            assert frames[-1]["code"] == "shutting_down"
            for socket in (busy, idle):
                closed = await socket.read_close()
                assert (closed.close_code, closed.close_reason) == (1001, "shutting down")
                await socket.answer_close(closed)
            await draining
            assert len(house.server.rooms.sockets) == 0
        gate.opened.set()

    with_server(gate, scenario)


def test_a_turn_may_finish_while_the_server_drains_but_none_begins() -> None:
    gate = Gate("to its end")

    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            stream_id = await socket.ask()
            await gate.has_begun()
            draining = asyncio.create_task(house.server.drain())
            await house.is_draining()
            await socket.send(type="query", ref="late", **question())
            seen: list[Message] = []
            while not (seen and seen[-1].get("ref") == "late"):
                seen.append(await socket.read())
            assert seen[-1]["code"] == "shutting_down"
            assert seen[-1]["retry_after"] == 5.0
            gate.opened.set()
            seen += await socket.read_stream(stream_id)
            assert answer_of([frame for frame in seen if "type" not in frame]) == "to its end"
            await socket.answer_close(await socket.read_close())
            await draining

    with_server(gate, scenario, drain=20.0)


def test_a_client_that_does_not_answer_the_close_delays_nobody_for_ever() -> None:
    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            sockets = house.server.rooms.sockets
            await sockets.close(0.01)
            assert (await socket.read_close()).close_code == 1001
            assert len(sockets) == 1
            sockets.drop()
            assert await socket.is_closed_by_server()
            await until(lambda: len(sockets) == 0)

    with_server(saying("a"), scenario)


def test_sockets_are_connections_and_no_more_are_opened_than_may_be() -> None:
    async def scenario(house: House) -> None:
        async with Socket(house), Socket(house):
            assert house.server.connections().websockets == 2
            assert house.server.connections().open == 2
            assert (await house.get("/healthz")).status == 503
        await until(lambda: house.server.connections().open == 0)
        assert (await house.get("/healthz")).status == 200

    with_server(saying("a"), scenario, max_connections=2)
