"""Long bodies share one room while they are read, and nothing of it is lost."""

import pytest

from streamchat.handlers.errors import Refused
from streamchat.handlers.large_bodies import MAX_BYTES, LargeBodies
from tests.fakes.file_server import PNG
from tests.handlers.house import ALICE, BOB, JSON, SMART, House, authorized, question, to_bytes, until, with_server
from tests.handlers.raw_client import Connection
from tests.handlers.test_attachments import picture, tell

LONG = to_bytes(question(attachments=[picture(PNG + bytes(6_000))]))


def refused(room: LargeBodies, caller: str, size: int) -> str:
    with pytest.raises(Refused) as refusal:
        room.enter(caller, size)
    return refusal.value.code


def test_there_is_room_until_it_is_taken_and_again_when_it_is_given_back() -> None:
    room = LargeBodies(10)
    room.enter("ada", 5)
    room.enter("bob", 3)
    assert refused(room, "eve", 3) == "overloaded"
    room.enter("eve", 2)
    room.leave("ada", 5)
    room.enter("ada", 5)
    assert room.free_bytes == 0


def test_one_caller_has_half_of_it() -> None:
    room = LargeBodies(10)
    room.enter("ada", 4)
    assert refused(room, "ada", 2) == "rate_limited"
    room.enter("ada", 1)
    room.enter("bob", 5)


def test_a_single_body_may_be_longer_than_half_of_it() -> None:
    room = LargeBodies(10)
    room.enter("ada", 8)
    room.leave("ada", 8)
    room.enter("ada", 9)
    assert room.free_bytes == 1


async def send_begin(slow: Connection, token: str = ALICE) -> None:
    await slow.send("POST", SMART, headers=authorized(token) | JSON | {"Content-Length": str(len(LONG))})
    await slow.send_bytes(LONG[:5_000])


def room_left(house: House, free_bytes: int) -> LargeBodies:
    """The server's own, of which somebody else has all but that."""
    room = house.server.rooms.large_bodies
    room.enter("somebody", room.free_bytes - free_bytes)
    return room


def test_a_long_body_has_room_for_its_length_while_it_is_read_and_no_longer_than_that() -> None:
    async def scenario(house: House) -> None:
        size = 2 * len(LONG) - 1
        room = room_left(house, size)
        async with house.connect() as slow:
            await send_begin(slow)
            await until(lambda: room.free_bytes == size - len(LONG))
            response = await house.request("POST", SMART, token=BOB, headers=JSON, body=LONG)
            assert (response.status, response.frames[0].payload["code"]) == (503, "overloaded")
            assert (await house.ask()).status == 200
            await slow.send_bytes(LONG[5_000:])
            assert (await slow.read_head()).status == 200
            assert room.free_bytes == size
        async with house.connect() as leaver:
            await send_begin(leaver)
            await until(lambda: room.free_bytes < size)
        await until(lambda: room.free_bytes == size)
        for _ in range(3):
            assert (await house.request("POST", SMART, headers=JSON, body=LONG)).status == 200
        assert room.free_bytes == size

    with_server(tell, scenario, max_body_bytes=2_000)


def test_slow_uploads_of_one_caller_leave_room_for_those_of_others() -> None:
    async def scenario(house: House) -> None:
        room = house.server.rooms.large_bodies
        room.enter("alice", MAX_BYTES // 2 - len(LONG))
        async with house.connect() as slow:
            await send_begin(slow)
            await until(lambda: room.free_bytes == MAX_BYTES // 2)
            response = await house.request("POST", SMART, headers=JSON, body=LONG)
            assert (response.status, response.frames[0].payload["code"]) == (429, "rate_limited")
            assert response.headers["retry-after"] == "5"
            assert (await house.request("POST", SMART, token=BOB, headers=JSON, body=LONG)).status == 200

    with_server(tell, scenario, max_body_bytes=2_000)


def test_a_long_body_that_does_not_say_its_length_has_room_for_what_has_come() -> None:
    async def scenario(house: House) -> None:
        size = 2 * len(LONG)
        room = room_left(house, size)
        headers = authorized(ALICE) | JSON | {"Transfer-Encoding": "chunked"}
        async with house.connect() as slow:
            await slow.send("POST", SMART, headers=headers)
            for begin, end in ((0, 3_000), (3_000, 5_000)):
                await slow.send_bytes(b"%x\r\n%s\r\n" % (end - begin, LONG[begin:end]))
                await until(lambda end=end: room.free_bytes == size - end)  # type: ignore[misc]
            await slow.send_bytes(b"%x\r\n%s\r\n0\r\n\r\n" % (len(LONG) - 5_000, LONG[5_000:]))
            assert (await slow.read_head()).status == 200
            assert room.free_bytes == size

    with_server(tell, scenario, max_body_bytes=2_000)


def test_a_client_that_closes_its_half_with_the_end_of_its_question_has_asked() -> None:
    async def scenario(house: House) -> None:
        room = house.server.rooms.large_bodies
        async with house.connect() as connection:
            headers = authorized(ALICE) | JSON | {"Transfer-Encoding": "chunked"}
            await connection.send("POST", SMART, headers=headers)
            await connection.send_bytes(b"%x\r\n%s\r\n" % (len(LONG), LONG))
            await until(lambda: room.free_bytes < MAX_BYTES)
            await connection.send_bytes(b"0\r\n\r\n")
            connection.close_sending()
            await until(lambda: room.free_bytes == MAX_BYTES)
            await until(lambda: house.turns_opened == 1)

    with_server(tell, scenario, max_body_bytes=2_000)
