"""The OpenAI dialect as OpenAI's own Python client sees it."""

import asyncio
from collections.abc import Awaitable, Callable
from threading import Event
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletionChunk

from tests.handlers.completions import COMPLETIONS, saying_to
from tests.handlers.house import ALICE, JSON, PROFILE, Gate, House, authorized, saying, to_bytes, with_server
from tests.handlers.raw_client import PATIENCE_SECONDS

ANSWER = '你好 \u2028👨‍👩‍👧 \u0085\r\n\tHello, "you".'
QUESTION: Any = [{"role": "user", "content": "What is a rollup?"}]


def with_client(
    process_query: Any, scenario: Callable[[House, AsyncOpenAI], Awaitable[None]], key: str = ALICE, **settings: Any
) -> None:
    """Serve the function while ``scenario`` asks by a client as people make it, with its retries."""

    async def main(house: House) -> None:
        async with AsyncOpenAI(base_url=f"http://127.0.0.1:{house.port}/v1", api_key=key) as client:
            await scenario(house, client)

    with_server(process_query, main, **settings)


def test_a_plain_question() -> None:
    async def scenario(house: House, client: AsyncOpenAI) -> None:
        answer = await client.chat.completions.create(model=PROFILE, messages=QUESTION)
        (choice,) = answer.choices
        assert (choice.message.role, choice.message.content, choice.finish_reason) == ("assistant", ANSWER, "stop")
        assert (answer.object, answer.model) == ("chat.completion", PROFILE)
        assert answer.usage is not None
        assert answer.usage.total_tokens == 0
        assert choice.message.tool_calls is None

    with_client(saying(ANSWER), scenario)


def test_a_stream() -> None:
    async def scenario(house: House, client: AsyncOpenAI) -> None:
        stream = await client.chat.completions.create(model=PROFILE, messages=QUESTION, stream=True)
        chunks = [chunk async for chunk in stream]
        assert chunks[0].choices[0].delta.role == "assistant"
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == ANSWER
        assert [chunk.choices[0].finish_reason for chunk in chunks] == [None, None, "stop"]
        assert len({chunk.id for chunk in chunks}) == 1

    with_client(saying(ANSWER), scenario)


def test_the_clients_own_helper_puts_the_answer_together() -> None:
    async def scenario(house: House, client: AsyncOpenAI) -> None:
        async with client.chat.completions.stream(
            model=PROFILE, messages=QUESTION, stream_options={"include_usage": True}
        ) as stream:
            answer = await stream.get_final_completion()
        assert answer.choices[0].message.content == "found it"
        (tool,) = (answer.choices[0].message.model_extra or {})["executed_tools"]
        assert (tool["name"], tool["arguments"], tool["output"]) == ("search", '{"q":"卷叠"}', "one")
        assert answer.usage is not None
        assert answer.usage.total_tokens == 12

    def counting(message: str, usage: Any, tool_call: Any, tool_result: Any) -> Any:
        tool_result(tool_call("search", {"q": "卷叠"}), "search", "one")
        yield "found "
        usage(7, 5)
        yield "it"

    with_client(counting, scenario)


def test_tools_are_seen_by_those_who_look_for_them() -> None:
    async def scenario(house: House, client: AsyncOpenAI) -> None:
        stream = await client.chat.completions.create(model=PROFILE, messages=QUESTION, stream=True)
        chunks = [chunk async for chunk in stream]
        told = [chunk.choices[0].delta.model_extra or {} for chunk in chunks]
        outputs = [tool.get("output") for extra in told for tool in extra.get("executed_tools", ())]
        assert outputs == [None, "one"]
        answer = await client.chat.completions.create(model=PROFILE, messages=QUESTION)
        assert (answer.choices[0].message.model_extra or {})["executed_tools"][0]["name"] == "search"
        assert not any(chunk.choices[0].delta.tool_calls for chunk in chunks)

    def using(message: str, tool_call: Any, tool_result: Any) -> str:
        tool_result(tool_call("search"), "search", "one")
        return "done"

    with_client(using, scenario)


def test_comments_keep_a_slow_answer_alive_and_are_no_chunks() -> None:
    gate = Gate("worth it")
    key = {"Idempotency-Key": "k1"}

    async def scenario(house: House, client: AsyncOpenAI) -> None:
        stream = await client.chat.completions.create(model=PROFILE, messages=QUESTION, stream=True, extra_headers=key)
        reading = asyncio.create_task(_chunks(stream))
        async with house.connect() as beside:
            # The same turn, on a connection that shows its comments.
            body = to_bytes(saying_to(stream=True))
            await beside.send("POST", COMPLETIONS, headers=authorized(ALICE) | JSON | key, body=body)
            await beside.read_head()
            for _ in range(5):
                frame = await beside.read_frame()
                assert frame is not None
                assert frame.raw == b": ping\n\n"
        assert not reading.done()
        gate.opened.set()
        assert [chunk.choices[0].delta.content for chunk in await reading] == ["", "worth it", None]

    with_client(gate, scenario, keepalive=0.05)
    assert gate.calls == 1


async def _chunks(stream: Any) -> list[ChatCompletionChunk]:
    return [chunk async for chunk in stream]


async def _text(stream: Any) -> str:
    return "".join([chunk.choices[0].delta.content or "" for chunk in await _chunks(stream)])


def test_the_blocking_client_streams_too() -> None:
    def ask(port: int) -> tuple[str, str | None]:
        with OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key=ALICE) as client:
            stream = client.chat.completions.create(model=PROFILE, messages=QUESTION, stream=True)
            text = "".join([chunk.choices[0].delta.content or "" for chunk in stream])
            return text, client.chat.completions.create(model=PROFILE, messages=QUESTION).choices[0].message.content

    async def scenario(house: House) -> None:
        assert await asyncio.to_thread(ask, house.port) == (ANSWER, ANSWER)

    with_server(saying(ANSWER), scenario)


# Errors.


def test_a_wrong_token_is_an_authentication_error() -> None:
    async def scenario(house: House, client: AsyncOpenAI) -> None:
        with pytest.raises(openai.AuthenticationError) as raised:
            await client.models.list()
        assert raised.value.code == "invalid_api_key"
        with pytest.raises(openai.AuthenticationError):
            await client.chat.completions.create(model=PROFILE, messages=QUESTION, stream=True)

    with_client(saying("hi"), scenario, key="wrong")


def test_an_unknown_model_is_not_found() -> None:
    async def scenario(house: House, client: AsyncOpenAI) -> None:
        with pytest.raises(openai.NotFoundError) as raised:
            await client.chat.completions.create(model="nobody", messages=QUESTION, stream=True)
        assert (raised.value.code, raised.value.param) == ("model_not_found", "model")

    with_client(saying("hi"), scenario)


def test_a_request_that_cannot_be_kept_names_its_parameter() -> None:
    async def scenario(house: House, client: AsyncOpenAI) -> None:
        with pytest.raises(openai.BadRequestError) as raised:
            await client.chat.completions.create(model=PROFILE, messages=QUESTION, n=2)
        assert raised.value.param == "n"

    with_client(saying("hi"), scenario)


@pytest.mark.parametrize("stream", [True, False])
def test_a_function_that_fails_is_run_once(stream: bool) -> None:
    calls = []

    def failing(message: str) -> str:
        calls.append(message)
        raise ValueError("no")

    async def scenario(house: House, client: AsyncOpenAI) -> None:
        async def ask() -> None:
            answer: Any = await client.chat.completions.create(model=PROFILE, messages=QUESTION, stream=stream)
            await _text(answer)

        with pytest.raises(openai.APIError) as raised:
            await ask()
        assert raised.value.code == "processing_error"

    with_client(failing, scenario)
    assert len(calls) == 1


def test_a_failure_in_the_middle_is_raised_after_what_had_come() -> None:
    def failing(message: str) -> Any:
        yield "half of "
        raise ValueError("no")

    async def scenario(house: House, client: AsyncOpenAI) -> None:
        stream = await client.chat.completions.create(model=PROFILE, messages=QUESTION, stream=True)
        assert [(await anext(stream)).choices[0].delta.content for _ in range(2)] == ["", "half of "]
        with pytest.raises(openai.APIError) as raised:
            await anext(stream)
        assert raised.value.code == "processing_error"

    with_client(failing, scenario)


# Leaving, and models.


def test_a_stream_that_is_closed_stops_its_function() -> None:
    gate = Gate()
    stopped = Event()

    def talking(message: str, cancelled: Any) -> Any:
        cancelled.on_set(stopped.set)
        yield "one "
        yield gate(message)

    async def scenario(house: House, client: AsyncOpenAI) -> None:
        stream = await client.chat.completions.create(model=PROFILE, messages=QUESTION, stream=True)
        assert [(await anext(stream)).choices[0].delta.content for _ in range(2)] == ["", "one "]
        assert not stopped.is_set()
        await stream.close()
        assert await asyncio.to_thread(stopped.wait, PATIENCE_SECONDS)
        gate.opened.set()

    with_client(talking, scenario, linger=3_600.0)


def test_the_stream_can_be_stopped_by_its_id() -> None:
    gate = Gate()

    async def scenario(house: House, client: AsyncOpenAI) -> None:
        raw = await client.chat.completions.with_raw_response.create(model=PROFILE, messages=QUESTION, stream=True)
        await gate.has_begun()
        stream_id = raw.headers["x-stream-id"]
        assert (await house.request("DELETE", f"/api/streams/{stream_id}")).status == 200
        with pytest.raises(openai.APIError) as raised:
            await _text(raw.parse())
        assert raised.value.code == "cancelled"
        gate.opened.set()

    with_client(gate, scenario)


def test_models_can_be_listed_and_looked_up() -> None:
    async def scenario(house: House, client: AsyncOpenAI) -> None:
        models = [model async for model in client.models.list()]
        assert {"VitalikButerin", "小助手"} <= {model.id for model in models}
        for model in models:
            assert await client.models.retrieve(model.id) == model

    with_client(saying("hi"), scenario)
