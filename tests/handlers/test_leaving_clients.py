"""What becomes of a turn whose client leaves: cancel, continue, grace."""

import asyncio
from threading import Event
from typing import Any

from streamchat.stores.profiles import Profile, ProfileSettings
from tests.handlers.house import (
    ALICE,
    BOB,
    JSON,
    SMART,
    House,
    answer_in,
    authorized,
    question,
    to_bytes,
    until,
    with_server,
)
from tests.handlers.raw_client import PATIENCE_SECONDS


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
        await until(lambda: house.server.rooms.book.readers == 1)
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
            await until(lambda: house.server.rooms.book.readers == 1)
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


def test_a_client_that_hangs_up_at_once_is_noticed_on_the_door_that_writes_nothing_before_the_end() -> None:
    watched = Watched()

    async def scenario(house: House) -> None:
        body = to_bytes(question(on_disconnect="cancel"))
        async with house.connect() as connection:
            await connection.send("POST", "/api/chat", headers=authorized(ALICE) | JSON, body=body)
        await until(lambda: house.turns_opened == 1)
        await until(lambda: house.server.rooms.book.running == 0)
        await house.has_no_readers()

    with_server(watched, scenario)
