"""Tokens that a function counts, from the function to every door."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.handlers.house import (
    CHAT,
    STREAMING_DOORS,
    Gate,
    House,
    answer_in,
    durable,
    statuses,
    with_server,
)
from tests.handlers.socket_client import Socket, as_sse

ALL = {"prompt_tokens": 12, "completion_tokens": 2, "complete": True}


def counts(message: str, usage: Any) -> Iterator[str]:
    usage(12, 0)
    yield "Hello "
    usage(12, 1)
    yield "there."
    usage(12, 2)


@pytest.mark.parametrize("door", STREAMING_DOORS)
def test_a_stream_shows_the_tokens_as_they_are_counted_and_all_of_them_at_its_end(door: str) -> None:
    async def scenario(house: House) -> None:
        response = await house.ask(door)
        assert answer_in(response.frames) == "Hello there."
        shown = [frame.payload for frame in response.frames if frame.status == "usage"]
        assert shown[0] == {"success": True, "data": "", "status": "usage", **ALL, "completion_tokens": 0} | {
            "complete": False
        }
        assert not any(frame["complete"] for frame in shown)
        assert response.frames[-1].payload["usage"] == ALL

    with_server(counts, scenario)


def test_the_one_body_has_them() -> None:
    async def scenario(house: House) -> None:
        body = (await house.ask(CHAT)).json
        assert (body["data"], body["usage"]) == ("Hello there.", ALL)

    with_server(counts, scenario)


def test_an_error_has_what_was_counted_before_it() -> None:
    def fails(message: str, usage: Any) -> str:
        usage(12, 1)
        raise ValueError("no")

    async def scenario(house: House) -> None:
        told = {"prompt_tokens": 12, "completion_tokens": 1, "complete": False}
        response = await house.ask(CHAT)
        assert (response.status, response.json["usage"]) == (500, told)
        assert (await house.ask()).frames[-1].payload["usage"] == told

    with_server(fails, scenario)


def test_a_websocket_has_the_same_frames() -> None:
    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            stream_id = await socket.ask()
            frames = [as_sse(frame) for frame in await socket.read_stream(stream_id)]
        assert "usage" in [frame["status"] for frame in frames]
        assert frames[-1]["usage"] == ALL

    with_server(counts, scenario)


def test_whoever_resumes_gets_no_old_count_and_the_same_end() -> None:
    gate = Gate()

    async def counting(message: str, usage: Any) -> Any:
        usage(12, 1)
        yield "Hello there. "
        await gate.let_through()
        yield "And on."
        usage(12, 2)

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection)
            seen = await connection.read_until("usage")
            gate.opened.set()
            seen += [frame async for frame in connection.frames()]
        for cut in seen:
            again = (await house.get(f"/api/streams/{stream_id}", Last_Event_ID=cut.id)).frames
            assert "usage" not in statuses(again)
            assert durable(again) == durable([frame for frame in seen if frame.number > cut.number])
        assert seen[-1].payload["usage"] == ALL

    with_server(counting, scenario)


@pytest.mark.parametrize("wrong", [-1, 1.5, "12", None, 2**53])
def test_what_is_no_number_of_tokens_is_an_error_of_the_function(wrong: object) -> None:
    def miscounts(message: str, usage: Any) -> str:
        usage(12, wrong)
        return "fine"

    async def scenario(house: House) -> None:
        last = (await house.ask()).frames[-1].payload
        assert (last["code"], "usage" in last) == ("processing_error", False)

    with_server(miscounts, scenario)


def test_the_metrics_count_the_tokens_of_ended_turns_once_however_often_they_are_read() -> None:
    async def scenario(house: House) -> None:
        stream_id = (await house.ask()).headers["x-stream-id"]
        await house.get(f"/api/streams/{stream_id}")
        await house.ask(CHAT)
        lines = (await house.get("/metrics")).body.decode().splitlines()
        assert 'streamchat_tokens_total{kind="prompt"} 24.0' in lines
        assert 'streamchat_tokens_total{kind="completion"} 4.0' in lines

    with_server(counts, scenario)
