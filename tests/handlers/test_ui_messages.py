# ruff: noqa: E501 - a part is one line on the wire
"""The AI SDK's doors: what they send, byte for byte, and who is shown what again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.handlers.house import ALICE, BOB, SMART, Gate, House, authorized, saying, until, with_server
from tests.handlers.raw_client import PATIENCE_SECONDS
from tests.handlers.ui_message_client import (
    API,
    DONE,
    answer_in,
    begin,
    kept,
    kinds,
    parts_in,
    parts_of,
    posted,
    read_until,
    user,
)

STREAM = f"{API}/chat_1/stream"

GOLDEN = """\
data: {"type":"start","messageId":"ST","messageMetadata":{"stream_id":"ST","conversation_id":"chat_1"}}

data: {"type":"start-step"}

data: {"type":"data-progress","data":{"message":"Processing your request...","progress":5},"transient":true}

data: {"type":"data-progress","data":{"message":"Analysing the request...","progress":5.0,"elapsed_time":T},"transient":true}

data: {"type":"data-progress","data":{"progress":100,"message":"Done (in T s), sending the answer...","total_processing_time":T},"transient":true}

data: {"type":"text-start","id":"text_1"}

data: {"type":"text-delta","id":"text_1","delta":"你好\\u2028 / \\"hi\\""}

data: {"type":"text-end","id":"text_1"}

data: {"type":"finish-step"}

data: {"type":"finish","finishReason":"stop","messageMetadata":{"total_processing_time":T,"total_time":T}}

data: [DONE]

"""

HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache, no-transform",
    "connection": "keep-alive",
    "x-accel-buffering": "no",
    "x-vercel-ai-ui-message-stream": "v1",
    "access-control-allow-origin": "*",
}


def masked(text: str, stream_id: str) -> str:
    text = re.sub(r'("(?:elapsed_time|total_processing_time|total_time)":)[0-9.]+', r"\1T", text)
    text = re.sub(r"in [0-9.]+ s", "in T s", text.replace(stream_id, "ST"))
    return re.sub(r'"progress":5\.[0-9],', '"progress":5.0,', text)


def asks(message: str, ask: Any) -> Iterator[str]:
    yield "Well: "
    yield f"{ask('Which colour?')} it is"


def waits(message: str, cancelled: Any) -> Iterator[str]:
    yield "begun"
    cancelled.wait(PATIENCE_SECONDS)


def test_a_whole_stream_is_the_golden_one() -> None:
    async def scenario(house: House) -> None:
        response = await house.post(API, posted(lang="en"))
        assert masked(response.body.decode(), response.headers["x-stream-id"]) == GOLDEN
        assert {name: response.headers.get(name) for name in HEADERS} == HEADERS
        assert response.headers["x-conversation-id"] == "chat_1"

    with_server(saying('你好\u2028 / "hi"'), scenario)


def test_a_message_begins_before_its_work() -> None:
    busy, waiting = Gate(), Gate()
    functions = iter([busy, waiting])

    async def scenario(house: House) -> None:
        async with house.connect() as first, house.connect() as second:
            await begin(first, id="chat_0")
            await busy.has_begun()
            stream_id = await begin(second)
            parts = await read_until(second, "data-queued")
            assert parts[0]["messageId"] == stream_id
            assert kinds(parts) == ["start", "start-step", "data-queued"]
            assert waiting.calls == 0
            for gate in (busy, waiting):
                gate.opened.set()
            assert parts_in(await second.read_body())[-1] == DONE

    with_server(lambda message: next(functions)(message), scenario, max_running=1)


def test_a_second_question_in_a_chat_waits_for_the_first() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as first, house.connect() as second:
            await begin(first)
            await gate.has_begun()
            await begin(second, user("and then?"))
            assert (await read_until(second, "data-queued"))[-1]["data"]["position"] == 1
            gate.opened.set()
            assert answer_in(parts_in(await second.read_body())) == "done"

    with_server(gate, scenario)


def test_a_client_may_have_it_in_chunks() -> None:
    async def scenario(house: House) -> None:
        chunking = {"strategy": "characters", "size": 3}
        parts = parts_of(await house.post(API, posted(chunking=chunking)))
        assert [part["delta"] for part in parts if part["type"] == "text-delta"] == ["abc", "def", "g"]

    with_server(saying("abcdefg"), scenario)


def test_the_text_is_paced_when_a_client_asks_for_it() -> None:
    async def scenario(house: House) -> None:
        for asked, pace in ((None, "none"), ("none", "none"), ("natural", "natural")):
            stream_id = (await house.post(API, posted(pace=asked))).headers["x-stream-id"]
            assert house.server.rooms.book.find(stream_id, owner="alice").rules.view.pace == pace

    with_server(saying("hi"), scenario)


def test_a_sign_of_life_is_a_comment() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            await begin(connection)
            body = b""
            while b": keep-alive\n\n" not in body:
                body += await connection.read_piece()
            gate.opened.set()
            body += await connection.read_body()
            assert answer_in(parts_in(body)) == "done"

    with_server(gate, scenario, keepalive=0.01)


def test_an_error_in_the_middle_is_a_part_with_the_sentence() -> None:
    def breaks(message: str) -> Iterator[str]:
        yield "so far"
        raise ValueError("secret")

    async def scenario(house: House) -> None:
        response = await house.post(API, posted(lang="en"))
        parts = parts_of(response)
        assert kept(parts)[-4:] == [
            {"type": "finish-step"},
            {
                "type": "message-metadata",
                "messageMetadata": {"total_processing_time": 0.0, "code": "processing_error"},
            },
            {"type": "error", "errorText": "An error occurred while processing"},
            {"type": "finish", "finishReason": "error"},
        ]
        assert b"secret" not in response.body

    with_server(breaks, scenario)


def test_a_stopped_stream_ends_with_an_abort() -> None:
    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await begin(connection)
            await read_until(connection, "text-delta")
            stopped = await house.request("DELETE", f"/api/streams/{stream_id}")
            assert stopped.json["state"] == "cancelled"
            *_, metadata, abort, done = parts_in(await connection.read_body())
            assert metadata["messageMetadata"]["code"] == "cancelled"
            assert (abort, done) == ({"type": "abort"}, DONE)

    with_server(waits, scenario)


def test_a_chat_without_a_running_stream_has_nothing_to_resume() -> None:
    async def scenario(house: House) -> None:
        assert (await house.get(STREAM)).status == 204
        assert (await house.post(API, posted())).status == 200
        response = await house.get(STREAM)
        assert (response.status, response.body) == (204, b"")

    with_server(saying("hi"), scenario)


def test_a_running_stream_is_sent_again_from_its_beginning() -> None:
    async def scenario(house: House) -> None:
        async with house.connect() as first:
            stream_id = await begin(first)
            seen = await read_until(first, "data-question")
        await house.has_no_readers()
        async with house.connect() as second:
            await second.send("GET", STREAM, headers=authorized(ALICE))
            head = await second.read_head()
            assert (head.status, head.headers["x-stream-id"]) == (200, stream_id)
            assert head.headers["x-vercel-ai-ui-message-stream"] == "v1"
            again = await read_until(second, "data-question")
            assert kept(again) == kept(seen)
            await house.post(f"/api/streams/{stream_id}/input", {"input": "blue"})
            rest = parts_in(await second.read_body())
        assert answer_in(again + rest) == "Well: blue it is"
        assert (await house.get(STREAM)).status == 204

    with_server(asks, scenario)


def test_a_chat_is_its_callers_own() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await begin(connection)
            assert (await house.get(STREAM, token=BOB)).status == 204
            stolen = await house.get(f"{STREAM}?stream_id={stream_id}", token=BOB)
            assert (stolen.status, stolen.body.decode()) == (404, "找不到该数据流")
            assert (await house.get(STREAM, token=None)).status == 401
            gate.opened.set()
            await connection.read_body()

    with_server(gate, scenario)


def test_of_two_questions_in_a_chat_the_latest_is_resumed() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as first, house.connect() as second, house.connect() as third:
            await begin(first)
            latest = await begin(second, user("and then?"))
            await third.send("GET", STREAM, headers=authorized(ALICE))
            assert (await third.read_head()).headers["x-stream-id"] == latest
            gate.opened.set()
            assert answer_in(parts_in(await third.read_body())) == "done"

    with_server(gate, scenario)


def test_a_stream_that_is_over_is_sent_again_by_its_name() -> None:
    async def scenario(house: House) -> None:
        first = await house.post(API, posted(id="a/b 你"))
        named = f"{API}/a%2Fb%20%E4%BD%A0/stream?stream_id={first.headers['x-stream-id']}"
        assert kept(parts_of(await house.get(named))) == kept(parts_of(first))
        elsewhere = await house.get(f"{STREAM}?stream_id={first.headers['x-stream-id']}")
        assert elsewhere.status == 404

    with_server(saying("hi"), scenario)


def test_a_stream_that_is_forgotten_is_gone() -> None:
    async def scenario(house: House) -> None:
        first = await house.post(API, posted())
        await house.has_no_readers()
        gone = await house.get(f"{STREAM}?stream_id={first.headers['x-stream-id']}&lang=en")
        assert (gone.status, gone.body.decode()) == (410, "This stream has finished and is forgotten")

    with_server(saying("hi"), scenario, remember=0.0)


def test_a_question_of_another_door_is_resumed_in_this_dialect() -> None:
    async def scenario(house: House) -> None:
        async with house.connect() as first, house.connect() as second:
            stream_id = await house.begin(first, SMART, conversation_id="chat_1", message="hello")
            await first.read_until("input_required")
            await second.send("GET", STREAM, headers=authorized(ALICE))
            await second.read_head()
            seen = await read_until(second, "data-question")
            await house.post(f"/api/streams/{stream_id}/input", {"input": "blue"})
            rest = parts_in(await second.read_body())
            assert rest[-1] == DONE
            assert answer_in(seen + rest) == "Well: blue it is"

    with_server(asks, scenario)


def test_leaving_leaves_the_work_alone_unless_it_is_asked_to_stop() -> None:
    async def scenario(house: House) -> None:
        ids = []
        for wish in (None, "cancel"):
            async with house.connect() as connection:
                ids.append(await begin(connection, id=f"chat_{wish}", on_disconnect=wish))
                await read_until(connection, "text-delta")
        book = house.server.rooms.book
        await until(lambda: book.running == 1)
        assert book.find(ids[0], owner="alice").ended is None
        assert book.find(ids[1], owner="alice").true_state.state != "finished"

    with_server(waits, scenario)


def test_the_same_key_is_the_same_message() -> None:
    async def scenario(house: House) -> None:
        key = {"Idempotency-Key": "k1"}
        first = await house.post(API, posted(), headers=key)
        again = await house.post(API, posted(), headers=key)
        assert kept(parts_of(again)) == kept(parts_of(first))
        other = await house.post(API, posted(user("before"), user("hello")), headers=key)
        assert (other.status, house.turns_opened) == (400, 1)

    with_server(saying("hi"), scenario)


def test_a_chat_is_a_conversation() -> None:
    async def scenario(house: House) -> None:
        await house.post(API, posted(user("What is a rollup?")))
        (exchange,) = (await house.get("/api/conversations/chat_1")).json["exchanges"]
        assert (exchange["message"], exchange["answer"]) == ("What is a rollup?", "hi")

    with_server(saying("hi"), scenario)


def test_a_page_of_another_site_may_ask() -> None:
    async def scenario(house: House) -> None:
        for path in (API, STREAM):
            response = await house.request("OPTIONS", path, token=None)
            assert (response.status, response.headers["access-control-allow-headers"]) == (204, "*, Authorization")

    with_server(saying("hi"), scenario)
