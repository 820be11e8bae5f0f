"""The server of the tests leaves no connection to the garbage collector, however late a client comes."""

import asyncio
import gc
import socket
import warnings

import pytest

from tests.fakes.tcp_server import TcpServer


@pytest.mark.parametrize("rounds", range(6))
def test_a_connection_that_is_opened_in_the_last_moment_is_closed(rounds):
    async def serve(reader, writer):
        await reader.read()

    async def scenario():
        async with TcpServer(serve) as server:
            client = socket.create_connection(("127.0.0.1", server.port))
            for _ in range(rounds):
                await asyncio.sleep(0)
        client.close()

    gc.collect()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", ResourceWarning)
        asyncio.run(scenario())
        gc.collect()
    assert not warned


def test_what_a_connection_raises_is_raised_in_the_end():
    async def serve(reader, writer):
        raise ValueError("not what the test expects")

    async def scenario():
        async with TcpServer(serve) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()

    with pytest.raises(ExceptionGroup) as raised:
        asyncio.run(scenario())
    assert raised.group_contains(ValueError, match="not what the test expects")


def test_a_client_that_leaves_is_no_error():
    async def serve(reader, writer):
        await reader.readexactly(1)

    async def scenario():
        async with TcpServer(serve) as server:
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.close()
            await writer.wait_closed()

    asyncio.run(scenario())
