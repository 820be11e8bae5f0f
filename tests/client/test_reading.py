import base64
import math

import pytest

from streamchat.client.happenings import (
    Asked,
    Ended,
    MediaCame,
    QuestionClosed,
    Said,
    Stage,
    ToolCalled,
    ToolReturned,
    Waiting,
)
from streamchat.client.reading import Reading
from tests.client.scripted_server import chat


def test_a_whole_stream_is_told_as_stages_text_and_one_end() -> None:
    reading = Reading()
    told = [happening for at, (_, frame) in enumerate(chat(["a", "b"])) for happening in reading.take(frame, at)]
    assert told == [
        Stage(sentence="正在初始化连接...", percent=5, at=0),
        Stage(sentence="分析", percent=6.8, at=1),
        Stage(sentence="处理完成", percent=100, at=2),
        Said(text="a"),
        Said(text="b"),
        Ended(status="complete"),
    ]
    assert (reading.first_frame_at, reading.processed_at, reading.first_text_at, reading.ended_at) == (0, 2, 3, 5)
    assert (reading.answer, reading.characters) == ("ab", 2)


def test_the_answer_is_the_text_of_all_chunks_to_the_byte() -> None:
    reading = Reading()
    for piece in ("\r\n", " ", "👨‍👩‍👧", ""):
        reading.take({"status": "streaming", "data": piece}, 0.0)
    assert reading.answer == "\r\n 👨‍👩‍👧"


def test_what_the_server_does_not_repeat_of_a_stage_stays() -> None:
    reading = Reading()
    reading.take({"status": "processing", "message": "m", "progress": 12}, 0.0)
    (stage,) = reading.take({"status": "processing", "remaining_time": 3.5}, 1.0)
    assert stage == Stage(sentence="m", percent=12, remaining=3.5, at=1.0)


def test_media_in_parts_is_told_once_whole() -> None:
    content = base64.b64encode(b"picture").decode()
    frames = [
        {"status": "media", "media_type": "image/png", "content": content[:5], "part": 1, "parts": 2, "alt": "a"},
        {"status": "media", "media_type": "image/png", "content": content[5:], "part": 2, "parts": 2, "alt": "a"},
    ]
    reading = Reading()
    assert reading.take(frames[0], 0.0) == []
    assert reading.take(frames[1], 0.0) == [MediaCame(media_type="image/png", content=b"picture", alt="a")]


def test_media_that_came_broken_has_no_content() -> None:
    (media,) = Reading().take({"status": "media", "media_type": "image/png", "content": "%%%"}, 0.0)
    assert media == MediaCame(media_type="image/png")


def test_media_may_be_an_address() -> None:
    (media,) = Reading().take({"status": "media", "media_type": "a/b", "url": "https://x/y"}, 0.0)
    assert media == MediaCame(media_type="a/b", url="https://x/y")


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (
            {"status": "queued", "message": "m", "position": 3, "estimated_wait": None},
            Waiting(sentence="m", position=3, wait=None),
        ),
        ({"status": "tool_call", "name": "n", "arguments": {"a": 1}}, ToolCalled(name="n", arguments={"a": 1})),
        (
            {"status": "tool_result", "name": "n", "result": None, "is_error": True},
            ToolReturned(name="n", result=None, is_error=True),
        ),
        (
            {"status": "input_required", "request_id": "r", "question": "q", "schema": True, "expires_in": 9},
            Asked(request_id="r", question="q", schema=True, expires_in=9),
        ),
        ({"status": "input_received", "request_id": "r"}, QuestionClosed(request_id="r", is_answered=True)),
        ({"status": "input_expired", "request_id": "r"}, QuestionClosed(request_id="r", is_answered=False)),
        (
            {"status": "cancelled", "is_complete": True, "error": "e", "code": "cancelled", "worker": "running"},
            Ended(status="cancelled", error="e", code="cancelled", worker="running"),
        ),
    ],
)
def test_more_than_text_is_told_too(frame: dict[str, object], told: object) -> None:
    assert Reading().take(frame, 0.0) == [told]


@pytest.mark.parametrize("status", ["of the future", None, 5, ["streaming"]])
def test_an_unknown_status_tells_nothing(status: object) -> None:
    assert Reading().take({"status": status}, 0.0) == []


def test_fields_of_the_wrong_type_are_as_if_missing() -> None:
    reading = Reading()
    odd = {"message": ["m"], "progress": "12", "remaining_time": True}
    assert reading.take({"status": "processing"} | odd, 0.0) == [Stage()]
    assert reading.take({"status": "processing", "progress": math.nan}, 0.0) == [Stage()]
    assert reading.take({"status": "streaming", "data": None}, 0.0) == [Said(text="")]
    assert reading.end is None


def test_counts_come_in_a_frame_of_their_own_and_in_the_last() -> None:
    reading = Reading()
    reading.take({"status": "usage", "prompt_tokens": 5, "completion_tokens": 1, "complete": False}, 0.0)
    assert reading.usage == {"prompt_tokens": 5, "completion_tokens": 1}
    reading.take({"status": "complete", "is_complete": True, "usage": {"completion_tokens": 9}}, 0.0)
    assert reading.usage == {"prompt_tokens": 5, "completion_tokens": 9}
