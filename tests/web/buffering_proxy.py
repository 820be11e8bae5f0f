"""A proxy that does to a stream what badly set up ones do: keeps it until it is whole, or until it is a lot."""

from __future__ import annotations

import asyncio
from contextlib import closing

from tests.fakes.tcp_server import TcpServer


class BufferingProxy:
    """Passes requests on to a port and holds answers back; owned by the loop it is opened on.

    ``hold_bytes``: how much is collected before it is sent; None: everything, up to the end of the answer.
    """

    def __init__(self, port: int) -> None:
        self.hold_bytes: int | None = None
        self._target = port
        self._server = TcpServer(self._serve)

    @property
    def url(self) -> str:
        return self._server.url

    async def open(self) -> None:
        await self._server.open()

    async def close(self) -> None:
        await self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target)
        with closing(there_writer):
            await asyncio.gather(self._requests(reader, there_writer), self._answers(there_reader, writer))

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # One request a connection, so that the answer's end is the connection's.
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(head.replace(b"Connection: keep-alive", b"Connection: close"))
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held = b""
        while data := await reader.read(65_536):
            held += data
            if self.hold_bytes is not None and len(held) >= self.hold_bytes:
                writer.write(held)
                held = b""
        writer.write(held)
        await writer.drain()
        writer.close()
