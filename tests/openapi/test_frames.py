"""The frames of a running server have the shapes that are described, and every shape and field of them is seen."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.handlers.house import BASIC, SMART, STREAMING_DOORS, Gate, House, saying, with_server
from tests.handlers.raw_client import Frame
from tests.openapi.described import Description

ADVANCED = "/api/stream_chat_advanced"
PNG = "iVBORw0KGgo="


def talkative(
    message: str,
    ask: Callable[..., Any],
    inbox: Any,
    progress: Callable[..., None],
    tool_call: Callable[..., str],
    tool_result: Callable[..., None],
    media: Callable[..., None],
    usage: Callable[..., None],
) -> Iterator[str]:
    """Says everything that a function can say."""
    progress("looking it up", 20)
    usage(12, 0)
    tool_result(tool_call("search", {"q": message}), "search", ["a"])
    media("image/png", content=PNG, alt="a picture")
    media("image/png", url="https://example.org/a.png")
    yield "First "
    yield str(ask("Which one?", schema={"type": "integer"}))
    try:
        ask("And now?", timeout=0.01)
    except TimeoutError:
        yield " and nobody answered."
    usage(12, 4)


@pytest.fixture(scope="module")
def collected() -> list[dict[str, Any]]:
    """Frames of every kind, from every streaming door."""
    frames: list[Frame] = []

    async def everything_said(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection)
            frames.extend(await connection.read_until("input_required"))
            answer = {"input": 2, "request_id": frames[-1].payload["request_id"]}
            assert (await house.post(f"/api/streams/{stream_id}/input", answer)).status == 200
            frames.extend([frame async for frame in connection.frames()])

    async def whole_answers(house: House) -> None:
        # The sixth knows how long such queries take.
        for door in (*STREAMING_DOORS, SMART, SMART, SMART):
            frames.extend((await house.ask(door, message="Hello there, you.")).frames)
        frames.extend((await house.ask(SMART, username="Nobody")).frames)
        frames.extend((await house.ask(SMART, pace="slow")).frames)

    async def in_line(house: House) -> None:
        async with house.connect() as first, house.connect() as second:
            stream_id = await house.begin(first, ADVANCED)
            await gate.has_begun()
            await house.begin(second, BASIC)
            frames.extend(await second.read_until("queued"))
            assert (await house.request("DELETE", f"/api/streams/{stream_id}")).status == 200
            gate.opened.set()
            frames.extend([frame async for frame in first.frames()])
            frames.extend([frame async for frame in second.frames()])

    async def in_vain(house: House) -> None:
        frames.extend((await house.ask(message="wait", timeout=0.05)).frames)
        frames.extend((await house.ask(message="fail")).frames)

    def counting_gate(message: str, usage: Callable[..., None]) -> str:
        usage(1, 1)
        return gate(message)

    def counting_failure(message: str, cancelled: Any, usage: Callable[..., None]) -> str:
        usage(1, 1)
        if message == "fail":
            raise RuntimeError("no such luck")
        cancelled.wait(20)
        return "too late"

    gate = Gate()
    with_server(talkative, everything_said)
    with_server(lambda message: message, whole_answers)
    with_server(counting_gate, in_line, max_running=1)
    with_server(counting_failure, in_vain)
    return [frame.payload for frame in frames if frame.payload]


@pytest.fixture(scope="module")
def description() -> Description:
    got: list[Description] = []

    async def scenario(house: House) -> None:
        got.append(Description((await house.get("/openapi.json", token=None)).json))

    with_server(saying("hi"), scenario)
    return got[0]


def test_every_frame_has_its_shape_and_nothing_beside_it(
    collected: list[dict[str, Any]], description: Description
) -> None:
    for payload in collected:
        description.check_frame(payload)


def test_every_status_that_is_described_is_seen(collected: list[dict[str, Any]], description: Description) -> None:
    described = description.schemas["Frame"]["discriminator"]["mapping"]
    assert {payload["status"] for payload in collected} == described.keys()


def test_every_field_that_is_described_is_seen(collected: list[dict[str, Any]], description: Description) -> None:
    seen = defaultdict(set)
    for payload in collected:
        seen[payload["status"]] |= payload.keys()
    for status, reference in description.schemas["Frame"]["discriminator"]["mapping"].items():
        properties = description.resolved({"$ref": reference})["properties"]
        assert properties.keys() <= seen[status], status


@pytest.mark.parametrize(
    ("status", "change"),
    [
        ("streaming", {"data": None}),
        ("streaming", {"is_complete": True}),
        ("complete", {"success": False}),
        ("processing_complete", {"progress": 99}),
        ("error", {"code": "no_such_code"}),
        ("queued", {"position": 0}),
        ("media", {"part": "1"}),
        ("usage", {"surprise": 1}),
    ],
)
def test_another_frame_has_not(
    collected: list[dict[str, Any]], description: Description, status: str, change: dict[str, Any]
) -> None:
    payload = next(payload for payload in collected if payload["status"] == status)
    with pytest.raises(AssertionError):
        description.check_frame(payload | change)
