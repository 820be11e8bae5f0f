"""A body on its way in, piece by piece; what doors answer to one is in test_door."""

import sys

import pytest
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from streamchat.handlers.errors import Refused
from streamchat.handlers.large_bodies import LargeBodies
from streamchat.handlers.request_body import RequestBody
from tests.fakes.connections import BodyConnection

CALLER = "ada"


def request(**headers: str) -> HTTPServerRequest:
    """A POST; ``Content_Length="5"`` is the header Content-Length."""
    given = HTTPHeaders({"Host": "a", **{name.replace("_", "-"): value for name, value in headers.items()}})
    return HTTPServerRequest(
        headers=given,
        start_line=RequestStartLine("POST", "/", "HTTP/1.1"),
        connection=BodyConnection(),  # type: ignore[arg-type]
    )


def body_of(asked: HTTPServerRequest, room: LargeBodies | None = None) -> RequestBody:
    """Bodies are of 4 bytes usually, this one may have 10: up to 38 are read."""
    return RequestBody(asked, room or LargeBodies(100), usual_bytes=4, max_bytes=10)


def body_in(room: LargeBodies) -> RequestBody:
    return body_of(request(), room)


def refusal(body: RequestBody) -> str:
    """Why the headers are refused."""
    with pytest.raises(Refused) as refused:
        body.check_headers(CALLER)
    return refused.value.code


# Before any of it is read.


@pytest.mark.parametrize("length", ["-1", "+1", "1_0", "1.0", "five", "", "\u0665"])
def test_a_length_that_is_no_number_is_named(length: str) -> None:
    body = body_of(request(Content_Length=length))
    with pytest.raises(Refused) as refused:
        body.check_headers(CALLER)
    assert (refused.value.code, refused.value.values["field"]) == ("invalid_request", "Content-Length")


@pytest.mark.parametrize("length", ["39", "9" * 18, "9" * 5_000])
def test_what_says_that_it_is_too_long_even_to_be_dropped_is_refused_at_once(length: str) -> None:
    assert refusal(body_of(request(Content_Length=length))) == "body_too_large"


def test_what_is_only_too_long_is_read_so_that_its_client_hears_of_it() -> None:
    body = body_of(request(Content_Length="38"))
    body.check_headers(CALLER)
    for _ in range(2):
        body.add(bytes(19))
    with pytest.raises(Refused, match="body_too_large") as refused:
        body.take()
    assert refused.value.values["limit"] == 10
    assert body.received_bytes == 38


def test_the_limits_of_the_connection_are_ours() -> None:
    asked = request(Content_Length="5")
    RequestBody(asked, LargeBodies(), usual_bytes=4, max_bytes=655_360).check_headers(CALLER)
    connection = asked.connection
    assert isinstance(connection, BodyConnection)
    # A minute, and a second for each 64 KiB.
    assert (connection.max_body_size, connection.body_seconds) == (sys.maxsize, 70.0)


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", None])
def test_json_is_taken_however_it_is_called(kind: str | None) -> None:
    body = body_of(request(**({} if kind is None else {"Content_Type": kind})))
    body.check_headers(CALLER)


@pytest.mark.parametrize("kind", ["text/plain", "application/jsonp", "multipart/form-data; boundary=a", ""])
def test_nothing_else_is(kind: str) -> None:
    assert refusal(body_of(request(Content_Type=kind))) == "unsupported_media_type"


# While it is read.


def test_it_is_taken_once_and_whole() -> None:
    body = body_of(request())
    for piece in (b"he", b"llo", b" you"):
        body.add(piece)
    assert body.take() == b"hello you"
    assert (body.take(), body.received_bytes) == (b"", 9)


def test_more_than_is_dropped_is_refused_while_it_comes() -> None:
    body = body_of(request())
    body.add(bytes(38))
    with pytest.raises(Refused, match="body_too_large"):
        body.add(b"x")


def test_what_is_dropped_for_its_length_takes_no_room() -> None:
    room = LargeBodies(100)
    body = body_in(room)
    body.add(bytes(11))
    assert room.free_bytes == 100


def test_a_usual_body_takes_no_room() -> None:
    room = LargeBodies(0)
    body = body_in(room)
    body.add(b"four")
    assert body.take() == b"four"


def test_one_that_says_its_length_has_room_for_all_of_it_at_once_and_no_more_than_it_may_have() -> None:
    for length, taken in (("8", 8), ("30", 10)):
        room = LargeBodies(100)
        body = body_of(request(Content_Length=length), room)
        body.check_headers(CALLER)
        body.add(bytes(3))
        assert room.free_bytes == 100
        body.add(bytes(2))
        assert room.free_bytes == 100 - taken


def test_the_room_is_its_callers() -> None:
    room = LargeBodies(20)
    body = body_of(request(Content_Length="9"), room)
    body.check_headers(CALLER)
    body.add(bytes(5))
    with pytest.raises(Refused, match="rate_limited"):
        room.enter(CALLER, 2)
    room.enter("bob", 10)


@pytest.mark.parametrize(
    ("headers", "received", "is_unread"),
    [
        ({}, 0, False),
        ({"Content_Length": "0"}, 0, False),
        ({"Content_Length": "5"}, 0, True),
        ({"Content_Length": "5"}, 4, True),
        ({"Content_Length": "5"}, 5, False),
        ({"Content_Length": "9" * 5_000}, 5, True),
        ({"Content_Length": "five"}, 0, False),
        ({"Transfer_Encoding": "chunked"}, 0, True),
        ({"Transfer_Encoding": "chunked"}, 1, False),
    ],
)
def test_whether_there_is_more_to_come_is_known_from_the_headers(
    headers: dict[str, str], received: int, is_unread: bool
) -> None:
    body = body_of(request(**headers))
    if received:
        body.pass_over(bytes(received))
    assert (body.is_unread, body.received_bytes) == (is_unread, received)


def test_what_comes_after_the_answer_is_counted_and_not_kept() -> None:
    body = body_of(request())
    body.pass_over(b"hello")
    assert (body.received_bytes, body.take()) == (5, b"")


# What happens to it.


def test_what_has_come_is_kept_when_its_client_closes_their_half() -> None:
    room = LargeBodies(10)
    body = body_in(room)
    body.add(b"hello")
    assert room.free_bytes == 5
    body.leave_room()
    assert (room.free_bytes, body.take()) == (10, b"hello")


def test_what_nobody_wants_takes_no_room() -> None:
    room = LargeBodies(10)
    body = body_in(room)
    body.add(b"hello")
    body.drop()
    assert (room.free_bytes, body.take()) == (10, b"")


def test_what_there_is_no_room_for_is_refused_and_not_kept() -> None:
    room = LargeBodies(7)
    body = body_in(room)
    body.add(b"hello")
    with pytest.raises(Refused, match="overloaded"):
        body.add(b" you")
    assert body.take() == b"hello"
