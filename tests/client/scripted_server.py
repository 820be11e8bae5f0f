"""A chat server that follows a script: real loopback sockets, frames and failures exactly as the test wrote them.

A test gives it the connections it will see, in order, each a ``Scene``. It keeps what it was asked. Knows the shapes of
docs/client.md, and no line of the server's own code, so that a client is tested against the contract alone.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tests.fakes.tcp_server import TcpServer

Frame = dict[str, Any]
Ending = Literal["clean", "cut", "reset", "hang"]
STREAM_ID = "s1"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src * data: blob:; media-src * data: blob:; "
    "connect-src *; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "*, Authorization",
    "Access-Control-Allow-Methods": "*",
    "Access-Control-Expose-Headers": "X-Stream-Id, X-Conversation-Id, X-Request-Id, Retry-After",
}
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What one connection sees: a status, body bytes in pieces, and how the connection ends.

    ``cut`` is a TCP close before the body's end was announced, ``reset`` one that may overtake the last bytes,
    ``clean`` announces the end, ``hang`` stays open and silent. With ``held`` the scene stops after its pieces
    until the test releases it, or the client deletes the stream; then come ``later`` and the ending.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    pieces: Sequence[bytes] = ()
    ending: Ending = "clean"
    held: bool = False
    later: Sequence[bytes] = ()
    content_type: str = "text/event-stream; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as it came; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Frame:
        parsed: Frame = json.loads(self.body)
        return parsed


def sse(frames: Sequence[tuple[int, Frame]]) -> bytes:
    """Frames with the durable count that their ids carry, as section 3 of the contract writes them."""
    return b"".join(
        f"data: {json.dumps(frame, ensure_ascii=False)}\nid: {STREAM_ID}:{count}\n\n".encode()
        for count, frame in frames
    )


def chat(chunks: Sequence[str], **terminal: Any) -> list[tuple[int, Frame]]:
    """A smart stream: two progress frames, processing_complete, the chunks, the terminal frame."""
    end = {"success": True, "data": "", "status": "complete", "is_complete": True, "total_time": 1.0} | terminal
    durable = [
        {"success": True, "data": "", "status": "processing_complete", "progress": 100, "message": "处理完成"},
        *({"success": True, "data": chunk, "status": "streaming", "is_complete": False} for chunk in chunks),
        end,
    ]
    return [
        (0, {"success": True, "data": "", "status": "initializing", "message": "正在初始化连接...", "progress": 5}),
        (
            0,
            {
                "success": True,
                "data": "",
                "status": "processing",
                "progress": 6.8,
                "elapsed_time": 3.0,
                "message": "分析",
            },
        ),
        *((count, frame) for count, frame in enumerate(durable, 1)),
    ]


def after(frames: Sequence[tuple[int, Frame]], last_event_id: str) -> bytes:
    """What a resume after that id sends: the durable frames that are missing."""
    seen = int(last_event_id.rpartition(":")[2])
    return sse([(count, frame) for count, frame in frames if count > seen])


class ScriptedServer:
    """Plays its scenes in order on the chat doors; DELETE, profiles and the page's files answer by themselves."""

    def __init__(self, files: Path | None = None) -> None:
        self.asked: list[Asked] = []
        self.scenes: list[Scene] = []
        # Once the scenes are played: what a resume or a repeated POST is answered from.
        self.resumable: list[tuple[int, Frame]] | None = None
        self.deleted: Scene = answer({"state": "cancelled", "worker": "ended"})
        self.profiles: Scene = answer({"success": True, "profiles": []})
        self.conversations = answer({"success": True, "conversations": []})
        self.url = ""
        self._files = files
        self._leave = asyncio.Event()
        self._released = asyncio.Event()
        self._changed = threading.Condition()

    def requests(self, method: str, prefix: str = "/api/") -> list[Asked]:
        """What was asked so far, of one method and below one path."""
        return [asked for asked in list(self.asked) if asked.method == method and asked.path.startswith(prefix)]

    def wait_for(self, method: str, prefix: str = "/api/") -> Asked:
        """The first such request, which may still have to come."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.requests(method, prefix), timeout=20):
                raise TimeoutError(f"nobody asked {method} {prefix}")
        return self.requests(method, prefix)[0]

    async def serve(self, started: threading.Event) -> None:
        async with TcpServer(self._connection) as server:
            self.url = server.url
            self._loop = asyncio.get_running_loop()
            started.set()
            await self._leave.wait()

    def release(self) -> None:
        """Let the held scene go on."""
        self._loop.call_soon_threadsafe(self._released.set)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._leave.set)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await read_request(reader)
        with self._changed:
            self.asked.append(asked)
            scene = self._scene(asked)
            self._changed.notify_all()
        await self._play(scene, writer)

    def _scene(self, asked: Asked) -> Scene:
        path = asked.path.partition("?")[0]
        match asked.method, path:
            case "OPTIONS", _:
                return Scene(status=204)
            case "DELETE", _:
                self._released.set()
                return self.deleted
            case "GET", "/api/profiles":
                return self.profiles
            case "GET", "/api/conversations":
                return self.conversations
            case "GET", _ if self._files and not path.startswith("/api/"):
                return page_file(self._files / (path.lstrip("/") or "streaming_test.html"))
        if self.scenes:
            return self.scenes.pop(0)
        if self.resumable is not None:
            return Scene(pieces=[after(self.resumable, asked.headers.get("last-event-id", f"{STREAM_ID}:-1"))])
        return Scene(status=500, content_type="text/plain")

    async def _play(self, scene: Scene, writer: asyncio.StreamWriter) -> None:
        headers = CORS | {"Content-Type": scene.content_type, "Connection": "close"} | scene.headers
        if scene.status != 204:
            headers["Transfer-Encoding"] = "chunked"
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"HTTP/1.1 {scene.status} Scripted\r\n{head}\r\n".encode())
        await write_chunks(writer, scene.pieces)
        if scene.held:
            await self._released.wait()
        await write_chunks(writer, scene.later)
        if scene.ending == "clean" and scene.status != 204:
            writer.write(b"0\r\n\r\n")
        await writer.drain()
        if scene.ending == "hang":
            await self._leave.wait()
        if scene.ending == "reset":
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def write_chunks(writer: asyncio.StreamWriter, pieces: Sequence[bytes]) -> None:
    """Each piece as an HTTP chunk and a write of its own."""
    for piece in filter(None, pieces):
        writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        await writer.drain()
        await asyncio.sleep(0)


def answer(body: Frame, status: int = 200) -> Scene:
    """A JSON answer."""
    return Scene(status=status, pieces=[json.dumps(body).encode()], content_type="application/json")


def refusal(status: int, code: str, sentence: str, **headers: str) -> Scene:
    """A refused question: its HTTP status and one error frame, without an id."""
    frame = {"success": False, "error": sentence, "status": "error", "is_complete": True, "code": code}
    body = f"data: {json.dumps(frame, ensure_ascii=False)}\n\n".encode()
    return Scene(
        status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}, pieces=[body]
    )


def page_file(path: Path) -> Scene:
    """A file of the page, under the strictest policy it has to work with."""
    if not path.is_file():
        return Scene(status=404, content_type="text/plain")
    policy = {"Content-Security-Policy": PAGE_POLICY, "X-Content-Type-Options": "nosniff"}
    return Scene(headers=policy, pieces=[path.read_bytes()], content_type=MEDIA_TYPES[path.suffix])


async def read_request(reader: asyncio.StreamReader) -> Asked:
    """One HTTP/1.1 request with a Content-Length or without a body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method=method, path=path, headers=headers, body=body)


@contextmanager
def running(files: Path | None = None) -> Iterator[ScriptedServer]:
    """A server in a thread of its own, stopped at the end; ``files`` is the folder of the page."""
    server = ScriptedServer(files)
    started = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(started)), name="scripted server")
    thread.start()
    started.wait()
    try:
        yield server
    finally:
        server.stop()
        thread.join()
