"""The AI SDK's parts, line for line."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from streamchat.presenting.frames import AnyFrame, Chunk, Frame, keepalive
from streamchat.presenting.payloads import error_payload, interaction_payload, report_payloads
from streamchat.turns.events import InputReceived, InputRequired, Media, QuestionExpired, ToolCall, ToolResult
from streamchat.wire.ui_messages import UiMessageWire

BEGIN = [
    {"type": "start", "messageId": "st_one", "messageMetadata": {"stream_id": "st_one"}},
    {"type": "start-step"},
]
CALL = ToolCall(call_id="c1", name="search", arguments={"q": "你好"})
HERE = {"providerExecuted": True, "dynamic": True}
COMPLETE = {"success": True, "data": "", "status": "complete", "is_complete": True, "total_time": 1.5}
WHOLE_TEXT = some.text(some.characters(exclude_categories=["Cs"]))


def wire() -> UiMessageWire:
    return UiMessageWire("st_one", {"stream_id": "st_one"})


def chunk(text: str, number: int = 1) -> Chunk:
    return Chunk(text, number, number, len(text), None, ("chunk_number",))


def news(status: str, **fields: Any) -> Frame:
    return Frame({"success": True, "data": "", "status": status, **fields}, 0, is_durable=False)


def reported(fact: Any) -> list[AnyFrame]:
    return [Frame(payload, 1) for payload in report_payloads(fact)]


def said(fact: Any) -> Frame:
    return Frame(interaction_payload(fact), 1)


def end(**fields: Any) -> Frame:
    return Frame({**COMPLETE, **fields}, 9, is_terminal=True)


def parts(sent: bytes) -> list[Any]:
    """The parts of whole blocks, strictly: a data line and a blank line each; what is no JSON stays text."""
    *blocks, rest = sent.decode().split("\n\n")
    assert rest == ""
    assert all(block.startswith("data: ") and "\n" not in block for block in blocks)
    texts = [block.removeprefix("data: ") for block in blocks]
    return [text if text == "[DONE]" else json.loads(text) for text in texts]


def parts_of(*frames: AnyFrame) -> list[Any]:
    """What a message has beyond its beginning."""
    shown = parts(wire().encode(frames))
    assert shown[:2] == BEGIN
    return shown[2:]


def kinds(shown: list[Any]) -> list[str]:
    return [part if part == "[DONE]" else part["type"] for part in shown]


def test_a_message_begins_at_once_and_only_once() -> None:
    one = wire()
    assert parts(one.encode([])) == BEGIN
    assert one.encode([]) == b""
    assert one.encode([news("initializing", message="…", progress=5)]) == b""


def test_a_plain_answer_is_one_text_from_start_to_end() -> None:
    processed = Frame({"success": True, "status": "processing_complete", "total_processing_time": 0.5, "data": ""}, 1)
    assert parts_of(processed, chunk("你"), chunk("好", 2), end()) == [
        {"type": "data-progress", "data": {"total_processing_time": 0.5}, "transient": True},
        {"type": "text-start", "id": "text_1"},
        {"type": "text-delta", "id": "text_1", "delta": "你"},
        {"type": "text-delta", "id": "text_1", "delta": "好"},
        {"type": "text-end", "id": "text_1"},
        {"type": "finish-step"},
        {
            "type": "finish",
            "finishReason": "stop",
            "messageMetadata": {"total_processing_time": 0.5, "total_time": 1.5},
        },
        "[DONE]",
    ]


def test_a_text_ends_where_something_else_stands_and_another_begins_after_it() -> None:
    frames = [chunk("a"), *reported(CALL), chunk("b", 2), chunk("c", 3)]
    assert [(part["type"], part.get("id")) for part in parts_of(*frames)] == [
        ("text-start", "text_1"),
        ("text-delta", "text_1"),
        ("text-end", "text_1"),
        ("tool-input-available", None),
        ("text-start", "text_2"),
        ("text-delta", "text_2"),
        ("text-delta", "text_2"),
    ]


def test_what_is_said_for_the_moment_is_transient_and_interrupts_no_text() -> None:
    usage = news("usage", prompt_tokens=1, completion_tokens=2, complete=False)
    shown = parts_of(news("processing", message="…", progress=5), chunk("a"), usage, chunk("b", 2))
    assert kinds(shown) == ["data-progress", "text-start", "text-delta", "data-usage", "text-delta"]
    assert shown[0] == {"type": "data-progress", "data": {"message": "…", "progress": 5}, "transient": True}
    assert shown[3]["data"] == {"prompt_tokens": 1, "completion_tokens": 2, "complete": False}
    assert shown[3]["transient"] is True


def test_a_status_of_later_days_is_news_under_its_own_name() -> None:
    assert parts_of(news("queued", position=2), news("some_day", a=1)) == [
        {"type": "data-queued", "data": {"position": 2}, "transient": True},
        {"type": "data-some-day", "data": {"a": 1}, "transient": True},
    ]


def test_a_tool_is_one_that_ran_here() -> None:
    result = ToolResult(call_id="c1", name="search", result={"n": [1, None]})
    assert parts_of(*reported(CALL), *reported(result)) == [
        {"type": "tool-input-available", "toolCallId": "c1", "toolName": "search", "input": {"q": "你好"}, **HERE},
        {"type": "tool-output-available", "toolCallId": "c1", "output": {"n": [1, None]}, **HERE},
    ]


@pytest.mark.parametrize(("result", "told"), [("no luck", "no luck"), ({"code": 7}, '{"code":7}'), (None, "null")])
def test_a_tool_that_fails_says_so_in_a_text(result: Any, told: str) -> None:
    failure = ToolResult(call_id="c1", name="search", result=result, is_error=True)
    assert parts_of(*reported(CALL), *reported(failure))[1:] == [
        {"type": "tool-output-error", "toolCallId": "c1", "errorText": told, **HERE}
    ]


def test_a_result_that_nobody_called_for_has_its_call_made_up_once() -> None:
    result = ToolResult(call_id="c7", name="search", result=1)
    shown = parts_of(*reported(result), *reported(result))
    assert kinds(shown) == ["tool-input-available", "tool-output-available", "tool-output-available"]
    assert shown[0] == {"type": "tool-input-available", "toolCallId": "c7", "toolName": "search", "input": None, **HERE}


def test_a_picture_at_an_address_is_a_file() -> None:
    media = Media(media_type="image/png", url="https://example.org/a.png")
    assert parts_of(*reported(media)) == [
        {"type": "file", "url": "https://example.org/a.png", "mediaType": "image/png"}
    ]


def test_a_content_in_pieces_is_one_file_with_its_alternative_text() -> None:
    content = "QUJD" * 40_000
    frames = reported(Media(media_type="image/png", content=content, alt="一张图"))
    assert len(frames) == 3
    assert parts_of(*frames, *reported(Media(media_type="text/plain", content="QQ=="))) == [
        {
            "type": "file",
            "url": f"data:image/png;base64,{content}",
            "mediaType": "image/png",
            "providerMetadata": {"streamchat": {"alt": "一张图"}},
        },
        {"type": "file", "url": "data:text/plain;base64,QQ==", "mediaType": "text/plain"},
    ]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [(InputReceived(request_id="q1"), "answered"), (QuestionExpired(request_id="q1"), "expired")],
)
def test_what_becomes_of_a_question_takes_its_place(outcome: Any, status: str) -> None:
    asked = InputRequired(request_id="q1", question="Which?", schema={"type": "string"}, expires_in=60.0)
    question = {"request_id": "q1", "question": "Which?", "schema": {"type": "string"}, "expires_in": 60.0}
    assert parts_of(chunk("a"), said(asked), said(outcome))[2:] == [
        {"type": "text-end", "id": "text_1"},
        {"type": "data-question", "id": "q1", "data": {**question, "status": "open"}},
        {"type": "data-question", "id": "q1", "data": {**question, "status": status}},
    ]


def test_a_word_that_nobody_asked_for_is_news() -> None:
    assert parts_of(said(InputReceived())) == [
        {"type": "data-input-received", "data": {"request_id": None}, "transient": True}
    ]


def test_a_keepalive_is_a_comment() -> None:
    one = wire()
    one.encode([])
    assert one.encode([keepalive(3)]) == b": keep-alive\n\n"


def test_an_error_comes_after_its_code_and_before_the_end() -> None:
    failure = Frame(error_payload("太慢了", "timeout", status="timeout", elapsed_time=3.0), 2, is_terminal=True)
    assert parts_of(chunk("a"), failure)[2:] == [
        {"type": "text-end", "id": "text_1"},
        {"type": "finish-step"},
        {"type": "message-metadata", "messageMetadata": {"code": "timeout", "elapsed_time": 3.0}},
        {"type": "error", "errorText": "太慢了"},
        {"type": "finish", "finishReason": "error"},
        "[DONE]",
    ]


def test_a_stop_is_an_abort_and_no_error() -> None:
    stopped = Frame(error_payload("已取消", "cancelled", status="cancelled", worker="ended"), 2, is_terminal=True)
    assert parts_of(stopped) == [
        {"type": "finish-step"},
        {"type": "message-metadata", "messageMetadata": {"code": "cancelled", "worker": "ended"}},
        {"type": "abort"},
        "[DONE]",
    ]


def test_the_tokens_are_told_at_the_end() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "complete": True}
    finish = parts_of(end(usage=usage))[-2]
    assert finish["messageMetadata"] == {"total_time": 1.5, "usage": usage}


@settings(deadline=None)
@given(some.lists(WHOLE_TEXT, max_size=8))
def test_every_text_comes_back_whole_on_lines_of_its_own(texts: list[str]) -> None:
    sent = wire().encode([chunk(text, number) for number, text in enumerate(texts, 1)])
    assert "".join(part["delta"] for part in parts(sent) if part["type"] == "text-delta") == "".join(texts)
    assert not {"\x85", "\u2028", "\u2029"} & set(sent.decode())
