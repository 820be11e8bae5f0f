"""A proxy that does to a stream what badly set up ones do: keeps it until it is whole, or until it is a lot."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class BufferingProxy:
    """Passes requests on to a port and holds answers back; owned by the loop it is opened on.

    ``hold_bytes``: how much is collected before it is sent; None: everything, up to the end of the answer.
    """

    def __init__(self, port: int) -> None:
        self.hold_bytes: int | None = None
        self._target = port
        self._server: asyncio.Server
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        ends = [writer]
        try:
            # Cancelled by close(); a handler that says so is logged as an error.
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target)
                ends.append(there_writer)
                await asyncio.gather(self._requests(reader, there_writer), self._answers(there_reader, writer))
        finally:
            self._tasks.discard(task)
            for end in ends:
                end.close()

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
