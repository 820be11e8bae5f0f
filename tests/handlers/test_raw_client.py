import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.fakes.tcp_server import TcpServer
from tests.handlers.raw_client import Connection, CutShort, frame_of, frames_of

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-One: 1\r\nx-one: 2\r\n\r\n"


def talk(answer: bytes, scenario: Callable[[Connection], Coroutine[Any, Any, None]]) -> None:
    """Run the scenario against a server that answers with these bytes and closes."""

    async def main() -> None:
        async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(answer)
            await writer.drain()

        async with TcpServer(serve) as server, Connection(server.port) as connection:
            await scenario(connection)

    asyncio.run(main())


def test_a_frame_is_a_data_line_an_id_line_and_a_blank_line() -> None:
    frame = frame_of(b'data: {"status":"complete","is_complete":true}\nid: st_1:7\n\n')

    assert (frame.status, frame.id, frame.number, frame.is_terminal) == ("complete", "st_1:7", 7, True)


def test_a_frame_that_starts_with_anything_else_fails_the_test() -> None:
    with pytest.raises(AssertionError):
        frame_of(b"id: st_1:7\ndata: {}\n\n")


def test_a_comment_is_a_frame_without_content() -> None:
    assert frame_of(b": keep-alive\n\n").payload == {}


def test_half_a_frame_at_the_end_fails_the_test() -> None:
    with pytest.raises(AssertionError):
        frames_of(b"data: {}\n\ndata: {}\n")


def test_chunks_are_put_together_and_frames_taken_apart() -> None:
    async def scenario(connection: Connection) -> None:
        head = await connection.read_head()
        assert head.headers["x-one"] == "1, 2"
        assert [frame.payload async for frame in connection.frames()] == [{"a": 1}, {"b": 2}]

    talk(CHUNKED + b'10\r\ndata: {"a":1}\n\nd\r\nd\r\nata: {"b":2}\n\r\n1\r\n\n\r\n0\r\n\r\n', scenario)


def test_a_body_without_its_last_chunk_is_cut_short() -> None:
    async def scenario(connection: Connection) -> None:
        await connection.read_head()
        assert await connection.read_piece() == b"abc"
        with pytest.raises(CutShort):
            await connection.read_piece()

    talk(CHUNKED + b"3\r\nabc\r\n", scenario)


def test_a_body_ends_at_its_length() -> None:
    async def scenario(connection: Connection) -> None:
        response = await connection.read_response()
        assert (response.status, response.json) == (200, {})

    talk(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", scenario)


def test_a_body_without_length_ends_with_the_connection() -> None:
    async def scenario(connection: Connection) -> None:
        assert (await connection.read_response()).body == b"all of it"

    talk(b"HTTP/1.0 200 OK\r\n\r\nall of it", scenario)
