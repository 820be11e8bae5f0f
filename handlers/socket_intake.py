"""How messages get from a WebSocket to its session: how fast, how many at a time, and who talks, said by the first one.

Knows no handshake and no turns.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from time import monotonic
from typing import Protocol

from streamchat.handlers.chat_request import parse
from streamchat.handlers.errors import Refused, bad_field
from streamchat.handlers.rooms import Rooms
from streamchat.handlers.socket_messages import AuthMessage, Envelope
from streamchat.handlers.socket_session import Peer, SocketSession, known_caller
from streamchat.handlers.socket_writer import SocketWriter

# For a client that says who it is only when the socket is open.
AUTH_SECONDS = 10.0
# Messages that are being answered; the next one is not read before one of them is.
MAX_IN_FLIGHT = 8
# RFC 6455, section 7.4.1.
POLICY_VIOLATION = 1008

_logger = logging.getLogger("streamchat.doors")


class Entrance(Protocol):
    """The socket, as far as messages are concerned."""

    @property
    def is_open(self) -> bool:
        """Whether anything may still be said on it."""

    def admit_caller(self, caller: str) -> None:
        """The first message has said who talks."""

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Say goodbye."""


class SocketIntake:
    """One socket's messages, from its opening to its end. Without a caller the first message must name one, in time."""

    def __init__(self, rooms: Rooms, entrance: Entrance, peer: Peer, writer: SocketWriter) -> None:
        self._rooms = rooms
        self._entrance = entrance
        self._peer = peer
        self._writer = writer
        self._session = SocketSession(rooms, peer, writer)
        self._answering: set[asyncio.Task[None]] = set()
        self._one_answered = asyncio.Event()
        self._next_at = 0.0
        self._auth_timer: asyncio.TimerHandle | None = None
        if not peer.caller:
            self._auth_timer = asyncio.get_running_loop().call_later(AUTH_SECONDS, self._turn_away)

    async def take(self, message: str | bytes) -> None:
        """Have a message answered. While this waits, no further message is read."""
        await self._paced()
        if not self._entrance.is_open:
            return
        if isinstance(message, bytes):
            await self.refuse(bad_field("message", "must be text, not binary"))
            if not self._peer.caller:
                self._turn_away()
        elif not self._peer.caller:
            await self._authenticate(message.encode())
        else:
            await self._answer(message.encode())

    async def refuse(self, refused: Refused) -> None:
        """Answer what is no message, or none that could be read."""
        await self._session.refuse(refused)

    def close(self) -> None:
        """The client has left."""
        self._session.close()
        self._stop_waiting()

    async def _paced(self) -> None:
        """Wait until one more message may be taken; a second's worth of them may come at once."""
        now, interval = monotonic(), 1.0 / self._rooms.limits.max_socket_messages
        self._next_at = max(self._next_at, now - 1.0) + interval
        if self._next_at > now:
            await asyncio.sleep(self._next_at - now)

    async def _answer(self, message: bytes) -> None:
        """Answer while the next messages are read: whoever waits for a stop must not hold up a question.

        Not so while a long one is answered, which has its room for so long.
        """
        task = asyncio.create_task(self._answered(message), name="answer a message")
        self._answering.add(task)
        task.add_done_callback(self._forget)
        if len(message) > self._rooms.limits.max_body_bytes:
            await asyncio.wait([task])
        while len(self._answering) >= MAX_IN_FLIGHT:
            self._one_answered.clear()
            await self._one_answered.wait()

    async def _answered(self, message: bytes) -> None:
        if not await self._session.take(message):
            self._turn_away()

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._answering.discard(task)
        self._one_answered.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            _logger.error("answering a message failed", exc_info=error)

    async def _authenticate(self, message: bytes) -> None:
        try:
            envelope = parse(Envelope, message)
            token = parse(AuthMessage, message).token if envelope.type == "auth" else ""
            caller = await known_caller(self._rooms, token)
        except Exception as error:  # noqa: BLE001 - as in SocketSession.take
            await self._session.refuse(error, message)
            if isinstance(error, Refused):
                self._turn_away()
            return
        self._stop_waiting()
        self._peer = replace(self._peer, caller=caller, token=token)
        self._session = SocketSession(self._rooms, self._peer, self._writer)
        self._entrance.admit_caller(caller)
        await self._session.greet(envelope.ref)

    def _stop_waiting(self) -> None:
        if self._auth_timer is not None:
            self._auth_timer.cancel()

    def _turn_away(self) -> None:
        self._rooms.metrics.auth_failed()
        self._entrance.close(POLICY_VIOLATION, "unauthorized")
