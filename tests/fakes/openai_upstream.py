"""An OpenAI-compatible server that follows a script: real loopback sockets, every byte as the test wrote it.

A test gives it the connections it will see, in order, each a ``Scene``; the last one is played again for all further
ones. It keeps what it was asked. Runs on the loop that makes it, which ``elsewhere`` reaches from another.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.fakes.tcp_server import TcpServer

# How long a test waits for what must happen; never as long as this when it does.
PATIENCE_SECONDS = 20.0

Ending = Literal["clean", "cut", "open"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What one request sees. ``cut`` closes before the body's end, ``open`` says no more until the client leaves."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    pieces: Sequence[bytes] = ()
    ending: Ending = "clean"
    content_type: str = "text/event-stream"
    has_head: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as it came; header names in lower case."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class ScriptedUpstream:
    """Plays its scenes; ``asked_once`` is set by the first request, ``left`` when the client of an open scene goes."""

    def __init__(self, *scenes: Scene) -> None:
        self.scenes = list(scenes)
        self.asked: list[Asked] = []
        self.asked_once = asyncio.Event()
        self.left = asyncio.Event()
        self.url = ""
        self.loop = asyncio.get_running_loop()

    async def elsewhere(self, event: asyncio.Event) -> None:
        """Wait for one of its events on another loop than its own."""
        waiting = asyncio.run_coroutine_threadsafe(event.wait(), self.loop)
        await asyncio.wait_for(asyncio.wrap_future(waiting), PATIENCE_SECONDS)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append(await _request(reader))
        scene = self.scenes[min(len(self.asked), len(self.scenes)) - 1]
        self.asked_once.set()
        with suppress(ConnectionError):
            await self._play(scene, reader, writer)
        if scene.ending == "open":
            self.left.set()

    async def _play(self, scene: Scene, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if scene.has_head:
            writer.write(_head(scene))
        for piece in scene.pieces:
            # A write and a chunk of HTTP each.
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
            await asyncio.sleep(0)
        if scene.ending == "clean":
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        if scene.ending == "open":
            await reader.read()


@asynccontextmanager
async def scripted(*scenes: Scene) -> AsyncIterator[ScriptedUpstream]:
    """A server with these scenes, for the length of the block; its ``url`` is the base URL for a client."""
    upstream = ScriptedUpstream(*scenes)
    async with TcpServer(upstream.serve) as server:
        upstream.url = f"{server.url}/v1"
        yield upstream


def delta(finish_reason: str | None = None, **fields: Any) -> bytes:
    """A chunk of an answer: what is new of it, and why it ends if it does."""
    return chunk(choices=[{"index": 0, "delta": fields, "finish_reason": finish_reason}])


def chunk(**fields: Any) -> bytes:
    """Any chunk."""
    return event({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": []} | fields)


def event(document: Any) -> bytes:
    return f"data: {json.dumps(document, ensure_ascii=False)}\n\n".encode()


DONE = b"data: [DONE]\n\n"


def saying(*texts: str, finish_reason: str = "stop", usage: tuple[int, int] | None = None) -> Scene:
    """An answer to its end, token by token, as OpenAI's own server gives it."""
    counts = [] if usage is None else [chunk(usage={"prompt_tokens": usage[0], "completion_tokens": usage[1]})]
    first = delta(role="assistant", content="")
    return Scene(pieces=[first, *(delta(content=text) for text in texts), delta(finish_reason), *counts, DONE])


def calling(*calls: tuple[str, str], text: str | None = None) -> Scene:
    """The model asks for tools, each a name and arguments in JSON, which come in two pieces and side by side."""
    starts = [
        {"index": n, "id": f"up_{n}", "type": "function", "function": {"name": name, "arguments": arguments[:3]}}
        for n, (name, arguments) in enumerate(calls)
    ]
    rests = [{"index": n, "function": {"arguments": arguments[3:]}} for n, (_, arguments) in enumerate(calls)]
    pieces = [delta(role="assistant", content=text), delta(tool_calls=starts), delta(tool_calls=rests)]
    return Scene(pieces=[*pieces, delta("tool_calls"), DONE])


def refusing(status: int, body: Any = None, **headers: str) -> Scene:
    """A refusal with an HTTP status; ``Retry_After="1"`` is the header Retry-After."""
    text = body if isinstance(body, bytes) else json.dumps(body or {"error": {"message": "no"}}).encode()
    return Scene(
        status=status,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        pieces=[text],
        content_type="application/json",
    )


def _head(scene: Scene) -> bytes:
    headers = {
        "Content-Type": scene.content_type,
        "Transfer-Encoding": "chunked",
        "Connection": "close",
        **scene.headers,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {scene.status} Scripted\r\n{lines}\r\n".encode()


async def _request(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(path=head[0].split(" ")[1], headers=headers, body=json.loads(body))
