"""Who may open ``/api/ws``, and how a socket says whose it is: a token in each way, an origin, a subprotocol."""

from base64 import urlsafe_b64encode

import pytest

from streamchat.handlers import socket_intake
from tests.handlers.house import ALICE, House, authorized, error_in, saying, with_server
from tests.handlers.socket_client import BINARY, HANDSHAKE, Socket, answer_of, raw_frame

COMMON = "streamchat.v1"


def bearer(token: str) -> str:
    """The subprotocol that carries this token."""
    return "streamchat.bearer." + urlsafe_b64encode(token.encode()).decode().rstrip("=")


async def is_alices(socket: Socket) -> bool:
    stream_id = await socket.ask()
    return answer_of(await socket.read_stream(stream_id)) == "alice"


def who(message: str, user: str) -> str:
    return user


def test_the_token_may_be_in_the_header() -> None:
    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            assert "sec-websocket-protocol" not in socket.head.headers
            assert await is_alices(socket)

    with_server(who, scenario)


@pytest.mark.parametrize("token", [ALICE, "a", "ab", "pass/word+?=", "令牌"])
def test_the_token_may_be_a_subprotocol_and_the_answer_is_the_other_one(token: str) -> None:
    async def scenario(house: House) -> None:
        for offer in (f"{COMMON}, {bearer(token)}", f"{bearer(token)},{COMMON}"):
            async with Socket(house, token=None, headers={"Sec-WebSocket-Protocol": offer}) as socket:
                assert socket.head.headers["sec-websocket-protocol"] == COMMON
                assert await is_alices(socket)

    with_server(who, scenario, token=(f"alice={token}",))


def test_the_token_may_be_the_first_message() -> None:
    async def scenario(house: House) -> None:
        async with Socket(house, token=None) as socket:
            await socket.send(type="auth", ref="me", token=ALICE)
            assert await socket.read() == {"type": "auth", "ref": "me", "success": True}
            assert await is_alices(socket)

    with_server(who, scenario)


def test_a_binary_first_message_is_none() -> None:
    async def scenario(house: House) -> None:
        async with Socket(house, token=None) as socket:
            await socket.send_raw(raw_frame(BINARY, b"{}"))
            assert (await socket.read())["code"] == "invalid_request"
            assert (await socket.read_close()).close_code == 1008

    with_server(saying("a"), scenario)


def test_questions_may_follow_the_first_message_at_once() -> None:
    async def scenario(house: House) -> None:
        async with Socket(house, token=None) as socket:
            for kind in ("auth", "ping", "ping"):
                await socket.send(type=kind, token=ALICE)
            assert [(await socket.read())["type"] for _ in range(3)] == ["auth", "pong", "pong"]

    with_server(who, scenario)


def test_who_is_known_need_not_say_it_again() -> None:
    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            await socket.send(type="auth", token=ALICE)
            assert (await socket.read())["code"] == "invalid_request"
            assert await is_alices(socket)

    with_server(who, scenario)


@pytest.mark.parametrize(
    "first", [{"type": "auth", "token": "wrong"}, {"type": "auth", "token": ""}, {"type": "auth"}, {"type": "ping"}, {}]
)
def test_whoever_says_something_else_first_is_told_and_sent_away(first: dict[str, str]) -> None:
    async def scenario(house: House) -> None:
        async with Socket(house, token=None) as socket:
            await socket.send(**first)
            error = await socket.read()
            assert (error["type"], error["success"]) == ("error", False)
            assert error["code"] in ("unauthorized", "invalid_request")
            closed = await socket.read_close()
            assert (closed.close_code, closed.close_reason) == (1008, "unauthorized")
        assert house.turns_opened == 0

    with_server(who, scenario)


def test_whoever_says_nothing_is_sent_away_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_intake, "AUTH_SECONDS", 0.05)

    async def scenario(house: House) -> None:
        async with Socket(house, token=None) as socket:
            assert (await socket.read_close()).close_code == 1008
        async with Socket(house) as known:
            assert await is_alices(known)

    with_server(who, scenario)


def test_who_has_said_it_in_time_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_intake, "AUTH_SECONDS", 0.05)

    async def scenario(house: House) -> None:
        async with Socket(house, token=None) as known, Socket(house, token=None) as silent:
            await known.send(type="auth", token=ALICE)
            assert (await known.read())["success"] is True
            assert (await silent.read_close()).close_code == 1008
            assert await is_alices(known)

    with_server(who, scenario)


async def refused(house: House, **headers: str) -> tuple[int, str, str]:
    """Status, code and field of a handshake that goes wrong; "" for a header leaves it out."""
    given = HANDSHAKE | authorized(ALICE) | {name.replace("_", "-"): value for name, value in headers.items()}
    given = {name: value for name, value in given.items() if value}
    async with house.connect() as connection:
        await connection.send("GET", "/api/ws", headers=given)
        response = await connection.read_response(method="GET")
    error = error_in(response, is_streaming=False)
    return response.status, error["code"], error.get("field", "")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Authorization": "Bearer wrong"}, (401, "unauthorized", "")),
        ({"Authorization": "", "Sec_WebSocket_Protocol": f"{COMMON}, {bearer('wrong')}"}, (401, "unauthorized", "")),
        (
            {"Authorization": "", "Sec_WebSocket_Protocol": bearer(ALICE)},
            (400, "invalid_request", "Sec-WebSocket-Protocol"),
        ),
        (
            {"Authorization": "", "Sec_WebSocket_Protocol": f"{COMMON}, streamchat.bearer._w"},
            (400, "invalid_request", "Sec-WebSocket-Protocol"),
        ),
        ({"Upgrade": ""}, (400, "invalid_request", "Upgrade")),
        ({"Upgrade": "h2c"}, (400, "invalid_request", "Upgrade")),
        ({"Connection": "keep-alive"}, (400, "invalid_request", "Connection")),
        ({"Sec-WebSocket-Key": ""}, (400, "invalid_request", "Sec-WebSocket-Key")),
        ({"Origin": "https://evil.example"}, (403, "origin_not_allowed", "")),
        ({"Origin": "null"}, (403, "origin_not_allowed", "")),
        ({"Origin": "http://127.0.0.1:1"}, (403, "origin_not_allowed", "")),
        ({"Origin": "http://[broken"}, (403, "origin_not_allowed", "")),
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": "same-site"}, (403, "origin_not_allowed", "")),
    ],
)
def test_a_handshake_that_goes_wrong_says_why(headers: dict[str, str], expected: tuple[int, str, str]) -> None:
    async def scenario(house: House) -> None:
        assert await refused(house, **headers) == expected

    with_server(saying("a"), scenario)


def test_an_unknown_version_of_the_protocol_is_told_the_known_one() -> None:
    async def scenario(house: House) -> None:
        response = await house.get("/api/ws", **(HANDSHAKE | {"Sec-WebSocket-Version": "8"}))
        assert (response.status, response.headers["sec-websocket-version"]) == (426, "13")

    with_server(saying("a"), scenario)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://127.0.0.1"},
        {"Origin": "HTTPS://Friend.example"},
        {"Origin": "http://behind.example", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_a_page_of_this_server_or_of_an_allowed_origin_may_connect(headers: dict[str, str]) -> None:
    async def scenario(house: House) -> None:
        async with Socket(house, headers=headers) as socket:
            assert await is_alices(socket)

    with_server(who, scenario, allowed_origins=("https://friend.example",))


def test_a_star_allows_every_origin() -> None:
    async def scenario(house: House) -> None:
        async with Socket(house, headers={"Origin": "null"}) as socket:
            assert await is_alices(socket)

    with_server(who, scenario, allowed_origins=("*",))


def test_compression_is_not_agreed_to() -> None:
    async def scenario(house: House) -> None:
        async with Socket(house, headers={"Sec-WebSocket-Extensions": "permessage-deflate"}) as socket:
            assert "sec-websocket-extensions" not in socket.head.headers
            assert await is_alices(socket)

    with_server(who, scenario)
