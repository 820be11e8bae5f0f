"""An HTTP server on loopback that gives files, or what else a test has it say to whoever asks for a path."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext

from tests.fakes.tcp_server import TcpServer

PNG = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010806000000") + b"a picture"
PDF = b"%PDF-1.7\nnot much of a document"
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00"


@dataclass(slots=True)
class FileServer:
    """``asked`` has the path and headers of each request; ``left`` is set when a client of an endless answer goes."""

    answers: Mapping[str, bytes]
    port: int = 0
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        path = lines[0].split(" ")[1]
        headers = (line.partition(":") for line in lines[1:] if line)
        self.asked.append((path, {name.lower(): value.strip() for name, _, value in headers}))
        if path in self.answers:
            writer.write(self.answers[path])
        else:
            await self._go_on_for_ever(path, reader, writer)
        await writer.drain()

    async def _go_on_for_ever(self, path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """ "/silent" says nothing at all, "/endless" sends without end; both until the client has gone."""
        self.begun.set()
        try:
            if path == "/silent":
                await reader.read()
            else:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n")
                while True:
                    writer.write(PNG * 1_000)
                    await writer.drain()
        finally:
            self.left.set()


def file(content: bytes, media_type: str = "image/png", status: int = 200, **headers: str) -> bytes:
    """A response with this content; ``Content_Encoding="gzip"`` is one header more."""
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status} Said\r\nContent-Type: {media_type}\r\nContent-Length: {len(content)}\r\n{more}\r\n"
    return head.encode() + content


def redirect(location: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


@asynccontextmanager
async def serving_files(
    answers: Mapping[str, bytes] | None = None, *, tls: SSLContext | None = None
) -> AsyncIterator[FileServer]:
    """The server, for the length of the block. "/silent" and "/endless" are there unless they have an answer."""
    files = FileServer(answers or {})
    async with TcpServer(files.serve, tls=tls) as server:
        files.port = server.port
        yield files
