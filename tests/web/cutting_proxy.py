"""A TCP proxy whose connections a test can cut, as a network does: in the middle, and without a word."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from tests.fakes.tcp_server import TcpServer


class CuttingProxy:
    """Passes bytes on to a port; owned by the loop it is opened on.

    ``watch`` is called with what the server has said, once it is on its way to the client, and may cut.
    """

    def __init__(self, port: int, watch: Callable[[bytes], None] = lambda said: None) -> None:
        self._target = port
        self._watch = watch
        self._mark: tuple[bytes, int] | None = None
        self._is_silent = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._server = TcpServer(self._serve)

    @property
    def port(self) -> int:
        return self._server.port

    async def open(self) -> None:
        await self._server.open()

    async def close(self) -> None:
        self.cut()
        await self._server.close()

    def cut(self) -> None:
        """Break every connection there is; new ones are welcome."""
        for writer in list(self._writers):
            writer.transport.abort()

    def cut_before(self, mark: bytes) -> None:
        """Once: when the server says this, its client gets nothing of it, and loses its connection."""
        self._mark = mark, 0

    def cut_after(self, mark: bytes, *, is_silent: bool = False) -> None:
        """Once: when the server says this, it is the last that its client gets before it loses its connection.

        ``is_silent``: the server is not told when a client has gone, as when a network just ends.
        """
        self._mark, self._is_silent = (mark, len(mark)), is_silent

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target)
        ends = {writer, there_writer}
        self._writers |= ends
        try:
            await asyncio.gather(self._pass_on(reader, there_writer), self._answer(there_reader, writer))
        finally:
            self._writers -= ends
            there_writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
            if not self._is_silent:
                writer.write_eof()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                if self._mark is not None and self._mark[0] in data:
                    (mark, taken), self._mark = self._mark, None
                    writer.write(data[: data.index(mark) + taken])
                    writer.transport.abort()
                    continue
                writer.write(data)
                await writer.drain()
                self._watch(data)
            writer.write_eof()
