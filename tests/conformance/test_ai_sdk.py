"""The AI SDK's own chat and transport, in every version that they are promised to work with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.conftest import RunScript
from tests.handlers.house import ALICE, PROFILE, House, saying, with_server
from tests.handlers.raw_client import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

SDKS = ("ai-7", "ai-6", "ai-5", "ai-5-oldest")
FINISHED = {"isAbort": False, "isDisconnect": False, "isError": False}


@pytest.fixture(params=SDKS)
def sdk(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def play(sdk: str, node: RunScript, process_query: Any, scene: str, look: Any, *, body: Any = (), **more: Any) -> None:
    """Have the SDK play a scene against a server with this function, and ``look`` at what its page has seen."""
    settings = more.pop("settings", {})

    async def scenario(house: House) -> None:
        told = {"sdk": sdk, "scene": scene, "chat": "chat_1", "text": "hello", "token": ALICE, **more}
        told |= {"api": f"http://127.0.0.1:{house.port}/api/ui_message_stream"}
        look(await node("ai_chat.mjs", {**told, "body": {"username": PROFILE, "lang": "en", **dict(body)}}))

    with_server(process_query, scenario, **settings)


def answer_in(message: Any) -> str:
    return "".join(part["text"] for part in message["parts"] if part["type"] == "text")


def shown(message: Any) -> list[str]:
    return [part["type"] for part in message["parts"]]


def asks(message: str, ask: Any) -> Iterator[str]:
    yield "Well: "
    yield f"{ask('Which colour?')} it is"


def begins(message: str, cancelled: Any) -> Iterator[str]:
    yield "begun"
    cancelled.wait(PATIENCE_SECONDS)


TEXT = '你好，世界 👩‍👩‍👧 e\u0301 line\u2028paragraph\u2029next\u0085 \r\n\ttab "quoted" \\ </script>'


@pytest.mark.parametrize("body", [{}, {"pace": "none", "chunking": {"strategy": "words"}}], ids=["raw", "in chunks"])
def test_every_character_arrives(sdk: str, node: RunScript, body: Any) -> None:
    def look(report: Any) -> None:
        user, assistant = report["messages"]
        assert (user["role"], assistant["role"]) == ("user", "assistant")
        assert answer_in(assistant) == TEXT
        assert shown(assistant) == ["step-start", "text"]
        assert (report["status"], report["error"]) == ("ready", None)
        assert assistant["id"] == assistant["metadata"]["stream_id"]
        assert assistant["metadata"]["conversation_id"] == "chat_1"
        assert assistant["metadata"]["total_time"] >= 0.0
        assert report["finish"] == FINISHED | {"finishReason": "stop"}

    play(sdk, node, saying(TEXT), "send", look, body=body)


def test_the_reader_of_messages_has_the_same(sdk: str, node: RunScript) -> None:
    def look(message: Any) -> None:
        assert answer_in(message) == TEXT
        assert message["parts"][-1]["state"] == "done"

    play(sdk, node, saying(TEXT), "read", look)


def test_progress_is_data_for_the_moment(sdk: str, node: RunScript) -> None:
    def works(message: str, progress: Any) -> str:
        progress("looking it up", 40)
        return "found"

    def look(report: Any) -> None:
        assert shown(report["messages"][1]) == ["step-start", "text"]
        assert {part["type"] for part in report["data"]} == {"data-progress"}
        first, *_, last = [part["data"] for part in report["data"]]
        assert first == {"message": "Processing your request...", "progress": 5}
        assert last["progress"] == 100

    play(sdk, node, works, "send", look)


def test_tools_and_pictures_are_parts_in_their_order(sdk: str, node: RunScript) -> None:
    def works(message: str, tool_call: Any, tool_result: Any, media: Any) -> Iterator[str]:
        yield "Looking. "
        call = tool_call("search", {"query": "你好"})
        tool_result(call, "search", {"found": [1, None]})
        failed = tool_call("count", {})
        tool_result(failed, "count", "no abacus", is_error=True)
        media(media_type="image/png", content="QUJD" * 40_000, alt="一张图")
        yield "Done."

    def look(report: Any) -> None:
        message = report["messages"][1]
        assert shown(message) == ["step-start", "text", "dynamic-tool", "dynamic-tool", "file", "text"]
        assert answer_in(message) == "Looking. Done."
        search, count, picture = message["parts"][2:5]
        assert (search["toolName"], search["state"]) == ("search", "output-available")
        assert (search["input"], search["output"]) == ({"query": "你好"}, {"found": [1, None]})
        assert (count["toolName"], count["state"], count["errorText"]) == ("count", "output-error", "no abacus")
        assert picture["url"] == "data:image/png;base64," + "QUJD" * 40_000
        assert picture["mediaType"] == "image/png"
        assert report["status"] == "ready"

    play(sdk, node, works, "send", look)


def test_a_file_is_sent_as_the_sdk_sends_files(sdk: str, node: RunScript) -> None:
    def describes(message: str, attachments: Any) -> str:
        return f"{message} {[(one.name, one.media_type, one.content) for one in attachments]}"

    def look(report: Any) -> None:
        assert answer_in(report["messages"][1]) == "hello [('a.txt', 'text/plain', b'ABC')]"

    file = {"type": "file", "mediaType": "text/plain", "filename": "a.txt", "url": "data:text/plain;base64,QUJD"}
    play(sdk, node, describes, "send", look, files=[file])


def test_an_error_before_the_first_byte_is_the_sentence(sdk: str, node: RunScript) -> None:
    def look(report: Any) -> None:
        assert (report["status"], report["error"]) == ("error", "User profile not found")
        assert [message["role"] for message in report["messages"]] == ["user"]

    play(sdk, node, saying("hi"), "send", look, body={"username": "Nobody"})


def test_a_token_that_is_none_is_the_sentence(sdk: str, node: RunScript) -> None:
    def look(report: Any) -> None:
        assert (report["status"], report["error"]) == ("error", "未授权：缺少令牌或令牌无效")

    play(sdk, node, saying("hi"), "send", look, token="wrong")


def test_an_error_in_the_middle_keeps_what_was_said_and_has_its_code(sdk: str, node: RunScript) -> None:
    def breaks(message: str) -> Iterator[str]:
        yield "so far, so good"
        raise ValueError("no further")

    def look(report: Any) -> None:
        assert (report["status"], report["error"]) == ("error", "An error occurred while processing")
        assert answer_in(report["messages"][1]) == "so far, so good"
        assert report["messages"][1]["metadata"]["code"] == "processing_error"
        assert report["finish"]["isError"] is True

    play(sdk, node, breaks, "send", look)


def test_a_timeout_is_an_error_too(sdk: str, node: RunScript) -> None:
    def look(report: Any) -> None:
        assert (report["status"], report["error"]) == ("error", "Processing timed out, please try again later")
        assert report["messages"][1]["metadata"]["code"] == "timeout"

    play(sdk, node, begins, "send", look, body={"timeout": 0.05})


def test_keepalives_are_nothing_to_a_page(sdk: str, node: RunScript) -> None:
    def look(report: Any) -> None:
        assert answer_in(report["messages"][1]) == "Well: blue it is"

    play(sdk, node, asks, "answer", look, settings={"keepalive": 0.01})


def test_a_question_is_a_part_that_is_answered_in_its_place(sdk: str, node: RunScript) -> None:
    def look(report: Any) -> None:
        message = report["messages"][1]
        assert shown(message) == ["step-start", "text", "data-question", "text"]
        question = message["parts"][2]["data"]
        assert (question["question"], question["status"]) == ("Which colour?", "answered")
        assert answer_in(message) == "Well: blue it is"

    play(sdk, node, asks, "answer", look)


def test_the_stop_button_leaves_and_the_servers_own_door_stops_the_work(sdk: str, node: RunScript) -> None:
    def look(report: Any) -> None:
        assert report["chat"]["status"] == "ready"
        assert report["chat"]["finish"]["isAbort"] is True
        assert answer_in(report["chat"]["messages"][1]) == "begun"
        assert report["stopped"]["state"] == "cancelled"

    play(sdk, node, begins, "stop", look)


def test_who_stays_while_the_work_is_stopped_sees_an_end_that_is_no_error(sdk: str, node: RunScript) -> None:
    def look(report: Any) -> None:
        chat = report["chat"]
        assert (chat["status"], chat["error"]) == ("ready", None)
        assert answer_in(chat["messages"][1]) == "begun"
        assert chat["messages"][1]["metadata"]["code"] == "cancelled"
        assert report["stopped"]["worker"] == "ended"

    play(sdk, node, begins, "stopAndSee", look)


def test_a_page_that_is_opened_again_has_the_whole_message_and_then_nothing_to_resume(
    sdk: str, node: RunScript
) -> None:
    def look(report: Any) -> None:
        (message,) = report["second"]["messages"]
        assert message["id"] == report["first"]["messages"][1]["id"]
        assert answer_in(message) == "Well: blue it is"
        assert report["second"]["status"] == "ready"
        assert (report["third"]["messages"], report["third"]["status"]) == ([], "ready")

    play(sdk, node, asks, "resume", look)


def test_a_stream_that_ended_while_the_network_was_down_is_replayed_by_its_name(sdk: str, node: RunScript) -> None:
    def look(report: Any) -> None:
        broken, replayed = report["broken"], report["replayed"]
        assert (broken["status"], broken["finish"]["isDisconnect"]) == ("error", True)
        assert answer_in(broken["messages"][1]) == "Well: "
        assert [message["role"] for message in replayed["messages"]] == ["user", "assistant"]
        assert answer_in(replayed["messages"][1]) == "Well: blue it is"
        assert replayed["status"] == "ready"

    play(sdk, node, asks, "loseAndReplay", look)


def test_asking_again_leaves_out_the_answer_that_was_not_liked(sdk: str, node: RunScript) -> None:
    answers = iter(["one", "two", "three"])

    def tells(message: str, history: list[dict[str, str]]) -> str:
        return f"{next(answers)}: {message} after {[said['content'] for said in history]}"

    first = "one: hello after []"

    def look(report: Any) -> None:
        assert [answer_in(message) for message in report["before"]["messages"]][1::2] == [
            first,
            f"two: and again after {['hello', first]}",
        ]
        assert [answer_in(message) for message in report["after"]["messages"]][1::2] == [
            first,
            f"three: and again after {['hello', first]}",
        ]

    play(sdk, node, tells, "askAgain", look)
