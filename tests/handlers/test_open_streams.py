"""The connection of a stream: lent by Tornado's HTTP, counted all the while, and given back for another request."""

import gc
import json
import logging
import socket
import struct

import pytest
from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPServerRequest
from tornado.iostream import IOStream

from streamchat.handlers.door import Door
from streamchat.handlers.open_streams import OpenStreams
from streamchat.handlers.request_id import request_id
from tests.fakes.connections import KeepingLender
from tests.handlers.house import (
    CHAT_DOORS,
    SMART,
    Gate,
    House,
    answer_in,
    authorized,
    question,
    saying,
    until,
    with_server,
)
from tests.handlers.raw_client import CutShort

HEADERS = authorized("secret-a") | {"Content-Type": "application/json"}
BODY = json.dumps(question(pace="none")).encode()


@pytest.mark.parametrize("door", CHAT_DOORS)
def test_a_connection_may_have_another_request_after_its_stream(door: str) -> None:
    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            for _ in range(3):
                await connection.send("POST", door, headers=HEADERS, body=BODY)
                assert b"hi there" in (await connection.read_response()).body
            await connection.send("GET", "/healthz")
            assert (await connection.read_response()).status == 200
            assert house.server.connections().open == 1

    with_server(saying("hi there"), scenario)


def test_a_request_that_is_sent_before_the_stream_is_over_is_answered_after_it() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            await house.begin(connection)
            await gate.has_begun()
            await connection.send("GET", "/healthz")
            await connection.send("POST", SMART, headers=HEADERS, body=BODY)
            gate.opened.set()
            assert answer_in([frame async for frame in connection.frames()]) == "done"
            assert (await connection.read_response(method="GET")).status == 200
            assert b"done" in (await connection.read_response()).body

    with_server(gate, scenario)


@pytest.mark.parametrize("said", ["close", "Close", "close, TE"])
def test_a_client_that_asks_for_it_has_its_connection_closed_after_the_stream(said: str) -> None:
    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            await connection.send("POST", SMART, headers=HEADERS | {"Connection": said}, body=BODY)
            response = await connection.read_response()
            assert (answer_in(response.frames), response.headers["connection"]) == ("hi there", "close")
            assert await connection.is_closed_by_server()
        await until(lambda: house.server.connections().open == 0)

    with_server(saying("hi there"), scenario)


def test_a_stream_is_a_connection_and_no_more_are_opened_than_may_be() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as first:
            await house.begin(first)
            await gate.has_begun()
            await until(lambda: house.server.connections().open == 1)
            async with house.connect() as second:
                assert (await second.read_response()).status == 503
            gate.opened.set()
            assert answer_in([frame async for frame in first.frames()]) == "done"
            await first.send("GET", "/healthz")
            assert (await first.read_response()).status == 200
        await until(lambda: house.server.connections().open == 0)
        assert (await house.get("/healthz")).status == 200

    with_server(gate, scenario, max_connections=1)


def test_at_the_limit_a_connection_keeps_its_place_from_request_to_request() -> None:
    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            headers = authorized("secret-a")
            for _ in range(5):
                stream_id = await house.begin(connection, pace="none")
                assert answer_in([frame async for frame in connection.frames()]) == "hi there"
                # All of it is there: lent and given back in one step.
                await connection.send("GET", f"/api/streams/{stream_id}", headers=headers)
                assert (await connection.read_response()).frames[-1].status == "complete"
            await connection.send("GET", "/healthz")
            assert (await connection.read_response(method="GET")).status == 200
        assert house.server.connections().refused == 0

    with_server(saying("hi there"), scenario, max_connections=1)


class Ids(logging.Handler):
    """Keeps the id of the request that each line is logged for."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(request_id.get())


def test_the_request_after_a_stream_is_not_logged_as_the_stream(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "tornado.general")

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            await house.begin(connection, headers={"X-Request-Id": "the-stream"}, pace="none")
            assert answer_in([frame async for frame in connection.frames()]) == "hi there"
            await connection.send_bytes(b"GARBAGE\r\n\r\n")
            assert (await connection.read_head()).status == 400

    ids, logger = Ids(), logging.getLogger("tornado.general")
    logger.addHandler(ids)
    try:
        with_server(saying("hi there"), scenario)
    finally:
        logger.removeHandler(ids)
    assert ids.seen == ["-"]


def test_an_open_stream_holds_neither_its_door_nor_what_tornado_had_for_it() -> None:
    gate = Gate()

    def held() -> list[object]:
        return [each for each in gc.get_objects() if isinstance(each, Door | HTTP1Connection | HTTPServerRequest)]

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            # What other tests have left to the collector is not to be found here, nor anything to be left to it now.
            gc.collect()
            gc.disable()
            try:
                await house.begin(connection)
                await gate.has_begun()
                await until(lambda: not held())
            finally:
                gc.enable()
            gate.opened.set()
            assert answer_in([frame async for frame in connection.frames()]) == "done"

    with_server(gate, scenario)


def test_a_server_that_closes_breaks_off_what_still_streams() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            await house.begin(connection)
            await gate.has_begun()
            await house.server.close()
            with pytest.raises(CutShort):
                await connection.read_until("complete")
        gate.opened.set()

    with_server(gate, scenario)


@pytest.mark.gen_test
@pytest.mark.parametrize("has_left", [False, True])
async def test_a_client_that_has_left_in_the_last_moment_is_not_served_again(has_left: bool) -> None:
    lender, streams = KeepingLender(), OpenStreams()
    streams.borrow_from(lender)
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        socket.create_connection(listening.getsockname()) as client,
    ):
        stream = IOStream(listening.accept()[0])
        streams.add(stream, connection=stream)
        if has_left:
            # Closing resets the connection then, whatever is still on its way.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        streams.give_back(stream)
    assert (lender.taken_back, stream.closed(), len(streams)) == ([] if has_left else [stream], has_left, 0)
    stream.close()
