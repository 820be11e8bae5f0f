"""A model that says tokens at a steady pace: an OpenAI-compatible server that others relay. Bare asyncio.

The last message says what to answer: ``{"tokens": 200, "gap": 0.02}``. Each token is the moment it was written, in
seconds of the monotonic clock that all processes share.
"""

from __future__ import annotations

import asyncio
import json
import re
import time

from workload import listening_socket

MODEL = "steady"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


class Model(asyncio.Protocol):
    """One connection; a request after the other."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._received = b""
        self._task: asyncio.Task[None] | None = None

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, blank, rest = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        size = int(length[1]) if length else 0
        if blank and len(rest) >= size:
            self._received = rest[size:]
            self._task = asyncio.create_task(self._answer(json.loads(rest[:size])))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _answer(self, request: dict[str, object]) -> None:
        messages = request["messages"]
        assert isinstance(messages, list)
        wanted = json.loads(messages[-1]["content"])
        self._transport.write(_HEAD)
        self._say({"role": "assistant", "content": ""})
        begin = time.monotonic()
        for number in range(1, wanted["tokens"] + 1):
            self._say({"content": f"{time.monotonic():017.6f} "})
            await asyncio.sleep(begin + number * wanted["gap"] - time.monotonic())
        self._say({}, "stop")
        self._event(b"[DONE]")
        self._transport.write(b"0\r\n\r\n")

    def _say(self, delta: dict[str, str], finish_reason: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL}
        self._event(json.dumps(chunk | {"choices": [choice]}).encode())

    def _event(self, data: bytes) -> None:
        event = b"data: %b\n\n" % data
        self._transport.write(b"%x\r\n%b\r\n" % (len(event), event))


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Model, sock=listening_socket(), backlog=4_096)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
