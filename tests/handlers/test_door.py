"""What every door has: a caller, CORS, a body within its limit, a request id, errors in one shape."""

import asyncio
from datetime import UTC
from email.utils import parsedate_to_datetime

import pytest

from tests.handlers.house import (
    ALICE,
    CHAT_DOORS,
    JSON,
    SMART,
    STREAMING_DOORS,
    Gate,
    House,
    authorized,
    error_in,
    question,
    saying,
    to_bytes,
    with_server,
)

GUARDED = (
    *(("POST", door) for door in CHAT_DOORS),
    ("GET", "/api/streams/st_1"),
    ("DELETE", "/api/streams/st_1"),
    ("GET", "/api/conversations"),
    ("GET", "/api/conversations/chat_1"),
    ("DELETE", "/api/conversations/chat_1"),
    ("GET", "/api/profiles"),
    ("GET", "/api/health"),
)
PATHS = (*(path for _, path in GUARDED), "/healthz", "/readyz", "/metrics", "/", "/streaming_test.html", "/nowhere")


def streams(method: str, path: str) -> bool:
    return path in STREAMING_DOORS or (method == "GET" and path.startswith("/api/streams/"))


# Who is calling.


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_a_caller_without_a_valid_token_is_told_in_the_shape_of_the_door(method: str, path: str) -> None:
    async def scenario(house: House) -> None:
        for headers in (
            {},
            {"Authorization": ""},
            {"Authorization": "Bearer"},
            {"Authorization": "Bearer "},
            {"Authorization": "Bearer wrong"},
            {"Authorization": "Basic c2VjcmV0LWE="},
            {"Authorization": "secret-a"},
            {"Authorization": "Bearer secret-a secret-a"},
            {"Authorization": "Bearer s\xe9cret"},
            {"Authorization": f"Bearer {'x' * 20_000}"},
        ):
            body = to_bytes(question()) if method == "POST" else None
            response = await house.request(method, path, token=None, headers=JSON | headers, body=body)
            assert response.status == 401, headers
            assert response.headers["www-authenticate"] == "Bearer"
            assert error_in(response, is_streaming=streams(method, path))["code"] == "unauthorized"
        assert house.turns_opened == 0

    with_server(saying("hi"), scenario)


def test_a_token_that_is_not_ascii_opens_doors_too() -> None:
    async def scenario(house: House) -> None:
        as_utf8 = "tök€n".encode().decode("latin-1")
        assert (await house.get("/api/profiles", token=as_utf8)).status == 200
        assert (await house.get("/api/profiles", token="tok")).status == 401

    with_server(saying("hi"), scenario, token=("alice=tök€n",))


def test_the_scheme_is_not_case_sensitive() -> None:
    async def scenario(house: House) -> None:
        for value in ("bearer secret-a", "BEARER   secret-a"):
            assert (await house.get("/api/profiles", token=None, Authorization=value)).status == 200

    with_server(saying("hi"), scenario)


def test_a_token_in_the_address_is_no_token() -> None:
    async def scenario(house: House) -> None:
        for name in ("token", "access_token", "Authorization"):
            assert (await house.get(f"/api/profiles?{name}=secret-a", token=None)).status == 401

    with_server(saying("hi"), scenario)


# CORS.


@pytest.mark.parametrize("path", PATHS)
def test_a_preflight_is_answered_everywhere_without_a_token(path: str) -> None:
    async def scenario(house: House) -> None:
        asked = {
            "Origin": "https://example.org",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, content-type, idempotency-key",
        }
        response = await house.request("OPTIONS", path, token=None, headers=asked)
        assert (response.status, response.body) == (204, b"")
        assert response.headers["access-control-allow-origin"] == "*"
        assert response.headers["access-control-allow-methods"] == "*"
        assert response.headers["access-control-allow-headers"] == "*, Authorization"

    with_server(saying("hi"), scenario)


def test_every_answer_can_be_read_from_another_origin() -> None:
    async def scenario(house: House) -> None:
        for path in PATHS:
            for token in (None, "secret-a"):
                headers = (await house.get(path, token=token)).headers
                assert headers["access-control-allow-origin"] == "*", path
                assert "access-control-allow-credentials" not in headers
                assert "X-Stream-Id" in headers["access-control-expose-headers"]

    with_server(saying("hi"), scenario)


# Methods and addresses.


@pytest.mark.parametrize("door", CHAT_DOORS)
def test_another_method_is_a_405_in_the_shape_of_the_door(door: str) -> None:
    async def scenario(house: House) -> None:
        for method in ("GET", "PUT", "PATCH", "DELETE", "BREW"):
            response = await house.request(method, door)
            assert response.status == 405, method
            assert response.headers["allow"] == "POST, OPTIONS"
            assert error_in(response, is_streaming=door in STREAMING_DOORS)["code"] == "method_not_allowed"
        assert house.turns_opened == 0

    with_server(saying("hi"), scenario)


def test_an_unknown_address_is_a_404_with_or_without_a_token() -> None:
    async def scenario(house: House) -> None:
        for path in (
            "/nowhere",
            "/api",
            "/api/",
            "/api/stream_chat/",
            "/api/stream_chat_x",
            "/../setup.cfg",
            "/%2e%2e/x",
        ):
            for method in ("GET", "POST"):
                response = await house.request(method, path, headers={"Content-Length": "0"})
                assert response.status == 404, (method, path)
                assert error_in(response, is_streaming=False)["code"] == "not_found"

    with_server(saying("hi"), scenario)


# The body.


@pytest.mark.parametrize("door", CHAT_DOORS)
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx"]
)
def test_another_content_type_is_a_415(door: str, kind: str) -> None:
    async def scenario(house: House) -> None:
        response = await house.post(door, question(), headers={"Content-Type": kind})
        assert response.status == 415
        assert error_in(response, is_streaming=door in STREAMING_DOORS)["code"] == "unsupported_media_type"
        assert house.turns_opened == 0

    with_server(saying("hi"), scenario)


def test_a_content_type_with_parameters_or_none_at_all_is_json() -> None:
    async def scenario(house: House) -> None:
        for headers in ({"Content-Type": "Application/JSON; charset=utf-8"}, {}):
            response = await house.request("POST", SMART, headers=headers, body=to_bytes(question()))
            assert response.status == 200

    with_server(saying("hi"), scenario)


def chunked(body: bytes, size: int = 1_000) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@pytest.mark.parametrize("door", CHAT_DOORS)
def test_a_body_over_the_limit_is_a_413_however_it_is_announced(door: str) -> None:
    body = to_bytes(question(message="x" * 3_000))

    async def scenario(house: House) -> None:
        announced = await house.request("POST", door, headers=JSON, body=body)
        async with house.connect() as connection:
            headers = authorized("secret-a") | JSON | {"Transfer-Encoding": "chunked"}
            await connection.send("POST", door, headers=headers)
            await connection.send_bytes(chunked(body))
            unannounced = await connection.read_response()
        for response in (announced, unannounced):
            assert response.status == 413
            error = error_in(response, is_streaming=door in STREAMING_DOORS)
            assert error["code"] == "body_too_large"
            assert "2000" in error["error"]
        assert house.turns_opened == 0

    with_server(saying("hi"), scenario, max_body_bytes=2_000)


def test_a_client_that_sends_its_whole_body_before_it_listens_still_gets_its_413() -> None:
    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            body = b"x" * 700_000
            await connection.send("POST", SMART, headers=authorized("secret-a") | JSON, body=body)
            assert (await connection.read_response()).status == 413
            await connection.send("GET", "/healthz")
            assert (await connection.read_response()).status == 200

    with_server(saying("hi"), scenario, max_body_bytes=100_000)


def test_a_body_many_times_over_the_limit_is_not_read_to_its_end() -> None:
    async def scenario(house: House) -> None:
        for headers, first in (({"Content-Length": "9000"}, b""), ({"Transfer-Encoding": "chunked"}, b"2328\r\n")):
            async with house.connect() as connection:
                await connection.send("POST", SMART, headers=authorized("secret-a") | JSON | headers)
                await connection.send_bytes(first + b"x" * 8_500)
                assert (await connection.read_response()).status == 413
                assert await connection.is_closed_by_server()

    with_server(saying("hi"), scenario, max_body_bytes=1_000)


def test_a_body_of_exactly_the_limit_is_taken() -> None:
    body = to_bytes(question())

    async def scenario(house: House) -> None:
        assert (await house.request("POST", SMART, headers=JSON, body=body)).status == 200
        assert (await house.request("POST", SMART, headers=JSON, body=body + b" ")).status == 413

    with_server(saying("hi"), scenario, max_body_bytes=len(body))


def test_a_chunked_body_is_as_good_as_any() -> None:
    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            headers = authorized("secret-a") | JSON | {"Transfer-Encoding": "chunked"}
            await connection.send("POST", SMART, headers=headers)
            await connection.send_bytes(chunked(to_bytes(question()), 7))
            assert (await connection.read_response()).status == 200

    with_server(saying("hi"), scenario)


@pytest.mark.parametrize("length", ["abc", "-1", "5, 6", "1_0", "1e3", "9" * 5_000])
def test_an_impossible_content_length_is_refused_without_an_inner_error(length: str) -> None:
    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            await connection.send("POST", SMART, headers=authorized("secret-a") | JSON | {"Content-Length": length})
            assert (await connection.read_head()).status in (400, 413)
        assert (await house.ask()).status == 200
        assert house.turns_opened == 1

    with_server(saying("hi"), scenario)


def test_a_client_that_leaves_in_the_middle_of_its_body_has_asked_nothing() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            await connection.send("POST", SMART, headers=authorized("secret-a") | JSON | {"Content-Length": "500"})
            await connection.send_bytes(b'{"username": ')
        assert (await house.get("/healthz")).status == 200
        assert (house.turns_opened, gate.calls) == (0, 0)

    with_server(gate, scenario)


# Request ids, language, connections.


def test_every_response_says_when_it_was_made_and_not_by_what() -> None:
    async def scenario(house: House) -> None:
        for path in ("/healthz", "/nowhere", "/api/profiles", "/metrics", "/"):
            headers = (await house.get(path)).headers
            assert parsedate_to_datetime(headers["date"]).tzinfo is UTC
            assert headers["date"].endswith(" GMT")
            assert "server" not in headers
            assert headers["access-control-allow-origin"] == "*"

    with_server(saying("hi"), scenario)


def test_a_request_id_is_taken_over_when_it_is_a_decent_one() -> None:
    async def scenario(house: House) -> None:
        assert (await house.get("/healthz", X_Request_Id="trace-1:a/b")).headers["x-request-id"] == "trace-1:a/b"
        for bad in ("two words", "x" * 200, "ünique", ""):
            given = (await house.get("/healthz", X_Request_Id=bad)).headers["x-request-id"]
            assert given.startswith("req_")

    with_server(saying("hi"), scenario)


def test_errors_are_said_in_the_language_of_the_address_or_the_body() -> None:
    async def scenario(house: House) -> None:
        said = [
            (await house.get("/api/streams/st_1")).frames[0].payload["error"],
            (await house.get("/api/streams/st_1?lang=en")).frames[0].payload["error"],
            (await house.ask("/api/chat", message=7, lang="en")).json["error"],
        ]
        assert said[:2] == ["找不到该数据流", "No such stream"]
        assert said[2].startswith("Invalid request: message ")

    with_server(saying("hi"), scenario)


def test_a_connection_goes_on_after_errors_and_streams() -> None:
    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            await house.begin(connection)
            assert (await connection.read_body()).endswith(b"\n\n")
            await house.begin(connection, username="Nobody")
            assert (await connection.read_body()).startswith(b"data: ")
            await connection.send("GET", "/healthz")
            assert (await connection.read_response()).json == {"status": "ok"}
            await house.begin(connection)
            assert b'"status":"complete"' in await connection.read_body()

    with_server(saying("hi"), scenario)


def test_many_requests_at_once_are_all_answered() -> None:
    async def scenario(house: House) -> None:
        responses = await asyncio.gather(*(house.ask(door) for door in CHAT_DOORS * 5))
        assert {response.status for response in responses} == {200}

    with_server(saying("hi"), scenario)


@pytest.mark.parametrize(
    ("path", "token", "body", "status", "closes"),
    [
        (SMART, "wrong", b"{}", 401, True),
        ("/nowhere", ALICE, b"{}", 404, True),
        (SMART, ALICE, b"{}", 400, False),
        (SMART, "wrong", b"", 401, False),
    ],
)
def test_a_refusal_before_the_body_says_that_the_connection_ends(
    path: str, token: str, body: bytes, status: int, closes: bool
) -> None:
    async def scenario(house: House) -> None:
        response = await house.request("POST", path, token=token, headers=JSON, body=body)
        assert response.status == status
        assert (response.headers.get("connection") == "close") is closes

    with_server(saying("hi"), scenario)


def test_a_connection_stays_after_a_request_without_a_body_was_refused() -> None:
    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            for path, status in (("/api/profiles", 401), ("/nowhere", 404), ("/api/profiles", 401)):
                await connection.send("GET", path)
                head = await connection.read_head()
                assert head.status == status
                assert head.headers.get("connection") != "close"
                await connection.read_body()

    with_server(saying("hi"), scenario)
