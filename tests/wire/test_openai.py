import json
from typing import Any

import httpx
import pytest
from httpx_sse import EventSource
from hypothesis import given, settings
from hypothesis import strategies as some

from streamchat.presenting.frames import AnyFrame, Chunk, Frame, keepalive
from streamchat.presenting.payloads import error_payload
from streamchat.wire.openai import Completion, CompletionWire, error_body, whole_completion
from streamchat.wire.sse import CONTENT_TYPE

COMPLETION = Completion(id="chatcmpl-st_1", model='小助手 "one"', created=1_700_000_000)
HEADING = '"id":"chatcmpl-st_1","object":"chat.completion.chunk","created":1700000000,"model":"小助手 \\"one\\""'
COMPLETE = Frame({"success": True, "data": "", "status": "complete", "is_complete": True}, 9, is_terminal=True)
COUNTED = COMPLETE._replace(
    payload=COMPLETE.payload | {"usage": {"prompt_tokens": 3, "completion_tokens": 4, "complete": True}}
)
PROCESSED = Frame({"success": True, "data": "", "status": "processing_complete"}, 1)
WHOLE_TEXT = some.text(some.characters(exclude_categories=["Cs"]))


def said(text: str) -> Chunk:
    return Chunk(text, 2, 1, len(text), None, ("chunk_number",))


def chunk(delta: str, finish: str = "null", usage: str = "") -> str:
    return f'data: {{{HEADING},"choices":[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]{usage}}}\n\n'


def encoded(*frames: AnyFrame, **options: Any) -> str:
    return CompletionWire(COMPLETION, **options).encode(frames).decode()


def payloads(stream: str) -> list[dict[str, Any]]:
    blocks = stream.split("\n\n")[:-1]
    return [json.loads(block.removeprefix("data: ")) for block in blocks if block.startswith("data: {")]


def deltas(*frames: AnyFrame) -> list[dict[str, Any]]:
    """What the frames add to the message, after its role."""
    return [payload["choices"][0]["delta"] for payload in payloads(encoded(*frames))][1:]


def test_a_stream_has_a_role_first_then_text_then_a_reason_and_done() -> None:
    assert encoded(PROCESSED, said("你好/\n"), said(" there"), COMPLETE) == (
        chunk('{"role":"assistant","content":""}')
        + chunk('{"content":"你好/\\n"}')
        + chunk('{"content":" there"}')
        + chunk("{}", '"stop"')
        + "data: [DONE]\n\n"
    )


def test_the_tokens_have_a_chunk_of_their_own_when_they_are_asked_for() -> None:
    null = ',"usage":null'
    assert encoded(said("hi"), COUNTED, with_usage=True) == (
        chunk('{"role":"assistant","content":""}', usage=null)
        + chunk('{"content":"hi"}', usage=null)
        + chunk("{}", '"stop"', usage=null)
        + f'data: {{{HEADING},"choices":[],"usage":{{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}}}\n\n'
        + "data: [DONE]\n\n"
    )


def test_tokens_that_nobody_asked_for_are_not_told() -> None:
    assert "usage" not in encoded(said("hi"), COUNTED)


def test_tokens_that_nobody_has_counted_are_not_made_up() -> None:
    assert [payload["choices"] for payload in payloads(encoded(said("hi"), COMPLETE, with_usage=True))][-1] != []


def test_an_answer_without_a_word_is_a_whole_stream_all_the_same() -> None:
    assert encoded(COMPLETE) == (
        chunk('{"role":"assistant","content":""}') + chunk("{}", '"stop"') + "data: [DONE]\n\n"
    )


def test_the_role_is_said_once_however_the_frames_come() -> None:
    wire = CompletionWire(COMPLETION)
    one_by_one = "".join(wire.encode([frame]).decode() for frame in (said("a"), said("b"), COMPLETE))
    assert one_by_one == encoded(said("a"), said("b"), COMPLETE)


@pytest.mark.parametrize("frame", [keepalive(0), PROCESSED, Frame({"status": "usage", "prompt_tokens": 1}, 1)])
def test_what_has_no_word_here_is_a_comment(frame: Frame) -> None:
    assert encoded(frame) == ": ping\n\n"
    assert encoded(said("a"), frame) == encoded(said("a"))


def test_an_error_is_the_last_word_and_no_end_that_looks_whole() -> None:
    failed = Frame(error_payload("It broke", "processing_error"), 3, is_terminal=True)
    assert encoded(said("half"), failed).endswith(
        'data: {"error":{"message":"It broke","type":"server_error","param":null,"code":"processing_error"}}\n\n'
    )
    assert 'finish_reason":"' not in encoded(said("half"), failed)
    assert "[DONE]" not in encoded(said("half"), failed)


@pytest.mark.parametrize(
    ("code", "kind", "theirs", "param"),
    [
        ("invalid_request", "invalid_request_error", "invalid_request", None),
        ("unauthorized", "invalid_request_error", "invalid_api_key", None),
        ("profile_not_found", "invalid_request_error", "model_not_found", "model"),
        ("not_found", "invalid_request_error", "unknown_url", None),
        ("rate_limited", "rate_limit_error", "rate_limited", None),
        ("overloaded", "server_error", "overloaded", None),
        ("timeout", "server_error", "timeout", None),
        ("cancelled", "server_error", "cancelled", None),
    ],
)
def test_an_error_has_openais_word_where_there_is_one(code: str, kind: str, theirs: str, param: str | None) -> None:
    told = {"message": "No", "type": kind, "param": param, "code": theirs}
    assert error_body(error_payload("No", code)) == {"error": told}


def test_an_error_names_its_field() -> None:
    assert error_body(error_payload("No", "invalid_request", field="n"))["error"]["param"] == "n"


@pytest.mark.parametrize("end", ["\u0085", "\u2028", "\u2029"])
def test_ends_of_lines_that_only_some_clients_know_are_escaped(end: str) -> None:
    block = encoded(said(f"a{end}b"))
    assert f"\\u{ord(end):04x}" in block
    assert len(block.splitlines()) == 4


@settings(deadline=None)
@given(some.lists(WHOLE_TEXT, max_size=8))
def test_a_real_client_reads_back_every_text(texts: list[str]) -> None:
    sent = CompletionWire(COMPLETION).encode([*map(said, texts), COMPLETE])
    response = httpx.Response(200, headers={"Content-Type": CONTENT_TYPE}, content=sent)
    events = list(EventSource(response).iter_sse())
    assert events[-1].data == "[DONE]"
    chunks = [json.loads(event.data)["choices"][0] for event in events[:-1]]
    assert [each["delta"]["content"] for each in chunks[1:-1]] == texts


# Tools that the server has used.


def call(call_id: str, arguments: Any = None) -> Frame:
    return Frame({"status": "tool_call", "call_id": call_id, "name": "search", "arguments": arguments}, 1)


def result(call_id: str, result: Any, *, is_error: bool = False) -> Frame:
    payload = {"status": "tool_result", "call_id": call_id, "name": "search", "result": result, "is_error": is_error}
    return Frame(payload, 2)


def test_a_tool_is_told_when_it_is_called_and_its_output_is_added() -> None:
    called = {"index": 0, "id": "c1", "type": "function", "name": "search", "arguments": '{"q":"卷叠"}'}
    assert deltas(call("c1", {"q": "卷叠"}), result("c1", ["a"])) == [
        {"executed_tools": [called]},
        {"executed_tools": [{"index": 0, "type": "function", "output": '["a"]', "is_error": False}]},
    ]


def test_tools_at_work_at_a_time_keep_their_places() -> None:
    told = deltas(call("c1"), call("c2"), result("c2", "two", is_error=True), result("c1", "one"))
    tools = [delta["executed_tools"][0] for delta in told]
    assert [(tool["index"], tool.get("output"), tool.get("is_error")) for tool in tools] == [
        (0, None, None),
        (1, None, None),
        (1, "two", True),
        (0, "one", False),
    ]


def test_a_result_that_nobody_announced_has_a_place_too() -> None:
    (told,) = deltas(result("c1", "found"))
    assert told["executed_tools"][0] | {"is_error": False} == told["executed_tools"][0]
    assert (told["executed_tools"][0]["index"], told["executed_tools"][0]["arguments"]) == (0, "{}")


def test_no_tool_is_ever_the_clients_to_run() -> None:
    stream = encoded(call("c1"), result("c1", 1), said("done"), COMPLETE)
    assert "tool_calls" not in stream


# Media.


def media(media_type: str, **fields: Any) -> Frame:
    whole = {"part": 1, "parts": 1, "alt": None}
    return Frame({"status": "media", "media_type": media_type, **whole, **fields}, 1)


def test_an_address_stands_in_the_text_as_markdown() -> None:
    assert deltas(media("image/png", url="https://x.test/a (1).png?q=卷", alt="A [b]\nc")) == [
        {"content": "\n\n![A \\[b\\] c](https://x.test/a%20%281%29.png?q=%E5%8D%B7)\n\n"}
    ]
    assert deltas(media("image/png", url="https://x.test/a.png", alt="A\\](https://evil.test) ")) == [
        {"content": "\n\n![A\\\\\\](https://evil.test) ](https://x.test/a.png)\n\n"}
    ]
    assert deltas(media("audio/mpeg", url="https://x.test/a%20b.mp3")) == [
        {"content": "\n\n[audio/mpeg](https://x.test/a%20b.mp3)\n\n"}
    ]


def test_an_image_that_comes_in_parts_goes_out_whole() -> None:
    parts = [media("image/png", content=piece, part=n, parts=3) for n, piece in enumerate(("AA", "BB", "C="), 1)]
    second = media("image/gif", url="data:image/gif;base64,R0")
    assert deltas(*parts, second) == [
        {"images": [{"index": 0, "type": "image_url", "image_url": {"url": "data:image/png;base64,AABBC="}}]},
        {"images": [{"index": 1, "type": "image_url", "image_url": {"url": "data:image/gif;base64,R0"}}]},
    ]


def test_bytes_that_are_no_image_are_at_least_named_once() -> None:
    parts = [media("audio/mpeg", content=piece, part=n, parts=2, alt="a song") for n, piece in enumerate("AB", 1)]
    assert deltas(*parts) == [{"content": "\n\n[a song]\n\n"}]


# The one body.


def test_the_body_says_what_the_chunks_say_together() -> None:
    frames = [
        PROCESSED,
        said("One "),
        call("c1", {"q": 1}),
        result("c1", "found"),
        media("image/png", content="AA"),
        said("two"),
    ]
    assert whole_completion(COMPLETION, frames, COUNTED.payload) == {
        "id": "chatcmpl-st_1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": '小助手 "one"',
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "One two",
                    "refusal": None,
                    "executed_tools": [
                        {
                            "index": 0,
                            "id": "c1",
                            "type": "function",
                            "name": "search",
                            "arguments": '{"q":1}',
                            "output": "found",
                            "is_error": False,
                        }
                    ],
                    "images": [{"index": 0, "type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}],
                },
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
    }


def test_the_body_of_a_plain_answer_has_nothing_more() -> None:
    body = whole_completion(COMPLETION, [said("hi")], COMPLETE.payload)
    assert body["choices"][0]["message"] == {"role": "assistant", "content": "hi", "refusal": None}
    assert body["usage"] == {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
