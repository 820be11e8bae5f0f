"""A bare HTTP/1.x client that shows every byte: for tests of what really goes over the socket.

One Connection is one socket. It reads a response head, then the body piece by piece, or block by block where the
body is a stream of events. Knows no server; retries nothing, follows nothing, hides nothing.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

# Longer than any answer here takes: a test that waits for what never comes fails instead of hanging.
PATIENCE_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Status line and headers; header names in lower case, a repeated one joined with commas."""

    version: str
    status: int
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A whole response; ``frames`` are the events in its body."""

    head: Head
    body: bytes

    @property
    def status(self) -> int:
        return self.head.status

    @property
    def headers(self) -> dict[str, str]:
        return self.head.headers

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def frames(self) -> list[Frame]:
        return frames_of(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One block of an event stream: its bytes with the blank line, its JSON and its id ("" without one)."""

    raw: bytes
    payload: dict[str, Any] = field(default_factory=dict)
    id: str = ""

    @property
    def number(self) -> int:
        """The durable frames so far, as the id says it."""
        return int(self.id.rpartition(":")[2])

    @property
    def status(self) -> str:
        return str(self.payload.get("status", ""))

    @property
    def is_terminal(self) -> bool:
        return bool(self.payload.get("is_complete"))


def frame_of(raw: bytes) -> Frame:
    """Parse one block strictly: ``data`` line, ``id`` line or none, blank line; or a comment, or a dialect's end."""
    assert raw.endswith(b"\n\n")
    lines = raw[:-2].split(b"\n")
    if lines[0].startswith(b":") or lines == [b"data: [DONE]"]:
        return Frame(raw=raw)
    assert lines[0].startswith(b"data: "), raw
    assert len(lines) == 1 or (len(lines) == 2 and lines[1].startswith(b"id: ")), raw
    event_id = lines[1].removeprefix(b"id: ").decode() if len(lines) == 2 else ""
    return Frame(raw=raw, payload=json.loads(lines[0].removeprefix(b"data: ")), id=event_id)


def frames_of(body: bytes) -> list[Frame]:
    """Every block of a whole body; half a block at its end is an AssertionError."""
    *blocks, rest = body.split(b"\n\n")
    assert rest == b"", rest
    return [frame_of(block + b"\n\n") for block in blocks]


class CutShort(Exception):
    """The connection ended before the response did."""


class Connection:
    """One socket to the server; a context manager that closes it."""

    def __init__(self, port: int, receive_buffer: int | None = None) -> None:
        """``receive_buffer`` bytes are what the kernel takes for a client that does not read (None: its own choice)."""
        self.port = port
        self._socket = socket.socket()
        if receive_buffer is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.head = Head(version="", status=0)
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self._block = b""
        self._left: int | None = None
        self._is_chunked = False
        self._is_over = True

    async def __aenter__(self) -> Connection:
        self._socket.setblocking(False)
        await asyncio.get_running_loop().sock_connect(self._socket, ("127.0.0.1", self.port))
        self._reader, self._writer = await asyncio.open_connection(sock=self._socket)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Leave, whatever is still to come."""
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except (ConnectionError, BrokenPipeError):
            return

    def abort(self) -> None:
        """Leave at once, whatever has not been sent yet."""
        self._writer.transport.abort()

    def close_sending(self) -> None:
        """Send no more, but go on listening: a half-close."""
        self._writer.write_eof()

    async def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        version: str = "HTTP/1.1",
    ) -> None:
        """Send a request; a body is announced by its length."""
        lines = [f"{method} {path} {version}", "Host: 127.0.0.1"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        await self.send_bytes("\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b""))

    async def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)
        await self._writer.drain()

    async def read_head(self, *, method: str = "POST") -> Head:
        """The head of the next response; from here on its body is read."""
        raw = await self._patiently(self._reader.readuntil(b"\r\n\r\n"))
        status_line, *lines = raw[:-4].decode("latin-1").split("\r\n")
        version, status, *_ = status_line.split(" ")
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            name, value = name.strip().lower(), value.strip()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        self.head = Head(version=version, status=int(status), headers=headers)
        self._is_chunked = headers.get("transfer-encoding") == "chunked"
        self._left = int(headers["content-length"]) if "content-length" in headers else None
        self._is_over = method == "HEAD" or self.head.status in (204, 304)
        return self.head

    async def read_piece(self) -> bytes:
        """What comes next of the body; b"" once it has properly ended. Raises CutShort when it has not."""
        if self._is_over:
            return b""
        if self._is_chunked:
            return await self._read_chunk()
        if self._left is None:
            piece = await self._patiently(self._reader.read(65_536))
            self._is_over = not piece
            return piece
        piece = await self._patiently(self._reader.readexactly(self._left))
        self._is_over = True
        return piece

    async def read_body(self) -> bytes:
        """The rest of the body."""
        pieces = []
        while piece := await self.read_piece():
            pieces.append(piece)
        return b"".join(pieces)

    async def read_frame(self) -> Frame | None:
        """The next block of the event stream as a frame; None once it has properly ended."""
        block = await self.read_block()
        return frame_of(block) if block else None

    async def read_block(self) -> bytes:
        """The next block of the event stream, whatever it says; b"" once it has properly ended."""
        while b"\n\n" not in self._block:
            piece = await self.read_piece()
            if not piece:
                assert self._block == b"", self._block
                return b""
            self._block += piece
        raw, _, self._block = self._block.partition(b"\n\n")
        return raw + b"\n\n"

    async def read_until(self, status: str) -> list[Frame]:
        """The blocks up to and including the first with this status."""
        frames: list[Frame] = []
        while not frames or frames[-1].status != status:
            frame = await self.read_frame()
            assert frame is not None, f"the stream ended without {status}"
            frames.append(frame)
        return frames

    async def frames(self) -> AsyncIterator[Frame]:
        """The blocks that are still to come."""
        while (frame := await self.read_frame()) is not None:
            yield frame

    async def read_response(self, *, method: str = "POST") -> Response:
        """A whole response."""
        head = await self.read_head(method=method)
        return Response(head=head, body=await self.read_body())

    async def read_exactly(self, count: int) -> bytes:
        """So many bytes as they come, after a head that ends the talk of HTTP. Raises CutShort."""
        return await self._patiently(self._reader.readexactly(count))

    async def is_closed_by_server(self) -> bool:
        """Wait for the server to say or do something more: True when it closes."""
        return await self._patiently(self._reader.read(1)) == b""

    async def _read_chunk(self) -> bytes:
        size = int(await self._patiently(self._reader.readuntil(b"\r\n")), 16)
        data = await self._patiently(self._reader.readexactly(size + 2))
        self._is_over = size == 0
        return data[:-2]

    async def _patiently(self, reading: Any) -> bytes:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await reading  # type: ignore[no-any-return]
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise CutShort(str(error)) from None
