"""``GET /api/ws``: one socket, many turns at a time. The handshake, the messages' way in, and the end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from time import monotonic
from typing import Any

from tornado.websocket import WebSocketClosedError, WebSocketHandler, WebSocketProtocol

from streamchat.handlers.chat_request import parse
from streamchat.handlers.door import Door
from streamchat.handlers.errors import Refused, bad_field
from streamchat.handlers.handshake import PROTOCOL, check_origin, check_upgrade, offered, token_in
from streamchat.handlers.rooms import Rooms
from streamchat.handlers.socket_messages import AuthMessage, Envelope
from streamchat.handlers.socket_pulse import Pulse
from streamchat.handlers.socket_session import Peer, SocketSession
from streamchat.handlers.socket_turns import DOOR
from streamchat.handlers.socket_writer import SocketWriter
from streamchat.handlers.strict_frames import StrictProtocol
from streamchat.handlers.trace_headers import trace_headers

# For a client that says who it is only when the socket is open.
AUTH_SECONDS = 10.0
# Messages that are being answered; the next one is not read before one of them is.
MAX_IN_FLIGHT = 8
# RFC 6455, section 7.4.1.
POLICY_VIOLATION = 1008

_logger = logging.getLogger("streamchat.doors")


class SocketDoor(Door, WebSocketHandler):
    """One WebSocket. What is said on it is the session's; here is how messages get there, and how fast."""

    door_name = DOOR

    def initialize(self, rooms: Rooms) -> None:
        super().initialize(rooms)
        self._session: SocketSession | None = None
        self._writer: SocketWriter
        self._pulse: Pulse | None = None
        self._trace_headers: Mapping[str, str] = {}
        self._stream: Any = None
        self._auth_timer: asyncio.TimerHandle | None = None
        self._answering: set[asyncio.Task[None]] = set()
        self._one_answered = asyncio.Event()
        self._next_at = 0.0

    # The handshake.

    async def admit(self) -> None:
        self.needs_token = self.bearer() is not None
        await super().admit()
        if self.request.method == "GET":
            check_upgrade(self.request.headers)
            check_origin(self.request.headers, self.rooms.limits.allowed_origins)

    def bearer(self) -> str | None:
        return super().bearer() or token_in(offered(self.request.headers))

    def check_origin(self, origin: str) -> bool:
        """``prepare`` has seen to it."""
        return True

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return PROTOCOL if PROTOCOL in subprotocols else None

    def get_websocket_protocol(self) -> WebSocketProtocol | None:
        """Tornado's protocol, kept strictly. Its own pings are off: they take a slow client for a dead one."""
        protocol: Any = super().get_websocket_protocol()
        return None if protocol is None else StrictProtocol(self, False, protocol.params)

    @property
    def max_message_size(self) -> int:
        """Before it is known who talks, no message is a question."""
        return self.rooms.max_question_bytes if self.caller else self.rooms.limits.max_body_bytes

    # The open socket.

    def open(self, *_: str, **__: str) -> None:
        connection: Any = self.ws_connection
        self._stream = connection.stream
        self._stream.set_nodelay(True)  # see SseDelivery
        limits, traced = self.rooms.limits, self.rooms.is_traced
        self._writer = SocketWriter(self._stream, stall_seconds=limits.stall_seconds, may_write=self._may_write)
        self._trace_headers = trace_headers(self.request.headers) if traced else {}
        self._session = self._session_of(self.caller)
        self._pulse = Pulse(
            self._ping_quietly,
            self.drop,
            lambda: self._writer.is_held_up,
            interval_seconds=limits.keepalive_seconds,
            patience_seconds=limits.stall_seconds,
        )
        if not self.caller:
            self._auth_timer = asyncio.get_running_loop().call_later(AUTH_SECONDS, self._close_unknown)
        self.rooms.sockets.add(self)
        # A socket is open for hours: what its request has said is not kept for so long.
        self.request.headers.clear()

    def on_close(self) -> None:
        if self._session is None:
            return  # it was never open
        self.rooms.sockets.remove(self)
        self._session.close()
        if self._pulse is not None:
            self._pulse.stop()
        if self._auth_timer is not None:
            self._auth_timer.cancel()

    def on_pong(self, data: bytes) -> None:
        if self._pulse is not None:
            self._pulse.felt()

    def drop(self) -> None:
        """End the connection now."""
        self._stream.close()

    @property
    def is_held_up(self) -> bool:
        """Whether the client has to take something before more is sent."""
        return self._writer.is_held_up

    @property
    def waiting_bytes(self) -> int:
        """What waits to be sent, but for a piece that is on its way."""
        return self._writer.waiting_bytes

    @property
    def in_flight(self) -> int:
        """Messages that are being answered."""
        return len(self._answering)

    # Messages.

    async def on_message(self, message: str | bytes) -> None:
        """Have a message answered. While this waits, no further message is read."""
        assert self._session is not None
        assert self._pulse is not None
        self._pulse.felt()
        await self._paced()
        if not self._may_write():
            return
        if isinstance(message, bytes):
            await self._session.refuse(bad_field("message", "must be text, not binary"))
            if not self.caller:
                self._close_unknown()
        elif not self.caller:
            await self._authenticate(self._session, message.encode())
        else:
            await self._answer(self._session.take(message.encode()))

    async def _paced(self) -> None:
        """Wait until one more message may be taken; a second's worth of them may come at once."""
        now, interval = monotonic(), 1.0 / self.rooms.limits.max_socket_messages
        self._next_at = max(self._next_at, now - 1.0) + interval
        if self._next_at > now:
            await asyncio.sleep(self._next_at - now)

    async def _answer(self, answering: Coroutine[Any, Any, None]) -> None:
        """Answer while the next messages are read: whoever waits for a stop must not hold up a question."""
        task = asyncio.create_task(answering, name="answer a message")
        self._answering.add(task)
        task.add_done_callback(self._answered)
        while len(self._answering) >= MAX_IN_FLIGHT:
            self._one_answered.clear()
            await self._one_answered.wait()

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._answering.discard(task)
        self._one_answered.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            _logger.error("answering a message failed", exc_info=error)

    async def _authenticate(self, session: SocketSession, message: bytes) -> None:
        try:
            envelope = parse(Envelope, message)
            token = parse(AuthMessage, message).token if envelope.type == "auth" else ""
            caller = await self.rooms.callers.caller_of(token) if token else None
            if caller is None:
                raise Refused("unauthorized")
        except Exception as error:  # noqa: BLE001 - as in SocketSession.take
            await session.refuse(error, message)
            if isinstance(error, Refused):
                self._close_unknown()
            return
        self.caller = caller.name
        if self._auth_timer is not None:
            self._auth_timer.cancel()
        connection: Any = self.ws_connection
        connection.params.max_message_size = self.max_message_size
        self._session = self._session_of(self.caller)
        await self._session.greet(envelope.ref)

    def _close_unknown(self) -> None:
        self.rooms.metrics.auth_failed()
        self.close(POLICY_VIOLATION, "unauthorized")

    def _session_of(self, caller: str) -> SocketSession:
        peer = Peer(caller=caller, lang=self.lang, request_id=self.request_id, trace_headers=self._trace_headers)
        return SocketSession(self.rooms, peer, self._writer)

    def _may_write(self) -> bool:
        return self.ws_connection is not None and not self.ws_connection.is_closing()

    def _ping_quietly(self) -> None:
        with suppress(WebSocketClosedError):
            self.ping()
