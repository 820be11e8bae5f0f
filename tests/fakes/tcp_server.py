"""A TCP server on loopback: what it says is a test's, how its connections end is not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from ssl import SSLContext
from typing import Any

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


class TcpServer:
    """Gives each connection to ``serve`` and closes it when that is over; for the length of an ``async with``.

    A client that leaves while it is served is no error. Who is still served at the end is cancelled, and every
    connection has ended then: otherwise the loop may end first and leave a transport to the garbage collector, whose
    warning fails a test that has nothing to do with it.
    """

    def __init__(self, serve: Serve, *, tls: SSLContext | None = None) -> None:
        self.port = 0
        self._serve = serve
        self._tls = tls
        self._server: asyncio.Server
        self._served: list[asyncio.Task[None]] = []
        self._is_open = True

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    async def __aenter__(self) -> TcpServer:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Raises what a ``serve`` has raised."""
        for listening in self._server.sockets:
            asyncio.get_running_loop().remove_reader(listening.fileno())
        # Two rounds, in which what was accepted becomes a connection: a closed server would leave it half made.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        self._server.close()
        self._is_open = False
        for serving in self._served:
            serving.cancel()
        ended = await asyncio.gather(*self._served, return_exceptions=True)
        # From Python 3.12 on wait_closed does it.
        while getattr(self._server, "_active_count", 0):  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0)
        await self._server.wait_closed()
        if failures := [failure for failure in ended if isinstance(failure, Exception)]:
            raise ExceptionGroup("a connection was not served", failures)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._is_open:
            writer.transport.abort()
            return
        serving = asyncio.create_task(self._until_it_leaves(reader, writer))
        self._served.append(serving)
        # Not in the coroutine: one that is cancelled before its first step does not get to its ``finally``.
        serving.add_done_callback(lambda serving: _end(writer, is_unfinished=serving.cancelled()))

    async def _until_it_leaves(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await self._serve(reader, writer)


def _end(writer: asyncio.StreamWriter, *, is_unfinished: bool) -> None:
    if is_unfinished and not writer.is_closing():
        writer.transport.abort()
    else:
        writer.close()
