"""The OpenAI dialect on the wire: streams and bodies to the byte, errors, models, and who leaves."""

import asyncio
import re
from base64 import b64encode
from threading import Event
from typing import Any

import pytest

from streamchat.stores.profiles import Profile, ProfileSettings
from tests.fakes.file_server import PDF, PNG, WAV
from tests.handlers.completions import COMPLETIONS, begin, chunks_in, complete, error_of, of, saying_to, text_in
from tests.handlers.house import ALICE, BOB, JSON, PROFILE, Gate, House, saying, to_bytes, until, with_server
from tests.handlers.raw_client import PATIENCE_SECONDS

HEADING = '"id":"chatcmpl-ST","object":"chat.completion.chunk","created":AT,"model":"VitalikButerin"'
ANSWER = '你好 \u2028👨‍👩‍👧\r\nHello, "you".'


def masked(body: bytes, stream_id: str) -> str:
    """The bytes, without what no test can know."""
    return re.sub(r'"created":\d{10,},', '"created":AT,', body.decode().replace(stream_id, "ST"))


def chunk(delta: str, finish: str = "null", more: str = "") -> str:
    return f'data: {{{HEADING},"choices":[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]{more}}}\n\n'


def test_a_stream_is_openais_to_the_byte() -> None:
    async def scenario(house: House) -> None:
        response = await complete(house, stream=True)
        assert response.status == 200
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert masked(response.body, response.headers["x-stream-id"]) == (
            ": ping\n\n"
            + chunk('{"role":"assistant","content":""}')
            + chunk('{"content":"你好 \\u2028👨‍👩‍👧\\r\\nHello, \\"you\\"."}')
            + chunk("{}", '"stop"')
            + "data: [DONE]\n\n"
        )

    with_server(saying(ANSWER), scenario)


def test_what_a_generator_yields_goes_out_piece_by_piece() -> None:
    gate = Gate()

    def talking(message: str) -> Any:
        yield "one "
        gate("")
        yield "two"

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            await begin(house, connection)
            first = [await connection.read_frame() for _ in range(3)]
            assert text_in([frame for frame in first if frame]) == "one "
            gate.opened.set()
            assert text_in([frame async for frame in connection.frames()]) == "two"

    with_server(talking, scenario)


def test_the_headers_and_a_comment_come_before_any_work() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as first, house.connect() as second:
            await begin(house, first)
            await begin(house, second)  # the only worker is busy
            frame = await second.read_frame()
            assert frame is not None
            assert frame.raw == b": ping\n\n"
        gate.opened.set()

    with_server(gate, scenario, max_running=1)


def test_a_slow_function_is_waited_for_with_comments_and_nothing_else() -> None:
    gate = Gate("done")

    def slow(message: str, progress: Any) -> str:
        progress("searching", 40)
        return gate(message)

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            await begin(house, connection)
            waiting = [await connection.read_frame() for _ in range(4)]
            assert [frame.raw for frame in waiting if frame] == [b": ping\n\n"] * 4
            gate.opened.set()
            raw = await connection.read_body()
        assert b'"content":"done"' in raw

    with_server(slow, scenario, keepalive=0.05)


def test_without_a_stream_there_is_one_body() -> None:
    async def scenario(house: House) -> None:
        response = await complete(house)
        assert masked(response.body, response.headers["x-stream-id"]) == (
            '{"id":"chatcmpl-ST","object":"chat.completion","created":AT,"model":"VitalikButerin","choices":[{"index":0,'
            '"message":{"role":"assistant","content":"你好 \\u2028👨‍👩‍👧\\r\\nHello, \\"you\\".","refusal":null},'
            '"logprobs":null,"finish_reason":"stop"}],'
            '"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}'
        )

    with_server(saying(ANSWER), scenario)


def counting(message: str, usage: Any, tool_call: Any, tool_result: Any) -> str:
    usage(7, 5)
    tool_result(tool_call("search", {"q": message}, "c1"), "search", {"found": 1})
    return "found"


def test_tokens_and_tools_are_told_with_and_without_a_stream() -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
    tool = {"index": 0, "id": "c1", "type": "function", "name": "search", "arguments": '{"q":"卷叠"}'}
    output = {"output": '{"found":1}', "is_error": False}

    async def scenario(house: House) -> None:
        body = (await complete(house, message="卷叠")).json
        assert body["usage"] == usage
        assert body["choices"][0]["message"]["executed_tools"] == [tool | output]
        stream = await complete(house, message="卷叠", stream=True, stream_options={"include_usage": True})
        *chunks, counted = chunks_in(stream.frames)
        assert (counted["choices"], counted["usage"]) == ([], usage)
        assert {chunk["usage"] for chunk in chunks} == {None}
        tools = [chunk["choices"][0]["delta"].get("executed_tools") for chunk in chunks]
        assert [told for told in tools if told] == [[tool], [{"index": 0, "type": "function", **output}]]

    with_server(counting, scenario)


# What the function gets.


def test_instructions_history_and_question_reach_the_function() -> None:
    given: list[dict[str, Any]] = []

    def listening(message: str, system_prompt: str, history: list[dict[str, str]], use_history: bool) -> str:
        given.append({"message": message, "prompt": system_prompt, "history": history, "use": use_history})
        return "heard"

    messages = [
        of("system", "Be short."),
        of("user", [{"type": "text", "text": "What is"}, {"type": "text", "text": "a rollup?"}]),
        of("assistant", "A batch."),
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "type": "function"}]},
        {"role": "tool", "tool_call_id": "c", "content": "42"},
        of("user", "And a\nchain?"),
        of("developer", [{"type": "text", "text": "In French."}]),
    ]

    async def scenario(house: House) -> None:
        assert (await complete(house, messages=messages)).status == 200
        assert (await complete(house, messages=messages, prompt_mode="replace")).status == 200
        assert (await complete(house)).status == 200

    with_server(listening, scenario)
    assert [call["message"] for call in given] == ["And a\nchain?", "And a\nchain?", "What is a rollup?"]
    said = [of("user", "What is\na rollup?"), of("assistant", "A batch.")]
    assert [call["history"] for call in given] == [said, said, []]
    assert [call["use"] for call in given] == [True, True, False]
    own, replaced, plain = [call["prompt"] for call in given]
    assert plain
    assert own == f"{plain}\n\nBe short.\n\nIn French."
    assert replaced == "Be short.\n\nIn French."


def test_wishes_that_nobody_can_grant_are_ignored() -> None:
    wishes = {
        "temperature": 0.2,
        "top_p": 1,
        "max_tokens": 1,
        "max_completion_tokens": 1,
        "seed": 7,
        "n": 1,
        "stop": [],
        "user": "u",
        "metadata": {"a": "b"},
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "response_format": {"type": "text"},
        "modalities": ["text"],
        "logprobs": False,
        "logit_bias": {"1": 2},
        "no_such_parameter": {"x": 1},
    }

    async def scenario(house: House) -> None:
        response = await complete(house, **wishes)
        assert (response.status, response.json["choices"][0]["message"]["content"]) == (200, "heard you")

    with_server(saying("heard you"), scenario)


WRONG: list[tuple[str, dict[str, Any]]] = [
    *(("model", {"model": value}) for value in ("", " ", 7, ["x"])),
    *(("messages", {"messages": value}) for value in ([], "hi", {}, 7)),
    ("messages.0", {"messages": ["hi"]}),
    ("messages.0.role", {"messages": [{"content": "hi"}]}),
    ("messages.1.role", {"messages": [of("user", "hi"), of("robot", "hi")]}),
    *(
        ("messages.0.content", {"messages": [of("user", value)]})
        for value in (7, {"type": "text"}, "", " \n", [], None)
    ),
    (
        "messages.0.content.1.text",
        {"messages": [of("user", [{"type": "text", "text": "a"}, {"type": "text", "text": 7}])]},
    ),
    ("messages.0.content.0.type", {"messages": [of("user", [{"text": "a"}])]}),
    ("messages", {"messages": [of("system", "be nice")]}),
    ("messages", {"messages": [of("user", "hi"), of("assistant", "Hello, I")]}),
    ("messages", {"messages": [of("user", "hi"), of("tool", "42")]}),
    *(("n", {"n": value}) for value in (0, 2, "1")),
    *(("stop", {"stop": value}) for value in ("\n", ["\n"])),
    ("response_format", {"response_format": {"type": "json_object"}}),
    ("response_format", {"response_format": {"type": "json_schema", "json_schema": {}}}),
    ("response_format.type", {"response_format": {}}),
    *(
        ("tool_choice", {"tool_choice": value})
        for value in ("required", {"type": "function", "function": {"name": "f"}})
    ),
    ("function_call", {"function_call": {"name": "f"}}),
    ("logprobs", {"logprobs": True}),
    ("modalities", {"modalities": ["audio"]}),
    ("stream", {"stream": "yes"}),
    ("stream_options.include_usage", {"stream_options": {"include_usage": 1}}),
    ("conversation_id", {"conversation_id": "a\nb"}),
    ("prompt_mode", {"prompt_mode": "prepend"}),
    ("lang", {"lang": "de"}),
    ("timeout", {"timeout": 0}),
    ("on_disconnect", {"on_disconnect": "stay"}),
    ("on_busy", {"on_busy": "wait"}),
]


def test_what_cannot_be_kept_is_refused_by_name_and_nothing_has_happened() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        for param, fields in WRONG:
            for stream in (True, False):
                response = await complete(house, **{"stream": stream, **fields})
                assert error_of(response) == (400, "invalid_request_error", param, "invalid_request"), fields
        broken = await house.request("POST", COMPLETIONS, headers=JSON, body=b"{")
        assert error_of(broken) == (400, "invalid_request_error", "body", "invalid_request")
        assert house.turns_opened == 0

    with_server(gate, scenario)
    assert gate.calls == 0


def test_an_error_is_said_in_the_language_that_is_asked_for() -> None:
    async def scenario(house: House) -> None:
        assert "请求无效" in (await complete(house, n=2)).json["error"]["message"]
        assert (await complete(house, n=2, lang="en")).json["error"]["message"].startswith("Invalid request: n ")
        english = await house.post(f"{COMPLETIONS}?lang=en", saying_to(n=2))
        assert english.json["error"]["message"].startswith("Invalid request: n ")

    with_server(saying("hi"), scenario)


# What is attached.


def image(content: bytes = PNG, kind: str = "image/png") -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": f"data:{kind};base64,{b64encode(content).decode()}"}}


def with_parts(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    return [of("user", [{"type": "text", "text": "What is it?"}, *parts])]


SOUND = {"type": "input_audio", "input_audio": {"data": b64encode(WAV).decode(), "format": "wav"}}
PAPER = {
    "type": "file",
    "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{b64encode(PDF).decode()}"},
}


def test_images_sound_and_files_reach_the_function() -> None:
    given: list[Any] = []

    def looking(message: str, attachments: Any, history: Any) -> str:
        given.append(([(one.media_type, one.name, one.content) for one in attachments], history))
        return "seen"

    messages = with_parts(image(), SOUND, PAPER)

    async def scenario(house: House) -> None:
        assert (await complete(house, messages=messages)).status == 200
        later = [*messages, of("assistant", "A picture."), of("user", "Sure?")]
        assert (await complete(house, messages=later)).status == 200

    with_server(looking, scenario)
    first, second = given
    assert first == ([("image/png", "", PNG), ("audio/wav", "", WAV), ("application/pdf", "a.pdf", PDF)], [])
    noted = "What is it?\n[attached: image/png, audio/wav, a.pdf (application/pdf)]"
    assert second == ([], [of("user", noted), of("assistant", "A picture.")])


def test_what_is_attached_makes_a_body_longer_than_others_and_text_does_not() -> None:
    def looking(message: str, attachments: Any) -> str:
        return str(len(attachments))

    large = image(PNG + bytes(3_000))

    async def scenario(house: House) -> None:
        before = [*with_parts(large), of("assistant", "A picture.")]
        response = await complete(house, messages=[*before, *with_parts(large)])
        assert response.json["choices"][0]["message"]["content"] == "1"
        assert error_of(await complete(house, message="x" * 3_000))[0] == 413

    with_server(looking, scenario, max_body_bytes=2_000)


@pytest.mark.parametrize(
    ("part", "param"),
    [
        (image(b"no picture"), "attachments.0.content"),
        (image(PNG, "image/tiff"), "attachments.0.media_type"),
        (image(PNG, "image"), "messages.0.content.1"),
        ({"type": "image_url", "image_url": {"url": "https://x.test/a.png"}}, "attachments.0.url"),
        ({"type": "image_url", "image_url": {"url": "data:image/png,abc"}}, "messages.0.content.1"),
        (
            {"type": "image_url", "image_url": {"url": f"data:image/png{';a' * 512};base64,AA=="}},
            "messages.0.content.1",
        ),
        ({"type": "image_url", "image_url": {"url": 7}}, "messages.0.content.1.image_url.url"),
        ({"type": "image_url"}, "messages.0.content.1"),
        (
            {"type": "input_audio", "input_audio": {"data": "AA==", "format": "aiff"}},
            "messages.0.content.1.input_audio.format",
        ),
        ({"type": "file", "file": {"file_id": "file-1"}}, "messages.0.content.1"),
        ({"type": "file", "file": {"file_data": "https://x.test/a.pdf"}}, "messages.0.content.1"),
        ({"type": "video_url", "video_url": {"url": "https://x.test/a.mp4"}}, "messages.0.content.1"),
    ],
)
def test_what_cannot_be_attached_is_refused_by_name(part: dict[str, Any], param: str) -> None:
    def looking(message: str, attachments: Any) -> str:
        return "seen"

    async def scenario(house: House) -> None:
        refused = await complete(house, messages=with_parts(part))
        assert error_of(refused) == (400, "invalid_request_error", param, "invalid_request")
        assert house.turns_opened == 0

    with_server(looking, scenario)


def test_more_attachments_than_anybody_takes_are_the_clients_mistake() -> None:
    async def scenario(house: House) -> None:
        refused = await complete(house, messages=with_parts(*[image(b"")] * 1_001))
        assert error_of(refused) == (400, "invalid_request_error", "attachments", "invalid_request")

    with_server(saying("nothing"), scenario)


def test_a_function_that_takes_nothing_is_given_nothing_and_nothing_is_lost_silently() -> None:
    async def scenario(house: House) -> None:
        refused = await complete(house, messages=with_parts(image()))
        assert error_of(refused) == (400, "invalid_request_error", "attachments", "invalid_request")
        instructed = [of("system", [image()]), of("user", "hi")]
        assert error_of(await complete(house, messages=instructed))[2] == "messages.0.content"

    with_server(saying("hi"), scenario)


# Errors.


@pytest.mark.parametrize("stream", [True, False])
def test_an_error_before_the_first_byte_has_its_status(stream: bool) -> None:
    async def scenario(house: House) -> None:
        unknown = await complete(house, model="nobody", stream=stream)
        assert error_of(unknown) == (404, "invalid_request_error", "model", "model_not_found")
        stranger = await complete(house, token="wrong", stream=stream)
        assert error_of(stranger) == (401, "invalid_request_error", None, "invalid_api_key")
        assert stranger.headers["www-authenticate"] == "Bearer"
        large = await complete(house, message="x" * 3_000, stream=stream)
        assert error_of(large) == (413, "invalid_request_error", None, "body_too_large")
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert error_of(await house.request("POST", COMPLETIONS, headers=form, body=b"a=b"))[0] == 415
        house.server.rooms.book.drain()
        closing = await complete(house, stream=stream)
        assert error_of(closing) == (503, "server_error", None, "shutting_down")
        assert closing.headers["retry-after"]
        assert "x-should-retry" not in closing.headers

    with_server(saying("hi"), scenario, max_body_bytes=2_000)


def failing(message: str) -> Any:
    if message == "in the middle":
        yield "half of "
    raise ValueError("no")


def test_a_failure_is_an_error_and_no_end_that_looks_whole() -> None:
    async def scenario(house: House) -> None:
        whole = await complete(house)
        assert error_of(whole) == (500, "server_error", None, "processing_error")
        for message, text in (("at once", ""), ("in the middle", "half of ")):
            frames = (await complete(house, message=message, stream=True)).frames
            assert text_in(frames) == text
            assert frames[-1].payload == {
                "error": {
                    "message": "处理过程中发生错误",
                    "type": "server_error",
                    "param": None,
                    "code": "processing_error",
                }
            }

    with_server(failing, scenario)


def test_a_function_that_has_run_is_not_run_again_by_a_clients_own_retry() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        late = await complete(house, timeout=0.01)
        assert error_of(late) == (504, "server_error", None, "timeout")
        assert late.headers["x-should-retry"] == "false"
        assert "x-should-retry" in late.headers["access-control-expose-headers"]
        gate.opened.set()

    with_server(gate, scenario)


def test_a_timeout_in_a_stream_is_its_last_word() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        frames = (await complete(house, timeout=0.01, stream=True)).frames
        assert frames[-1].payload["error"]["code"] == "timeout"
        gate.opened.set()

    with_server(gate, scenario)


def test_a_function_that_asks_its_user_learns_at_once_that_nobody_can_answer() -> None:
    def asking(message: str, ask: Any) -> str:
        try:
            return str(ask("How large?"))
        except TimeoutError:
            return "medium"

    async def scenario(house: House) -> None:
        assert (await complete(house)).json["choices"][0]["message"]["content"] == "medium"
        stream = await complete(house, stream=True)
        assert text_in(stream.frames) == "medium"

    with_server(asking, scenario)


# Who leaves, and who stops.


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_stops_the_work(stream: bool) -> None:
    gate = Gate()
    stopped = Event()

    def watched(message: str, cancelled: Any) -> str:
        cancelled.on_set(stopped.set)
        return gate(message)

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            body = to_bytes(saying_to(stream=stream))
            await connection.send("POST", COMPLETIONS, headers=JSON | {"Authorization": f"Bearer {ALICE}"}, body=body)
            await gate.has_begun()
        assert await asyncio.to_thread(stopped.wait, PATIENCE_SECONDS)
        gate.opened.set()

    with_server(watched, scenario, linger=3_600.0)


def test_who_asks_for_it_may_leave_and_read_the_answer_elsewhere() -> None:
    gate = Gate("kept")

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await begin(house, connection, on_disconnect="continue")
            await gate.has_begun()
        gate.opened.set()
        frames = (await house.get(f"/api/streams/{stream_id}")).frames
        assert frames[-1].status == "complete"

    with_server(gate, scenario)


def test_a_stream_can_be_stopped_by_its_id() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await begin(house, connection)
            await gate.has_begun()
            assert (await house.request("DELETE", f"/api/streams/{stream_id}", token=BOB)).status == 404
            assert (await house.request("DELETE", f"/api/streams/{stream_id}")).json["state"] == "cancelling"
            frames = [frame async for frame in connection.frames()]
        assert frames[-1].payload["error"]["code"] == "cancelled"
        gate.opened.set()

    with_server(gate, scenario)


def test_a_repeated_key_is_no_second_question() -> None:
    gate = Gate("once")
    key = {"Idempotency-Key": "k1"}

    async def scenario(house: House) -> None:
        first = asyncio.create_task(complete(house, headers=key))
        await gate.has_begun()
        second = asyncio.create_task(complete(house, headers=key))
        await until(lambda: house.server.rooms.book.readers == 2)
        gate.opened.set()
        ids = {response.json["id"] for response in await asyncio.gather(first, second)}
        assert len(ids) == 1
        other = [of("user", "another"), of("assistant", "before"), of("user", "What is a rollup?")]
        for wish in ({"messages": other}, {"store": True}):
            reused = await complete(house, headers=key, **wish)
            assert error_of(reused) == (400, "invalid_request_error", "Idempotency-Key", "invalid_request")

    with_server(gate, scenario)
    assert gate.calls == 1


# Conversations.


def test_nothing_is_kept_unless_the_client_asks_for_it() -> None:
    async def scenario(house: House) -> None:
        await complete(house, conversation_id="chat_1")
        await complete(house, stream=True)
        assert (await house.get("/api/conversations")).json["conversations"] == []
        kept = await complete(house, conversation_id="chat_1", store=True)
        assert kept.headers["x-conversation-id"] == "chat_1"
        exchanges = (await house.get("/api/conversations/chat_1")).json["exchanges"]
        assert [(row["message"], row["answer"]) for row in exchanges] == [("What is a rollup?", "hi")]

    with_server(saying("hi"), scenario)


def test_what_was_said_before_is_what_the_client_says_and_not_what_is_kept() -> None:
    given: list[Any] = []

    def listening(message: str, history: list[dict[str, str]]) -> str:
        given.append(history)
        return "heard"

    async def scenario(house: House) -> None:
        for _ in range(2):
            await complete(house, conversation_id="chat_1", store=True)

    with_server(listening, scenario)
    assert given == [[], []]


# Models, and what is under /v1 beside them.


def test_profiles_are_models() -> None:
    async def scenario(house: House) -> None:
        await house.server.rooms.profiles.put(
            Profile(username="a/b c", display_name="卷叠", settings=ProfileSettings())
        )
        listed = (await house.get("/v1/models")).json
        assert listed["object"] == "list"
        model = {"id": "a/b c", "object": "model", "created": 0, "owned_by": "streamchat", "name": "卷叠"}
        assert model in listed["data"]
        assert PROFILE in {each["id"] for each in listed["data"]}
        for spelled in ("a/b%20c", "a%2Fb%20c"):
            assert (await house.get(f"/v1/models/{spelled}")).json == model
        assert (await complete(house, model="a/b c")).json["model"] == "a/b c"
        missing = await house.get("/v1/models/nobody")
        assert error_of(missing) == (404, "invalid_request_error", "model", "model_not_found")

    with_server(saying("hi"), scenario)


@pytest.mark.parametrize(
    ("method", "path", "token", "error"),
    [
        ("GET", "/v1/models", "wrong", (401, "invalid_request_error", None, "invalid_api_key")),
        ("GET", "/v1/models/x", None, (401, "invalid_request_error", None, "invalid_api_key")),
        ("POST", "/v1/models", ALICE, (405, "invalid_request_error", None, "method_not_allowed")),
        ("GET", COMPLETIONS, ALICE, (405, "invalid_request_error", None, "method_not_allowed")),
        ("GET", "/v1/embeddings", ALICE, (404, "invalid_request_error", None, "unknown_url")),
        ("POST", "/v1/responses", None, (404, "invalid_request_error", None, "unknown_url")),
        ("GET", "/v1", None, (404, "invalid_request_error", None, "unknown_url")),
    ],
)
def test_every_error_under_v1_is_in_openais_shape(
    method: str, path: str, token: str | None, error: tuple[int, str, None, str]
) -> None:
    async def scenario(house: House) -> None:
        body = b"{}" if method == "POST" else None
        response = await house.request(method, path, token=token, headers=JSON if body else {}, body=body)
        assert error_of(response) == error

    with_server(saying("hi"), scenario)


def test_a_preflight_is_answered_everywhere() -> None:
    async def scenario(house: House) -> None:
        for path in (COMPLETIONS, "/v1/models", "/v1/nothing"):
            assert (await house.request("OPTIONS", path, token=None)).status == 204

    with_server(saying("hi"), scenario)


def test_the_metrics_know_the_door() -> None:
    async def scenario(house: House) -> None:
        await complete(house, stream=True)
        await complete(house)
        await house.get("/v1/models")
        metrics = (await house.get("/metrics")).body.decode()
        assert 'streamchat_stream_ends_total{door="openai",end="complete"} 2.0' in metrics
        assert 'streamchat_requests_total{door="openai",status="200"} 2.0' in metrics
        assert 'streamchat_requests_total{door="models",status="200"} 1.0' in metrics
        assert 'streamchat_streamed_characters_total{door="openai"} 4.0' in metrics
        assert 'streamchat_first_frame_seconds_count{door="openai"} 1.0' in metrics

    with_server(saying("hi"), scenario)
