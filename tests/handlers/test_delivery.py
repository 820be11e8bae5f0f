"""Clients that are slow, stuck or gone, and the sign of life for those that wait."""

import pytest

from tests.handlers.house import BASIC, BOB, Gate, House, answer_in, authorized, durable, saying, with_server
from tests.handlers.raw_client import Connection, CutShort, Frame

# More than all buffers between a server and a client that does not read.
BIG = "Twenty-four characters.\n" * 400_000
BIG_CHUNKS = {"strategy": "characters", "size": 10_000}


def test_a_slow_reader_holds_up_nobody_and_loses_nothing() -> None:
    async def scenario(house: House) -> None:
        async with house.connect(receive_buffer=4_096) as slow:
            stream_id = await house.begin(slow, chunking=BIG_CHUNKS)
            await slow.read_until("processing")
            quick = await house.get(f"/api/streams/{stream_id}")
            assert answer_in(quick.frames) == BIG
            assert answer_in((await house.ask(token=BOB, chunking=BIG_CHUNKS)).frames) == BIG
            frames = [frame async for frame in slow.frames()]
            assert durable(frames) == durable(quick.frames)

    with_server(saying(BIG), scenario, max_answer_characters=len(BIG))


async def read_into(seen: list[Frame], connection: Connection) -> None:
    """Keep what arrives, whatever ends it."""
    async for frame in connection.frames():
        seen.append(frame)  # noqa: PERF401 - a comprehension would lose them all when the connection breaks


def test_a_client_that_takes_nothing_loses_its_connection_but_not_its_data() -> None:
    async def scenario(house: House) -> None:
        async with house.connect(receive_buffer=4_096) as stuck:
            stream_id = await house.begin(stuck, chunking=BIG_CHUNKS)
            await house.has_no_readers()
            seen: list[Frame] = []
            with pytest.raises(CutShort):
                await read_into(seen, stuck)
        rest = (await house.get(f"/api/streams/{stream_id}", Last_Event_ID=seen[-1].id)).frames
        assert answer_in(seen + rest) == BIG
        assert rest[-1].status == "complete"

    with_server(saying(BIG), scenario, stall=0.2, max_answer_characters=len(BIG))


def test_silence_is_broken_by_a_comment_that_is_no_frame() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            await house.begin(connection, BASIC)
            frames = await connection.read_until("")
            assert frames[-1].raw == b": keep-alive\n\n"
            gate.opened.set()
            rest = [frame async for frame in connection.frames()]
            assert answer_in(rest) == "done"

    with_server(gate, scenario, keepalive=0.05)


def test_a_client_in_the_queue_is_given_signs_of_life_too() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as first, house.connect() as second:
            await house.begin(first)
            await gate.has_begun()
            await house.begin(second)
            assert [frame.status for frame in await second.read_until("")][:2] == ["initializing", "queued"]
            gate.opened.set()
            assert answer_in([frame async for frame in second.frames()]) == "done"

    with_server(gate, scenario, keepalive=0.05, max_running=1)


def test_a_client_that_leaves_in_the_middle_of_an_answer_is_counted_as_gone() -> None:
    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            await house.begin(connection, BASIC, pace="natural")
            await connection.read_until("streaming")
        await house.has_no_readers()
        text = (await house.get("/metrics", token=None)).body
        assert b'streamchat_stream_ends_total{door="basic",end="client_gone"} 1.0' in text

    with_server(saying("word " * 200), scenario)


def test_a_client_that_closes_half_its_connection_leaves_the_turn_to_its_grace() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection)
            await gate.has_begun()
            connection.close_sending()
            await house.has_no_readers()
        async with house.connect() as back:
            await back.send("GET", f"/api/streams/{stream_id}", headers=authorized("secret-a"))
            await back.read_head()
            gate.opened.set()
            assert answer_in([frame async for frame in back.frames()]) == "done"

    with_server(gate, scenario)
