# ruff: noqa: E501 - a frame is one line on the wire
"""The frames of the three streaming doors, byte for byte, as the wire contract shows them (sections 1 and 3).

Only what no test can know is masked: the stream's id and the figures of a clock.
"""

import re

import pytest

from tests.handlers.house import BASIC, SMART, STREAMING_DOORS, House, saying, with_server
from tests.handlers.raw_client import Response

ADVANCED = "/api/stream_chat_advanced"
ANSWER = "Hello! I think AI is a tool, and tools have owners."

GOLDEN = {
    BASIC: """\
data: {"success":true,"data":"","status":"connecting"}
id: ST:0

data: {"success":true,"data":"","status":"processing","message":"正在处理您的请求..."}
id: ST:0

data: {"success":true,"data":"","status":"processing","message":"正在分析您的请求...","progress":5.0,"elapsed_time":T}
id: ST:0

data: {"success":true,"data":"","status":"processing_complete","progress":100,"message":"处理完成 (耗时 T秒)，正在发送回复...","total_processing_time":T}
id: ST:1

data: {"success":true,"data":"Hello! I think AI is","status":"streaming","progress":39.2,"is_complete":false,"total_length":51,"current_position":20}
id: ST:2

data: {"success":true,"data":" a tool, and tools h","status":"streaming","progress":78.4,"is_complete":false,"total_length":51,"current_position":40}
id: ST:3

data: {"success":true,"data":"ave owners.","status":"streaming","progress":100.0,"is_complete":false,"total_length":51,"current_position":51}
id: ST:4

data: {"success":true,"data":"","status":"complete","is_complete":true}
id: ST:5

""",
    ADVANCED: """\
data: {"success":true,"data":"","status":"initializing"}
id: ST:0

data: {"success":true,"data":"","status":"processing","message":"正在初始化处理..."}
id: ST:0

data: {"success":true,"data":"","status":"processing","message":"正在分析用户请求...","progress":5.0,"elapsed_time":T}
id: ST:0

data: {"success":true,"data":"","status":"processing_complete","progress":100,"message":"处理完成 (耗时 T秒)，正在发送回复...","total_processing_time":T}
id: ST:1

data: {"success":true,"data":"Hello! ","status":"streaming","chunk_number":1,"is_complete":false}
id: ST:2

data: {"success":true,"data":"I think AI is a tool, and ","status":"streaming","chunk_number":2,"is_complete":false}
id: ST:3

data: {"success":true,"data":"tools have owners.","status":"streaming","chunk_number":3,"is_complete":false}
id: ST:4

data: {"success":true,"data":"","status":"complete","is_complete":true}
id: ST:5

""",
    SMART: """\
data: {"success":true,"data":"","status":"initializing","message":"正在初始化连接...","progress":5}
id: ST:0

data: {"success":true,"data":"","status":"processing","message":"正在处理您的请求...","progress":5}
id: ST:0

data: {"success":true,"data":"","status":"processing","message":"正在分析用户请求...","progress":5.0,"elapsed_time":T}
id: ST:0

data: {"success":true,"data":"","status":"processing_complete","progress":100,"message":"处理完成 (耗时 T秒)，正在发送回复...","total_processing_time":T}
id: ST:1

data: {"success":true,"data":"Hello! ","status":"streaming","chunk_number":1,"streaming_progress":13.7,"is_complete":false}
id: ST:2

data: {"success":true,"data":"I think AI is a tool, and ","status":"streaming","chunk_number":2,"streaming_progress":64.7,"is_complete":false}
id: ST:3

data: {"success":true,"data":"tools have owners.","status":"streaming","chunk_number":3,"streaming_progress":100.0,"is_complete":false}
id: ST:4

data: {"success":true,"data":"","status":"complete","is_complete":true,"total_time":T}
id: ST:5

""",
}

HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache, no-transform",
    "connection": "keep-alive",
    "x-accel-buffering": "no",
    "access-control-allow-origin": "*",
    "access-control-allow-headers": "*, Authorization",
    "access-control-allow-methods": "*",
    "access-control-expose-headers": (
        "X-Stream-Id, X-Conversation-Id, X-Request-Id, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, "
        "Retry-After"
    ),
}


def masked(response: Response) -> str:
    """The body with T for every time; the first guess at progress may have moved while the machine was busy."""
    text = response.body.decode().replace(response.headers.get("x-stream-id", "?"), "ST")
    text = re.sub(r'("(?:elapsed_time|total_processing_time|total_time)":)[0-9.]+', r"\1T", text)
    text = re.sub(r"耗时 [0-9.]+秒", "耗时 T秒", text)
    return re.sub(r'"progress":5\.[0-9],', '"progress":5.0,', text)


@pytest.mark.parametrize("door", STREAMING_DOORS)
def test_a_whole_stream_is_the_golden_one(door: str) -> None:
    async def scenario(house: House) -> None:
        response = await house.ask(door)
        assert response.status == 200
        assert masked(response) == GOLDEN[door]

    with_server(saying(ANSWER), scenario)


@pytest.mark.parametrize("door", STREAMING_DOORS)
def test_the_headers_are_those_of_the_contract(door: str) -> None:
    async def scenario(house: House) -> None:
        response = await house.ask(door, conversation_id="chat_123")
        assert {name: response.headers.get(name) for name in HEADERS} == HEADERS
        assert response.headers["x-conversation-id"] == "chat_123"
        assert response.headers["x-stream-id"].startswith("st_")
        assert response.headers["x-request-id"].startswith("req_")
        assert "server" not in response.headers

    with_server(saying("hi"), scenario)


def test_english_sentences_come_when_they_are_asked_for() -> None:
    async def scenario(house: House) -> None:
        frames = (await house.ask(SMART, lang="en")).frames
        assert frames[0].payload["message"] == "Initializing the connection..."
        assert [frame.payload["message"] for frame in frames[1:3]] == [
            "Processing your request...",
            "Analysing the request...",
        ]

    with_server(saying("hi"), scenario)


@pytest.mark.parametrize("door", STREAMING_DOORS)
def test_a_profile_that_is_not_there_is_the_golden_error(door: str) -> None:
    async def scenario(house: House) -> None:
        response = await house.ask(door, username="Nobody")
        assert response.status == 404
        assert response.body.decode() == (
            'data: {"success":false,"error":"User profile not found","status":"error","is_complete":true,'
            '"code":"profile_not_found"}\n\n'
        )
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"

    with_server(saying("hi"), scenario)


@pytest.mark.parametrize("door", STREAMING_DOORS)
def test_a_function_that_raises_is_the_golden_error(door: str) -> None:
    def broken(message: str) -> str:
        raise RuntimeError("no such luck")

    async def scenario(house: House) -> None:
        end = (await house.ask(door)).frames[-1]
        assert end.raw.decode().partition("\nid: ")[0] == (
            'data: {"success":false,"error":"处理过程中发生错误","status":"error","is_complete":true,'
            '"code":"processing_error"}'
        )

    with_server(broken, scenario)


@pytest.mark.parametrize("door", STREAMING_DOORS)
def test_a_function_past_its_deadline_is_the_golden_timeout(door: str) -> None:
    def slow(message: str, cancelled: object) -> str:
        cancelled.wait(20)  # type: ignore[attr-defined]
        return "too late"

    async def scenario(house: House) -> None:
        response = await house.ask(door, timeout=0.05)
        assert response.frames[-1].status == "timeout"
        assert masked(response).rpartition("\ndata: ")[2].partition("\nid: ")[0] == (
            '{"success":false,"error":"处理超时，请稍后重试","status":"timeout","is_complete":true,'
            '"elapsed_time":T,"code":"timeout"}'
        )

    with_server(slow, scenario)
