"""The WebSockets that are open: counted, and closed in good order when the server stops."""

from __future__ import annotations

import asyncio
from typing import Protocol

from streamchat.handlers.lender import Lender

# RFC 6455, section 7.4.1.
GOING_AWAY = 1001


class OpenSocket(Protocol):
    """A socket as far as it matters here."""

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Say goodbye; the connection ends when the client has answered, or soon."""

    def drop(self) -> None:
        """End the connection now."""

    @property
    def waiting_bytes(self) -> int:
        """What waits to be sent."""


class OpenSockets:
    """Each socket adds itself when it is open and removes itself when it is not."""

    def __init__(self) -> None:
        self._lender: Lender
        self._sockets: set[OpenSocket] = set()
        self._one_left = asyncio.Event()

    def __len__(self) -> int:
        return len(self._sockets)

    @property
    def waiting_bytes(self) -> int:
        """What waits for clients to take what was sent before."""
        return sum(socket.waiting_bytes for socket in self._sockets)

    def borrow_from(self, lender: Lender) -> None:
        """To be called before the first socket."""
        self._lender = lender

    def add(self, socket: OpenSocket, connection: object) -> None:
        """``connection`` is what the lender knows it by; it does not come back."""
        self._lender.lend(connection)
        self._sockets.add(socket)

    def remove(self, socket: OpenSocket) -> None:
        self._sockets.discard(socket)
        self._one_left.set()

    async def close(self, seconds: float) -> None:
        """Say to all that the server goes away, and give them ``seconds`` to answer."""
        for socket in list(self._sockets):
            socket.close(GOING_AWAY, "shutting down")
        try:
            async with asyncio.timeout(seconds):
                while self._sockets:
                    self._one_left.clear()
                    await self._one_left.wait()
        except TimeoutError:
            return

    def drop(self) -> None:
        """End the connections that are left."""
        for socket in list(self._sockets):
            socket.drop()
