"""Tornado's side of the WebSocket protocol, and what RFC 6455 asks of a server beyond it.

Tornado drops the connection of a peer that breaks the rules; here it is told first, by a close frame that says why.
"""

from __future__ import annotations

from struct import unpack
from typing import TYPE_CHECKING

from tornado.websocket import WebSocketProtocol13

if TYPE_CHECKING:
    import asyncio

# RFC 6455, section 7.4.1.
PROTOCOL_ERROR, NOT_UTF8, TOO_BIG = 1002, 1007, 1009

_TEXT, _CLOSE = 0x1, 0x8
_GIVEN_UP = (PROTOCOL_ERROR, NOT_UTF8, TOO_BIG)
# What may stand in a close frame: section 7.4.2, and what the registry has taken up since.
_CLOSE_CODES = (1000, 1001, 1002, 1003, *range(1007, 1015))
_APPLICATION_CODES = range(3000, 5000)


class StrictProtocol(WebSocketProtocol13):
    """One connection. After it has been given up, what still comes is dropped, until the peer has gone or 5 s later.

    Without that the kernel would answer what is unread with a reset, and the peer might never see the close frame.
    """

    _has_given_up = False
    _is_draining = False

    async def _receive_frame(self) -> None:
        self._frame_mask = None
        await super()._receive_frame()
        if self._frame_mask is None and not self.client_terminated:
            self._give_up(PROTOCOL_ERROR, "frames must be masked")
        if self._is_draining:
            await self._drain()

    def _handle_message(self, opcode: int, data: bytes) -> asyncio.Future[None] | None:
        if self.server_terminated and opcode != _CLOSE:
            return None
        if self._frame_mask is None:
            return None  # _receive_frame says so
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
