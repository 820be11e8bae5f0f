"""The floor: an asyncio protocol without any framework. One write a frame, and a sleep of its own for each stream."""

from __future__ import annotations

import asyncio

from workload import CONTENT_TYPE, Wanted, events_of, framed, listening_socket, wanted_of

_HEAD = (
    f"HTTP/1.1 200 OK\r\nContent-Type: {CONTENT_TYPE}\r\nCache-Control: no-cache, no-transform\r\n"
    "X-Accel-Buffering: no\r\nTransfer-Encoding: chunked\r\n\r\n"
).encode()


class Stream(asyncio.Protocol):
    """One connection, one request, one stream."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._request = b""
        self._writable = asyncio.Event()
        self._writable.set()
        self._task: asyncio.Task[None] | None = None

    def data_received(self, data: bytes) -> None:
        self._request += data
        if self._task is None and b"\r\n\r\n" in self._request:
            target = self._request.split(b" ", 2)[1].decode()
            self._task = asyncio.create_task(self._stream(wanted_of(target.partition("?")[2])))

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _stream(self, wanted: Wanted) -> None:
        write = self._transport.write
        write(_HEAD)
        for event in events_of(wanted):
            frame = framed(event)
            write(b"%x\r\n%b\r\n" % (len(frame), frame))
            if not self._writable.is_set():
                await self._writable.wait()
            await asyncio.sleep(wanted.gap)
        write(b"0\r\n\r\n")


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Stream, sock=listening_socket(), backlog=4_096)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
