"""Both ways on one socket: a question of the function is answered there, or expires; what is said unasked steers."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from tests.handlers.house import House, with_server
from tests.handlers.socket_client import Message, Socket, answer_of, durable_of

AGE = {"type": "object", "properties": {"age": {"type": "integer", "minimum": 0}}, "required": ["age"]}


def greeter(message: str, ask: Callable[..., Any]) -> Iterator[str]:
    yield "Good morning. "
    yield f"So you are {ask('Your name?')}, "
    yield f"{ask('Your age?', schema=AGE)['age']} years old."


async def async_greeter(message: str, ask: Callable[..., Any]) -> AsyncIterator[str]:
    yield "Good morning. "
    yield f"So you are {await ask('Your name?')}, "
    yield f"{(await ask('Your age?', schema=AGE))['age']} years old."


async def frames_until(socket: Socket, status: str, before: list[Message] | None = None) -> list[Message]:
    """The frames up to one with this status, which may be among those that came ``before``; nothing else may come."""
    frames = [] if before is None else before
    while status not in [frame["status"] for frame in frames]:
        frames.append(await socket.read())
        assert "type" not in frames[-1], frames[-1]
    return frames


async def say(socket: Socket, stream_id: str, value: Any, **fields: Any) -> tuple[Message, list[Message]]:
    """Say something to a stream; gives the reply, and the frames that came before it."""
    await socket.send(type="input", ref="in", stream_id=stream_id, input=value, **fields)
    seen = [await socket.read()]
    while "type" not in seen[-1]:
        seen.append(await socket.read())
    return seen[-1], seen[:-1]


@pytest.mark.parametrize("function", [greeter, async_greeter])
def test_questions_are_asked_and_answered_on_the_socket(function: Any) -> None:
    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            stream_id = await socket.ask()
            frames = await frames_until(socket, "input_required")
            assert frames[-1]["question"] == "Your name?"
            reply, more = await say(socket, stream_id, "Ada", request_id=frames[-1]["request_id"])
            assert reply == {"type": "input", "ref": "in", "success": True, "stream_id": stream_id}
            frames += await frames_until(socket, "input_required", more)
            assert frames[-1]["schema"] == AGE
            _, more = await say(socket, stream_id, {"age": 36})
            frames += await frames_until(socket, "complete", more)
            assert answer_of(frames) == "Good morning. So you are Ada, 36 years old."
            assert [frame["status"] for frame in durable_of(frames)].count("input_received") == 2

    with_server(function, scenario)


@pytest.mark.parametrize(
    ("value", "named", "told"),
    [
        ({"age": -1}, True, ("invalid_request", "input")),
        ("36", False, ("invalid_request", "input")),
        ({"age": 36}, "in_other", ("no_input_expected", None)),
    ],
)
def test_an_answer_that_is_refused_leaves_the_question_open_and_the_socket_too(
    value: Any, named: bool | str, told: tuple[str, str | None]
) -> None:
    def asks(message: str, ask: Callable[..., Any]) -> str:
        return str(ask("Your age?", schema=AGE)["age"])

    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            stream_id = await socket.ask()
            question = (await frames_until(socket, "input_required"))[-1]
            request_id = {True: question["request_id"], False: None}.get(named, named)  # type: ignore[call-overload]
            error, _ = await say(socket, stream_id, value, request_id=request_id)
            assert (error["type"], error["ref"], error["code"], error.get("field")) == ("error", "in", *told)
            _, more = await say(socket, stream_id, {"age": 36})
            assert answer_of(await frames_until(socket, "complete", more)) == "36"

    with_server(asks, scenario)


def test_a_question_that_nobody_answers_expires_on_the_socket_and_the_function_goes_on() -> None:
    def asks(message: str, ask: Callable[..., Any]) -> str:
        try:
            return str(ask("Your name?", timeout=0.05))
        except TimeoutError:
            return "Whoever you are."

    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            stream_id = await socket.ask()
            frames = await socket.read_stream(stream_id)
            asked, expired = [frame for frame in frames if frame["status"].startswith("input_")]
            assert (asked["status"], expired["status"]) == ("input_required", "input_expired")
            assert (expired["request_id"], asked["expires_in"]) == (asked["request_id"], 0.1)
            assert answer_of(frames) == "Whoever you are."
            late, _ = await say(socket, stream_id, "Ada", request_id=asked["request_id"])
            assert (late["type"], late["code"]) == ("error", "no_input_expected")

    with_server(asks, scenario)


def test_who_loses_the_socket_while_a_question_is_open_answers_it_on_the_next_one() -> None:
    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            stream_id = await socket.ask()
            seen = await frames_until(socket, "processing_complete")
        async with Socket(house) as socket:
            await socket.send(type="resume", stream_id=stream_id, last_event_id=seen[-1]["id"])
            assert (await socket.read())["type"] == "accepted"
            question = (await frames_until(socket, "input_required"))[-1]
            reply, _ = await say(socket, stream_id, "Ada", request_id=question["request_id"])
            assert reply["type"] == "input"
            again, _ = await say(socket, stream_id, "Ada", request_id=question["request_id"])
            assert again == reply, "a retry is harmless"

    with_server(greeter, scenario)


def listener(message: str, inbox: Any) -> Iterator[str]:
    yield "Tell me. "
    while (said := inbox.get(timeout=20)) != "enough":
        yield f"{said}, I see. "


async def async_listener(message: str, inbox: Any) -> AsyncIterator[str]:
    yield "Tell me. "
    while (said := await inbox.get(timeout=20)) != "enough":
        yield f"{said}, I see. "


@pytest.mark.parametrize("function", [listener, async_listener])
def test_what_is_said_unasked_on_the_socket_steers_the_function(function: Any) -> None:
    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            stream_id = await socket.ask()
            frames = await frames_until(socket, "processing_complete")
            for said in ("Shorter", "In Chinese", "enough"):
                reply, before = await say(socket, stream_id, said)
                assert reply == {"type": "input", "ref": "in", "success": True, "stream_id": stream_id}
                frames += before
            frames = await frames_until(socket, "complete", frames)
            assert answer_of(frames) == "Tell me. Shorter, I see. In Chinese, I see. "
            received = [frame for frame in frames if frame["status"] == "input_received"]
            assert [frame["request_id"] for frame in received] == [None] * 3

    with_server(function, scenario)


def test_two_turns_on_one_socket_are_each_told_their_own() -> None:
    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            streams = [await socket.ask(message="one")]
            await frames_until(socket, "input_required")
            streams.append(await socket.ask(message="two"))
            await frames_until(socket, "input_required")
            frames: list[Message] = []
            for stream_id, name in zip(streams, ("Ada", "Bob"), strict=True):
                reply, before = await say(socket, stream_id, name)
                assert reply["stream_id"] == stream_id
                frames += before
            while sum(bool(frame.get("is_complete")) for frame in frames) < 2:
                frames.append(await socket.read())
            for stream_id, answer in zip(streams, ("one: Ada", "two: Bob"), strict=True):
                assert answer_of([frame for frame in frames if frame["stream_id"] == stream_id]) == answer

    with_server(lambda message, ask: f"{message}: {ask('Your name?')}", scenario)
