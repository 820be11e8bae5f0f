"""Long bodies share one room while they are read, and nothing of it is lost."""

from typing import Any

from streamchat.handlers.large_bodies import LargeBodies
from tests.fakes.file_server import PNG
from tests.handlers.house import ALICE, JSON, SMART, House, authorized, question, to_bytes, until, with_server
from tests.handlers.test_attachments import picture, tell


def test_there_is_room_until_it_is_taken_and_again_when_it_is_given_back() -> None:
    room = LargeBodies(10)
    assert room.enter(6)
    assert not room.enter(5)
    assert room.enter(4)
    room.leave(6)
    assert room.enter(6)


def free(house: House) -> int:
    return house.server.rooms.large_bodies._left


def test_a_long_body_has_room_while_it_is_read_and_no_longer_than_that(monkeypatch: Any) -> None:
    long = to_bytes(question(attachments=[picture(PNG + bytes(6_000))]))

    async def scenario(house: House) -> None:
        rooms = house.server.rooms
        monkeypatch.setattr(rooms.large_bodies, "_left", rooms.max_question_bytes)
        everything = free(house)
        headers = authorized(ALICE) | JSON | {"Content-Length": str(len(long))}
        async with house.connect() as slow:
            await slow.send("POST", SMART, headers=headers)
            await slow.send_bytes(long[:5_000])
            await until(lambda: free(house) == 0)
            response = await house.request("POST", SMART, headers=JSON, body=long)
            assert (response.status, response.frames[0].payload["code"]) == (503, "overloaded")
            assert (await house.ask()).status == 200
            await slow.send_bytes(long[5_000:])
            assert (await slow.read_head()).status == 200
            assert free(house) == everything
        async with house.connect() as leaver:
            await leaver.send("POST", SMART, headers=headers)
            await leaver.send_bytes(long[:5_000])
            await until(lambda: free(house) == 0)
        await until(lambda: free(house) == everything)
        for _ in range(3):
            assert (await house.request("POST", SMART, headers=JSON, body=long)).status == 200
        assert free(house) == everything

    with_server(tell, scenario, max_body_bytes=2_000)
