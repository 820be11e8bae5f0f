"""What a running server answers is what its description says: status, headers, media type and body, good and bad."""

from __future__ import annotations

import re
from collections.abc import Callable
from threading import Event
from typing import Any

import pytest

from streamchat.openapi.operation import Operation
from streamchat.openapi.sections import OPERATIONS
from tests.handlers.completions import COMPLETIONS, saying_to
from tests.handlers.house import ALICE, BASIC, CHAT, PROFILE, SMART, House, question, with_server
from tests.handlers.raw_client import PATIENCE_SECONDS, Response
from tests.handlers.socket_client import Socket
from tests.openapi.described import Description, of

ADVANCED = "/api/stream_chat_advanced"
UI = "/api/ui_message_stream"
ASKED = {"id": "chat_1", "username": PROFILE, "messages": [{"role": "user", "parts": [{"type": "text", "text": "Hi"}]}]}


async def description_of(house: House) -> Description:
    return Description((await house.get("/openapi.json", token=None)).json)


def resourceful(
    message: str,
    cancelled: Event,
    ask: Callable[..., str],
    tool_call: Callable[..., str],
    tool_result: Callable[..., None],
    media: Callable[..., None],
    usage: Callable[..., None],
) -> str:
    """Has all that a whole answer can have; fails, is too slow or asks when it is told to."""
    usage(12, 40)
    if message == "ask":
        return ask("Your name?")
    if message == "wait":
        cancelled.wait(PATIENCE_SECONDS)
    if message == "fail":
        raise RuntimeError("no such luck")
    tool_result(tool_call("search", {"q": message}), "search", ["a"])
    media("image/png", content=b"\x89PNG", alt="a picture")
    media("audio/wav", url="https://example.org/a.wav")
    return "Here you are."


async def said_to_a_question(house: House) -> Response:
    """The answer to an answer."""
    async with house.connect() as connection:
        stream_id = await house.begin(connection, message="ask")
        asked = (await connection.read_until("input_required"))[-1].payload
        return await house.post(f"/api/streams/{stream_id}/input", {"input": "Ada", "request_id": asked["request_id"]})


async def good_answers(house: House) -> dict[str, list[Response]]:
    """By the operation's name."""
    stream = await house.ask(SMART, conversation_id="chat_1")
    stream_id, last = stream.headers["x-stream-id"], stream.frames[-1].id
    address = f"/api/streams/{stream_id}"
    with_usage = saying_to(stream=True, stream_options={"include_usage": True})
    return {
        "ask_smart": [stream],
        "ask_advanced": [await house.ask(ADVANCED)],
        "ask_basic": [await house.ask(BASIC)],
        "ask": [await house.ask(CHAT)],
        "follow": [await house.get(address), await house.get(address, Last_Event_ID=last)],
        "stop": [await house.request("DELETE", address)],
        "say": [await said_to_a_question(house)],
        "issue_ticket": [await house.request("POST", f"{address}/ticket")],
        "send_message": [await house.post(UI, ASKED)],
        "resume_message": [
            await house.get(f"{UI}/chat_1/stream?stream_id={stream_id}"),
            await house.get(f"{UI}/chat_2/stream"),
        ],
        "complete": [await house.post(COMPLETIONS, saying_to()), await house.post(COMPLETIONS, with_usage)],
        "list_models": [await house.get("/v1/models")],
        "get_model": [await house.get(f"/v1/models/{PROFILE}")],
        "list_conversations": [await house.get("/api/conversations?limit=5")],
        "get_conversation": [await house.get("/api/conversations/chat_1")],
        "forget_conversation": [await house.request("DELETE", "/api/conversations/chat_1")],
        "list_profiles": [await house.get("/api/profiles")],
        "analytics": [await house.get(f"/api/analytics?by={by}") for by in ("day", "door")],
        "health": [await house.get("/api/health")],
        "alive": [await house.get("/healthz", token=None)],
        "ready": [await house.get("/readyz", token=None)],
        "metrics": [await house.get("/metrics", token=None)],
        "test_page": [await house.get("/", token=None)],
        "analytics_page": [await house.get("/analytics", token=None)],
        "docs_page": [await house.get("/docs", token=None)],
        "description": [await house.get("/openapi.json", token=None)],
    }


def test_every_good_answer_is_as_it_is_described() -> None:
    async def scenario(house: House) -> None:
        description = await description_of(house)
        answers = await good_answers(house)
        for name, responses in answers.items():
            for response in responses:
                assert response.status in (200, 204), name
                description.check_response(name, response)
        # What is said on a socket has a test of its own.
        assert answers.keys() == description.operations.keys() - {"open_socket"}
        seen = {(name, response.status) for name, responses in answers.items() for response in responses}
        assert seen >= {(one.name, answer.status) for one in OPERATIONS for answer in one.gives} - NOT_HERE

    with_server(resourceful, scenario)


# The socket, and a server that is not ready.
NOT_HERE = {("open_socket", 101), ("ready", 503)}


def test_a_server_that_shuts_down_says_so_as_described() -> None:
    async def scenario(house: House) -> None:
        description = await description_of(house)
        house.server.rooms.book.drain()
        asked = {"ask_smart": question(), "ask": question(), "complete": saying_to(), "send_message": ASKED}
        for name, path in (("ask_smart", SMART), ("ask", CHAT), ("complete", COMPLETIONS), ("send_message", UI)):
            response = await house.post(path, asked[name])
            assert response.status == 503, name
            description.check_response(name, response)
        description.check_response("ready", await house.get("/readyz", token=None))

    with_server(resourceful, scenario)


def test_a_server_without_its_store_says_so_as_described() -> None:
    async def scenario(house: House) -> None:
        description = await description_of(house)
        await house.server.database.close()
        for operation in guarded():
            response = await ask_for(house, operation, token="unknown")
            assert response.status == 503, operation.name
            description.check_response(operation.name, response)

    with_server(resourceful, scenario)


BAD = [
    ("ask_smart", "POST", SMART, question(username="Nobody"), 404),
    ("ask_smart", "POST", SMART, question(pace="slow"), 400),
    ("ask", "POST", CHAT, question(message="fail"), 500),
    ("ask", "POST", CHAT, question(message="wait", timeout=0.05), 504),
    ("ask", "POST", CHAT, question(chunking={"strategy": "none"}), 400),
    ("follow", "GET", "/api/streams/st_no", None, 404),
    ("stop", "DELETE", "/api/streams/st_no", None, 404),
    ("say", "POST", "/api/streams/st_no/input", {"input": 1}, 404),
    ("issue_ticket", "POST", "/api/streams/st_no/ticket", None, 404),
    ("open_socket", "GET", "/api/ws", None, 400),
    ("list_conversations", "GET", "/api/conversations?limit=0", None, 400),
    ("get_conversation", "GET", "/api/conversations/none", None, 404),
    ("forget_conversation", "DELETE", "/api/conversations/none", None, 404),
    ("analytics", "GET", "/api/analytics?by=moon", None, 400),
    ("complete", "POST", COMPLETIONS, saying_to("Nobody"), 404),
    ("complete", "POST", COMPLETIONS, saying_to(n=2), 400),
    ("complete", "POST", COMPLETIONS, saying_to(message="fail"), 500),
    ("get_model", "GET", "/v1/models/Nobody", None, 404),
    ("send_message", "POST", UI, ASKED | {"username": "Nobody"}, 404),
    ("resume_message", "GET", f"{UI}/chat_1/stream?stream_id=st_no", None, 404),
]


@pytest.mark.parametrize(("name", "method", "path", "body", "status"), BAD)
def test_a_refusal_is_as_it_is_described(name: str, method: str, path: str, body: Any, status: int) -> None:
    async def scenario(house: House) -> None:
        response = await send(house, method, path, body)
        assert response.status == status
        (await description_of(house)).check_response(name, response)

    with_server(resourceful, scenario)


def test_whoever_brings_no_token_is_refused_as_described() -> None:
    async def scenario(house: House) -> None:
        description = await description_of(house)
        for operation in guarded():
            response = await ask_for(house, operation, token=None)
            assert response.status == 401, operation.name
            description.check_response(operation.name, response)

    with_server(resourceful, scenario)


def guarded() -> list[Operation]:
    """The operations that need a token; the metrics do not, unless the server is told so."""
    return [one for one in OPERATIONS if "nobody" not in one.admitted and one.name != "metrics"]


async def ask_for(house: House, operation: Operation, token: str | None) -> Response:
    """Ask for an operation, whatever it is about."""
    return await send(house, operation.method.upper(), re.sub(r"\{[a-z_]+\}", "none", operation.path), {}, token)


async def send(house: House, method: str, path: str, body: Any, token: str | None = ALICE) -> Response:
    if method == "POST":
        return await house.post(path, body or {}, token=token)
    return await house.request(method, path, token=token)


def test_what_is_said_on_a_socket_is_as_it_is_described() -> None:
    async def scenario(house: House) -> None:
        description = await description_of(house)
        kinds = set()
        async with Socket(house, token=None) as socket:
            for sent in MESSAGES:
                description.check(of("SocketMessage"), sent)
                await socket.send(**sent)
                kinds.add((await reply_on(socket, description))["type"])
            await socket.send(type="query", ref="q", username=PROFILE, message="ask", pace="none")
            accepted = await reply_on(socket, description)
            stream_id = accepted["stream_id"]
            for sent in ({"type": "input", "input": "Ada"}, {"type": "cancel"}):
                message = {**sent, "stream_id": stream_id}
                description.check(of("SocketMessage"), message)
                if sent["type"] == "input":
                    await frame_on(socket, description, "input_required")
                await socket.send(**message)
                kinds.add((await reply_on(socket, description))["type"])
        mapping = description.schemas["SocketReply"]["discriminator"]["mapping"]
        assert kinds | {accepted["type"]} == mapping.keys()

    with_server(resourceful, scenario)


MESSAGES = [
    {"type": "auth", "ref": "a", "token": ALICE},
    {"type": "ping"},
    {"type": "cancel", "ref": "c", "stream_id": "st_no"},
]


async def reply_on(socket: Socket, description: Description) -> dict[str, Any]:
    """The next answer to a message; the frames before it are looked at, too."""
    while True:
        message = await socket.read()
        if "type" in message:
            description.check(of("SocketReply"), message)
            return message
        description.check_socket_frame(message)


async def frame_on(socket: Socket, description: Description, status: str) -> None:
    """Read on to the next frame with this status."""
    message: dict[str, Any] = {}
    while message.get("status") != status:
        message = await socket.read()
        description.check_socket_frame(message)
