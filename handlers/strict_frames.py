"""Tornado's side of the WebSocket protocol, and what RFC 6455 asks of a server beyond it.

Tornado drops the connection of a peer that breaks the rules; here it is told first, by a close frame that says why.
And it takes in every message up to its length: here a long one needs room, and is read no further without.
"""

from __future__ import annotations

from struct import unpack
from typing import TYPE_CHECKING, Any

from tornado.websocket import WebSocketProtocol13

from streamchat.handlers.errors import Refused
from streamchat.handlers.socket_room import MessageRoom

if TYPE_CHECKING:
    import asyncio

# RFC 6455, section 7.4.1; the last one is the registry's ("Try Again Later").
PROTOCOL_ERROR, NOT_UTF8, TOO_BIG, NO_ROOM = 1002, 1007, 1009, 1013

_TEXT, _CLOSE = 0x1, 0x8
_GIVEN_UP = (PROTOCOL_ERROR, NOT_UTF8, TOO_BIG)
# Of a long message: each is a sign of life.
_PIECE_BYTES = 65_536
# What may stand in a close frame: section 7.4.2, and what the registry has taken up since.
_CLOSE_CODES = (1000, 1001, 1002, 1003, *range(1007, 1015))
_APPLICATION_CODES = range(3000, 5000)


class StrictProtocol(WebSocketProtocol13):
    """One connection. After it has been given up, what still comes is dropped, until the peer has gone or 5 s later.

    Without that the kernel would answer what is unread with a reset, and the peer might never see the close frame.
    """

    _has_given_up = False
    _is_draining = False

    def __init__(self, handler: Any, params: Any, room: MessageRoom) -> None:  # noqa: ANN401 - Tornado's are private
        """``handler`` is told of a message that has no room, by ``on_no_room(refused)``."""
        super().__init__(handler, False, params)
        self._room = room

    async def _receive_frame(self) -> None:
        self._frame_mask = None
        try:
            await super()._receive_frame()
        except Refused as refused:
            await self._give_up_reading(refused)
        if self._fragmented_message_buffer is None:
            self._room.leave()  # no message is half read any more
        if self._frame_mask is None and not self.client_terminated:
            self._give_up(PROTOCOL_ERROR, "frames must be masked")
        if self._is_draining:
            await self._drain()

    async def _read_bytes(self, n: int) -> bytes:
        """As Tornado's, but for what makes a message longer than usual: that is read by pieces, once it has room."""
        begun = len(self._fragmented_message_buffer or b"")
        usual = max(0, self._room.usual_bytes - begun)
        if n <= usual:
            return await super()._read_bytes(n)
        pieces = [await super()._read_bytes(usual)]
        self._room.take(begun + n)
        for read in range(usual, n, _PIECE_BYTES):
            pieces.append(await super()._read_bytes(min(_PIECE_BYTES, n - read)))
            self._room.felt()
        return b"".join(pieces)

    async def _give_up_reading(self, refused: Refused) -> None:
        self._fragmented_message_buffer = None
        handler: Any = self.handler
        await handler.on_no_room(refused)
        self._give_up(NO_ROOM, "no room for a message of this length")

    def _handle_message(self, opcode: int, data: bytes) -> asyncio.Future[None] | None:
        if self.server_terminated and opcode != _CLOSE:
            return None
        if self._frame_mask is None:
            return None  # _receive_frame says so
        if self._fragmented_message_buffer is None:
            self._room.has_all()
        if opcode == _TEXT and not _is_utf8(data):
            self._give_up(NOT_UTF8, "the message is not UTF-8")
            return None
        if opcode == _CLOSE and (code := _problem_with_close(data)):
            self.client_terminated = True
            self.close(code)
            return None
        return super()._handle_message(opcode, data)

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        self._has_given_up = self._has_given_up or (code in _GIVEN_UP and not self.server_terminated)
        super().close(code, reason)

    def _abort(self) -> None:
        stream = self.stream
        if stream is None or stream.closed() or self.client_terminated or self._is_draining:
            super()._abort()
        elif self._has_given_up:
            self._is_draining = True
        elif self.server_terminated:
            super()._abort()
        else:
            self._give_up(PROTOCOL_ERROR, "a frame breaks the rules")

    def _give_up(self, code: int, reason: str) -> None:
        self.close(code, reason)
        self._is_draining = True

    async def _drain(self) -> None:
        """Read to the end; StreamClosedError is the end."""
        if not self.stream.writing():
            self.stream.socket.shutdown(1)  # of our side: the peer need not wait for more
        while True:
            await self.stream.read_bytes(65_536, partial=True)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _problem_with_close(data: bytes) -> int | None:
    """The code with which a close frame is answered that has no right content; None for a good one."""
    if not data:
        return None
    if len(data) == 1:
        return PROTOCOL_ERROR
    code = unpack(">H", data[:2])[0]
    if code not in _CLOSE_CODES and code not in _APPLICATION_CODES:
        return PROTOCOL_ERROR
    return None if _is_utf8(data[2:]) else NOT_UTF8
