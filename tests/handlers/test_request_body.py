"""A body on its way in, piece by piece; what doors answer to one is in test_door."""

import pytest
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from streamchat.handlers.errors import Refused
from streamchat.handlers.large_bodies import LargeBodies
from streamchat.handlers.request_body import RequestBody

REQUEST = HTTPServerRequest(headers=HTTPHeaders({"Host": "a"}), start_line=RequestStartLine("POST", "/", "HTTP/1.1"))


def body_in(room: LargeBodies) -> RequestBody:
    return RequestBody(REQUEST, room, usual_bytes=4, max_bytes=10)


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
