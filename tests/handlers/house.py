"""A real server on a loopback socket for the length of one scenario, and functions for it to serve.

Callers are alice and bob; the profile is one of the samples. Functions that must be seen at work wait for a
``threading.Event`` that the scenario sets; nothing here sleeps.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import streamchat
from streamchat.serving.server import Server
from tests.handlers.raw_client import PATIENCE_SECONDS, Connection, Frame, Response

PROFILE = "VitalikButerin"
ALICE = "secret-a"
BOB = "secret-b"
STREAMING_DOORS = ("/api/stream_chat", "/api/stream_chat_advanced", "/api/stream_chat_smart")
CHAT = "/api/chat"
CHAT_DOORS = (CHAT, *STREAMING_DOORS)
SMART = "/api/stream_chat_smart"
BASIC = "/api/stream_chat"

ProcessQuery = Callable[..., Any]


def with_server(process_query: ProcessQuery, scenario: Callable[[House], Awaitable[None]], **settings: Any) -> None:
    """Serve ``process_query`` while ``scenario`` runs; whatever still runs afterwards is stopped at once."""

    async def main(folder: str) -> None:
        given = {"port": 0, "database_url": f"sqlite:///{folder}/test.db", "drain": 0.0, **settings}
        given.setdefault("token", (f"alice={ALICE}", f"bob={BOB}"))
        house = House(await streamchat.make_app(process_query, **given), Path(folder))
        try:
            async with asyncio.timeout(PATIENCE_SECONDS * 2):
                await scenario(house)
        finally:
            await house.server.drain()
            await house.server.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(folder))


@dataclass(frozen=True, slots=True)
class House:
    """A running server as a test sees it."""

    server: Server
    folder: Path

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def turns_opened(self) -> int:
        """How many turns there have been: 0 says that nothing has happened."""
        book = self.server.rooms.book
        return book.running + book.remembered

    async def has_no_readers(self) -> None:
        """Wait until the server knows that its readers have left."""
        await until(lambda: self.server.rooms.book.readers == 0)

    async def is_draining(self) -> None:
        """Wait until the server takes no more turns."""
        await until(lambda: self.server.rooms.book.is_draining)

    def connect(self, receive_buffer: int | None = None) -> Connection:
        """A connection of one's own."""
        return Connection(self.port, receive_buffer)

    async def request(
        self,
        method: str,
        path: str,
        *,
        token: str | None = ALICE,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> Response:
        """One request on a connection of its own."""
        async with self.connect() as connection:
            await connection.send(method, path, headers=authorized(token) | (headers or {}), body=body)
            return await connection.read_response(method=method)

    async def post(
        self, path: str, body: dict[str, Any], *, token: str | None = ALICE, headers: dict[str, str] | None = None
    ) -> Response:
        """One JSON POST to its end."""
        return await self.request("POST", path, token=token, headers=JSON | (headers or {}), body=to_bytes(body))

    async def get(self, path: str, *, token: str | None = ALICE, **headers: str) -> Response:
        """One GET; ``Last_Event_ID="…"`` is the header Last-Event-ID."""
        return await self.request(
            "GET", path, token=token, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )

    async def ask(self, path: str = SMART, *, token: str = ALICE, **fields: Any) -> Response:
        """Ask a question and read the answer to its end, unpaced unless said otherwise."""
        return await self.post(path, question(**fields), token=token)

    async def begin(
        self,
        connection: Connection,
        path: str = SMART,
        *,
        token: str = ALICE,
        headers: dict[str, str] | None = None,
        **fields: Any,
    ) -> str:
        """Ask on an open connection, read no more than the head, and give the stream's id."""
        await connection.send(
            "POST", path, headers=authorized(token) | JSON | (headers or {}), body=to_bytes(question(**fields))
        )
        return (await connection.read_head()).headers.get("x-stream-id", "")


JSON = {"Content-Type": "application/json"}


def authorized(token: str | None) -> dict[str, str]:
    """The header for a token; None is a caller without one."""
    return {} if token is None else {"Authorization": f"Bearer {token}"}


def question(**fields: Any) -> dict[str, Any]:
    """A good body; ``fields`` over it. None leaves a field out."""
    body = {"username": PROFILE, "message": "What is a rollup?", "pace": "none"} | fields
    return {name: value for name, value in body.items() if value is not None}


def to_bytes(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def error_in(response: Response, *, is_streaming: bool) -> dict[str, Any]:
    """The error, after a look at the shape that its door owes: one frame without an id, or JSON."""
    if not is_streaming:
        assert response.headers["content-type"] == "application/json; charset=utf-8"
        payload: dict[str, Any] = response.json
    else:
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        (frame,) = response.frames
        assert frame.id == ""
        payload = frame.payload
    assert (payload["success"], payload["status"], payload["is_complete"]) == (False, "error", True)
    assert payload["error"]
    return payload


def answer_in(frames: list[Frame]) -> str:
    """The answer that the streaming frames carry."""
    return "".join(frame.payload["data"] for frame in frames if frame.status == "streaming")


def durable(frames: list[Frame]) -> list[bytes]:
    """The bytes of the frames that count, each once, in order."""
    transient = ("connecting", "initializing", "processing", "queued", "usage", "")
    return [frame.raw for frame in frames if frame.status not in transient]


def statuses(frames: list[Frame]) -> list[str]:
    return [frame.status for frame in frames]


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until the condition holds."""
    while not condition():  # noqa: ASYNC110 - what a test waits for is a state of the server, which has no event
        await asyncio.sleep(0)


def saying(answer: Any) -> ProcessQuery:
    """A function that returns this answer, whatever it is."""

    def say(message: str) -> Any:
        return answer

    return say


class Gate:
    """A function that says it has begun, waits to be let through, and then gives its answer.

    It waits in vain for no longer than a test is patient. ``calls`` counts how often it was asked.
    """

    def __init__(self, answer: str = "done") -> None:
        self.answer = answer
        self.begun = Event()
        self.opened = Event()
        self.calls = 0

    def __call__(self, message: str) -> str:
        self.calls += 1
        self.begun.set()
        self.opened.wait(PATIENCE_SECONDS)
        return self.answer

    async def let_through(self) -> None:
        """The same wait for an async function, which must not hold up its loop."""
        self.begun.set()
        assert await asyncio.to_thread(self.opened.wait, PATIENCE_SECONDS)

    async def has_begun(self) -> None:
        """Wait, off the loop, until the function runs."""
        assert await asyncio.to_thread(self.begun.wait, PATIENCE_SECONDS)
