"""A connection that is cut after any frame: whoever resumes has every durable frame once, the same to the byte.

One spec for both wires and every way from one to the other, over turns that have all there is in a stream.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from tests.handlers.house import (
    ALICE,
    BASIC,
    SMART,
    STREAMING_DOORS,
    House,
    answer_in,
    authorized,
    durable,
    saying,
    with_server,
)
from tests.handlers.raw_client import Frame
from tests.handlers.socket_client import Socket

Next = Callable[[], Awaitable[Frame]]

ANSWER = "Rollups move the work. 卷叠很有用。 👨‍👩‍👧 done!\u2028\r\n" * 4
NAMES = {BASIC: "basic", "/api/stream_chat_advanced": "advanced", SMART: "smart"}
PICTURE = "QUJD" * 40_000  # three parts


@dataclass(frozen=True, slots=True)
class Wire:
    """A way to ask and a way to follow; each gives what reads the next frame, for as long as it is connected."""

    ask: Callable[[House, str], AbstractAsyncContextManager[tuple[str, Next]]]
    follow: Callable[[House, str, str], AbstractAsyncContextManager[Next]]


@asynccontextmanager
async def ask_by_events(house: House, door: str) -> AsyncIterator[tuple[str, Next]]:
    async with house.connect() as connection:
        yield await house.begin(connection, door), reading(connection.read_frame)


@asynccontextmanager
async def follow_by_events(house: House, stream_id: str, last: str) -> AsyncIterator[Next]:
    async with house.connect() as connection:
        headers = authorized(ALICE) | ({"Last-Event-ID": last} if last else {})
        await connection.send("GET", f"/api/streams/{stream_id}", headers=headers)
        assert (await connection.read_head(method="GET")).status == 200
        yield reading(connection.read_frame)


def reading(read: Callable[[], Awaitable[Frame | None]]) -> Next:
    async def read_on() -> Frame:
        frame = await read()
        assert frame is not None, "the stream ended without a last frame"
        return frame

    return read_on


@asynccontextmanager
async def ask_by_socket(house: House, door: str) -> AsyncIterator[tuple[str, Next]]:
    async with Socket(house) as socket:
        yield await socket.ask(door=NAMES[door]), reading_messages(socket)


@asynccontextmanager
async def follow_by_socket(house: House, stream_id: str, last: str) -> AsyncIterator[Next]:
    async with Socket(house) as socket:
        await socket.send(type="resume", stream_id=stream_id, last_event_id=last)
        accepted = await socket.read()
        assert (accepted["type"], accepted["resumed"], accepted["is_over"]) == ("accepted", True, False)
        yield reading_messages(socket)


def reading_messages(socket: Socket) -> Next:
    async def read_on() -> Frame:
        data = (await socket.read_event()).data
        message = json.loads(data)
        return Frame(raw=data, payload=message, id=message["id"])

    return read_on


WIRES = {"events": Wire(ask_by_events, follow_by_events), "socket": Wire(ask_by_socket, follow_by_socket)}
every_way = pytest.mark.parametrize(("first", "second"), [(one, other) for one in WIRES for other in WIRES])


async def read(house: House, stream_id: str, read_next: Next, most: float, before: Frame | None = None) -> list[Frame]:
    """Up to so many frames, or to the end; a question is answered before more is read, ``before`` these too."""
    frames: list[Frame] = [] if before is None else [before]
    while not (frames and frames[-1].is_terminal) and len(frames) < most:
        if frames and frames[-1].status == "input_required":
            said = {"input": "Ada", "request_id": frames[-1].payload["request_id"]}
            assert (await house.post(f"/api/streams/{stream_id}/input", said)).status == 200
        frames.append(await read_next())
    return frames if before is None else frames[1:]


async def whole(house: House, wire: Wire, stream_id: str) -> list[bytes]:
    """The durable frames of a stream that has ended, as the wire has them."""
    async with wire.follow(house, stream_id, "") as read_next:
        return durable(await read(house, stream_id, read_next, float("inf")))


async def cut_after_every_frame(house: House, first: Wire, second: Wire, door: str) -> list[Frame]:
    """The spec; gives the frames of the last reading, which was not cut."""
    for place in count(1):
        async with first.ask(house, door) as (stream_id, read_next):
            seen = await read(house, stream_id, read_next, place)
        if seen[-1].is_terminal:
            return seen
        async with second.follow(house, stream_id, seen[-1].id) as read_next:
            missed = await read(house, stream_id, read_next, float("inf"), before=seen[-1])
        assert durable(seen) == (await whole(house, first, stream_id))[: seen[-1].number], seen[-1]
        assert durable(missed) == (await whole(house, second, stream_id))[seen[-1].number :], seen[-1]
    raise AssertionError("count() is endless")


@every_way
@pytest.mark.parametrize("door", STREAMING_DOORS)
def test_an_answer_is_resumed_after_any_frame(door: str, first: str, second: str) -> None:
    async def scenario(house: House) -> None:
        frames = await cut_after_every_frame(house, WIRES[first], WIRES[second], door)
        assert answer_in(frames) == ANSWER

    with_server(saying(ANSWER), scenario)


def everything(
    message: str, progress: Any, tool_call: Any, tool_result: Any, media: Any, usage: Any, ask: Any
) -> Iterator[str]:
    progress("Looking it up", 20)
    usage(12, 0)
    yield "Let me see. "
    tool_result(tool_call("search", {"q": "卷叠"}), "search", ["a\u2028b", {"c": None}])
    media("image/png", content=PICTURE, alt="Ein Bild")
    yield f"{ask('Your name?')}, here it is, "
    tool_result(tool_call("fetch"), "fetch", "404", is_error=True)
    usage(12, 40)
    yield "as far as I know. 👨‍👩‍👧\r\n"
    media("audio/ogg", url="https://example.org/a.ogg")
    usage(12, 60)


async def everything_awaited(
    message: str, progress: Any, tool_call: Any, tool_result: Any, media: Any, usage: Any, ask: Any
) -> AsyncIterator[str]:
    usage(12, 0)
    yield "Let me see. "
    tool_result(tool_call("search", {"q": "卷叠"}), "search", ["a\u2028b", {"c": None}])
    media("image/png", content=PICTURE)
    yield f"{await ask('Your name?')}, here it is, as far as I know. 👨‍👩‍👧\r\n"
    usage(12, 60)


@every_way
@pytest.mark.parametrize("function", [everything, everything_awaited])
def test_a_turn_with_everything_in_it_is_resumed_after_any_frame(function: Any, first: str, second: str) -> None:
    async def scenario(house: House) -> None:
        frames = await cut_after_every_frame(house, WIRES[first], WIRES[second], SMART)
        assert answer_in(frames) == "Let me see. Ada, here it is, as far as I know. 👨‍👩‍👧\r\n"
        statuses = [frame.status for frame in frames]
        for status in ("tool_call", "tool_result", "input_required", "input_received", "usage"):
            assert status in statuses
        parts = [frame.payload for frame in frames if frame.status == "media" and "content" in frame.payload]
        assert [(part["part"], part["parts"]) for part in parts] == [(1, 3), (2, 3), (3, 3)]
        assert "".join(part["content"] for part in parts) == PICTURE
        assert frames[-1].payload["usage"] == {"prompt_tokens": 12, "completion_tokens": 60, "complete": True}

    with_server(function, scenario)
