"""A WebSocket client that sees everything: each frame of the protocol as it is on the wire. Sends what it is told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from struct import pack, unpack
from types import TracebackType
from typing import Any, NamedTuple

from tests.handlers.house import ALICE, House, authorized, question
from tests.handlers.raw_client import Connection, CutShort, Head

TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 0x1, 0x2, 0x0, 0x8, 0x9, 0xA
HANDSHAKE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
# RFC 6455, section 1.3: the answer to that key.
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
MASK = b"\x01\x02\x03\x04"

Message = dict[str, Any]


class Raw(NamedTuple):
    """One frame of the protocol."""

    first: int
    data: bytes

    @property
    def opcode(self) -> int:
        return self.first & 0x0F

    @property
    def is_final(self) -> bool:
        return bool(self.first & 0x80)

    @property
    def close_code(self) -> int:
        assert self.opcode == CLOSE, self
        return int(unpack(">H", self.data[:2])[0]) if self.data else 1005

    @property
    def close_reason(self) -> str:
        return self.data[2:].decode()


def raw_frame(
    opcode: int, data: bytes = b"", *, is_final: bool = True, is_masked: bool = True, flags: int = 0
) -> bytes:
    """A frame as a client sends it."""
    first = opcode | flags | (0x80 if is_final else 0)
    mask_bit = 0x80 if is_masked else 0
    if len(data) < 126:
        head = pack("!BB", first, len(data) | mask_bit)
    elif len(data) < 65_536:
        head = pack("!BBH", first, 126 | mask_bit, len(data))
    else:
        head = pack("!BBQ", first, 127 | mask_bit, len(data))
    if not is_masked:
        return head + data
    return head + MASK + bytes(byte ^ MASK[place % 4] for place, byte in enumerate(data))


class Socket:
    """A WebSocket to a house; a context manager that opens and closes it. Pings are answered while it reads."""

    def __init__(
        self,
        house: House,
        *,
        token: str | None = ALICE,
        headers: Mapping[str, str] | None = None,
        path: str = "/api/ws",
        receive_buffer: int | None = None,
    ) -> None:
        self._connection = Connection(house.port, receive_buffer)
        self._headers = HANDSHAKE | authorized(token) | dict(headers or {})
        self._path = path
        self.head: Head
        self.pings = 0

    async def __aenter__(self) -> Socket:
        await self._connection.__aenter__()
        await self._connection.send("GET", self._path, headers=self._headers)
        self.head = await self._connection.read_head(method="GET")
        assert self.head.status == 101, await self._connection.read_body()
        assert self.head.headers["sec-websocket-accept"] == ACCEPT
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._connection.close()

    def abort(self) -> None:
        """Leave at once, whatever has not been sent yet."""
        self._connection.abort()

    async def send(self, **message: Any) -> None:
        """Send a message."""
        await self.send_text(json.dumps(message))

    async def send_text(self, text: str) -> None:
        await self.send_raw(raw_frame(TEXT, text.encode()))

    async def send_raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        await self._connection.send_bytes(data)

    async def ask(self, ref: str | None = None, **fields: Any) -> str:
        """Ask a question, read no more than that it is accepted, and give the stream's id."""
        reference = {} if ref is None else {"ref": ref}
        await self.send(type="query", **reference, **question(**fields))
        accepted = await self.read()
        assert accepted["type"] == "accepted", accepted
        return str(accepted["stream_id"])

    async def read_raw(self) -> Raw:
        """The next frame of the protocol; CutShort when the connection ends."""
        first, length = await self._exactly(2)
        assert length < 0x80, "a server masks nothing (RFC 6455, section 5.1)"
        if length == 126:
            length = unpack("!H", await self._exactly(2))[0]
        elif length == 127:
            length = unpack("!Q", await self._exactly(8))[0]
        return Raw(first, await self._exactly(length))

    async def read_event(self) -> Raw:
        """The next close frame or whole text message; its fragments are put together."""
        pieces: list[Raw] = []
        while True:
            raw = await self.read_raw()
            if raw.opcode == PING:
                self.pings += 1
                await self.send_raw(raw_frame(PONG, raw.data))
            elif raw.opcode in (CLOSE, PONG):
                return raw
            else:
                assert raw.opcode == (CONTINUATION if pieces else TEXT), raw
                pieces.append(raw)
                if raw.is_final:
                    return Raw(0x80 | TEXT, b"".join(piece.data for piece in pieces))

    async def answer_close(self, closed: Raw) -> None:
        """Agree to a close, and wait for the connection's end."""
        await self.send_raw(raw_frame(CLOSE, closed.data[:2]))
        assert await self.is_closed_by_server()

    async def read_ping(self) -> None:
        """Wait for the next ping, and answer it; messages are passed over."""
        while (raw := await self.read_raw()).opcode != PING:
            pass
        self.pings += 1
        await self.send_raw(raw_frame(PONG, raw.data))

    async def read(self) -> Message:
        """The next message."""
        event = await self.read_event()
        assert event.opcode == TEXT, event
        message: Message = json.loads(event.data)
        return message

    async def read_stream(self, stream_id: str) -> list[Message]:
        """The frames of one stream up to its last one; nothing else may come."""
        frames = []
        while not frames or not frames[-1].get("is_complete"):
            frame = await self.read()
            assert frame["stream_id"] == stream_id, frame
            assert "type" not in frame
            frames.append(frame)
        return frames

    async def read_close(self) -> Raw:
        """The close frame, whatever comes before it."""
        while (event := await self.read_event()).opcode != CLOSE:
            pass
        return event

    async def is_closed_by_server(self) -> bool:
        """Wait for the server to say more: True when it closes."""
        try:
            await self.read_raw()
        except CutShort:
            return True
        return False

    async def _exactly(self, count: int) -> bytes:
        return await self._connection.read_exactly(count)


def as_sse(message: Message) -> Message:
    """A frame without what makes it a message of a socket: what server-sent events have as JSON."""
    return {name: value for name, value in message.items() if name not in ("stream_id", "id")}


def answer_of(frames: list[Message]) -> str:
    """The answer that streaming frames carry."""
    return "".join(frame["data"] for frame in frames if frame["status"] == "streaming")


def durable_of(frames: list[Message]) -> list[Message]:
    """The frames that count, each once, in order."""
    transient = ("connecting", "initializing", "processing", "queued", "usage")
    return [frame for frame in frames if frame["status"] not in transient]
