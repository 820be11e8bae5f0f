"""What a function can do wrong: the clear frame, once, and the server goes on."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.handlers.house import (
    STREAMING_DOORS,
    Gate,
    House,
    answer_in,
    saying,
    with_server,
)
from tests.handlers.raw_client import PATIENCE_SECONDS


def exits(message: str) -> str:
    sys.exit(3)


def interrupts(message: str) -> str:
    raise KeyboardInterrupt


def stops(message: str) -> str:
    raise StopIteration


def leaves(message: str) -> str:
    raise GeneratorExit


def fails_oddly(message: str) -> str:
    class Odd(BaseException):
        def __str__(self) -> str:
            raise RuntimeError("not even a message")

    raise Odd


def cancels_itself(message: str) -> str:
    raise asyncio.CancelledError


def yields_a_number(message: str) -> Iterator[Any]:
    yield 7


async def returns_nothing(message: str) -> None:
    return None


async def fails_later(message: str) -> AsyncIterator[str]:
    raise RuntimeError
    yield ""


class Lazy:
    def __str__(self) -> str:
        return "not a text"


@pytest.mark.parametrize(
    "function",
    [
        exits,
        interrupts,
        stops,
        leaves,
        fails_oddly,
        cancels_itself,
        yields_a_number,
        returns_nothing,
        fails_later,
        *(saying(value) for value in (None, b"bytes", {"a": "dict"}, ["list"], 7, True, Lazy())),
    ],
)
def test_a_function_that_misbehaves_gets_the_clear_frame_and_the_server_goes_on(function: Any) -> None:
    def process_query(message: str) -> Any:
        return "well" if message == "behave" else function(message)

    async def scenario(house: House) -> None:
        for door in STREAMING_DOORS:
            frames = (await house.ask(door)).frames
            end = frames[-1].payload
            assert (end["status"], end["code"], end["success"]) == ("error", "processing_error", False)
            assert [frame.is_terminal for frame in frames].count(True) == 1
            assert "None" not in answer_in(frames)
        assert (await house.ask("/api/chat")).status == 500
        assert answer_in((await house.ask(message="behave")).frames) == "well"

    with_server(process_query, scenario)


def test_what_was_said_before_a_failure_is_kept() -> None:
    def talking(message: str) -> Iterator[str]:
        yield "This much is true. "
        raise RuntimeError

    async def scenario(house: House) -> None:
        for door in STREAMING_DOORS:
            frames = (await house.ask(door)).frames
            assert answer_in(frames) == "This much is true. "
            assert frames[-1].payload["code"] == "processing_error"

    with_server(talking, scenario)


def test_what_a_function_prints_is_no_part_of_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    def chatty(message: str) -> str:
        print("to the terminal")
        print("and to the log", file=sys.stderr)
        return "to the client"

    async def scenario(house: House) -> None:
        response = await house.ask()
        assert answer_in(response.frames) == "to the client"
        assert b"terminal" not in response.body

    with_server(chatty, scenario)
    assert "to the terminal" in capsys.readouterr().out


def test_a_hanging_function_holds_up_its_own_turn_only() -> None:
    gate = Gate()

    def process_query(message: str) -> str:
        return gate(message) if message == "hang" else "quick"

    async def scenario(house: House) -> None:
        for _ in range(3):
            frames = (await house.ask(message="hang", timeout=0.05)).frames
            assert frames[-1].status == "timeout"
        assert answer_in((await house.ask(message="other")).frames) == "quick"
        assert house.server.rooms.vitals.executor_statistics().abandoned == 3
        gate.opened.set()

    with_server(process_query, scenario, max_running=2, max_abandoned=3)


def test_a_request_may_shorten_the_servers_limit_but_not_lengthen_it() -> None:
    def slow(message: str, cancelled: Any) -> str:
        cancelled.wait(PATIENCE_SECONDS)
        return "too late"

    async def scenario(house: House) -> None:
        assert (await house.ask(timeout=86_400)).frames[-1].status == "timeout"

    with_server(slow, scenario, process_timeout=0.05)
