"""A TCP proxy whose connections a test can cut, as a network does: in the middle, and without a word."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress


class CuttingProxy:
    """Passes bytes on to a port; owned by the loop it is opened on.

    ``watch`` is called with what the server has said, once it is on its way to the client, and may cut.
    """

    def __init__(self, port: int, watch: Callable[[bytes], None] = lambda said: None) -> None:
        self._target = port
        self._watch = watch
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server
        self.port = 0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Break every connection there is; new ones are welcome."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target)
        pair = {writer, there_writer}
        self._writers |= pair
        asking = self._pass_on(reader, there_writer, lambda said: None)
        await asyncio.gather(asking, self._pass_on(there_reader, writer, self._watch))
        self._writers -= pair
        for end in pair:
            end.close()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, watch: Callable[[bytes], None]
    ) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
                watch(data)
            writer.write_eof()
