"""``GET /api/ws``: one socket, many turns at a time. The handshake, the open connection, and its end."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from tornado.websocket import WebSocketClosedError, WebSocketHandler, WebSocketProtocol

from streamchat.handlers.door import Door
from streamchat.handlers.errors import Refused
from streamchat.handlers.handshake import PROTOCOL, check_origin, check_upgrade, offered, token_in
from streamchat.handlers.rooms import Rooms
from streamchat.handlers.socket_intake import SocketIntake
from streamchat.handlers.socket_pulse import Pulse
from streamchat.handlers.socket_room import MessageRoom
from streamchat.handlers.socket_session import Peer
from streamchat.handlers.socket_turns import DOOR
from streamchat.handlers.socket_writer import SocketWriter
from streamchat.handlers.strict_frames import StrictProtocol
from streamchat.handlers.trace_headers import trace_headers


class SocketDoor(Door, WebSocketHandler):
    """One WebSocket. How messages get to its session is the intake's, what is said there the session's."""

    door_name = DOOR

    def initialize(self, rooms: Rooms) -> None:
        super().initialize(rooms)
        self._stream: Any = None
        self._writer: SocketWriter
        self._intake: SocketIntake | None = None
        self._pulse: Pulse | None = None
        self._room = MessageRoom(
            rooms.large_bodies,
            lambda: self.caller,
            self._felt,
            self.drop,
            usual_bytes=rooms.limits.max_body_bytes,
            max_bytes=rooms.max_question_bytes,
        )

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
        return None if protocol is None else StrictProtocol(self, protocol.params, self._room)

    @property
    def max_message_size(self) -> int:
        """Before it is known who talks, no message is a question."""
        return self.rooms.max_question_bytes if self.caller else self.rooms.limits.max_body_bytes

    # The open socket.

    def open(self, *_: str, **__: str) -> None:
        connection: Any = self.ws_connection
        self._stream = connection.stream
        self._stream.set_nodelay(True)  # see SseDelivery
        limits = self.rooms.limits
        self._writer = SocketWriter(self._stream, stall_seconds=limits.stall_seconds, may_write=lambda: self.is_open)
        self._intake = SocketIntake(self.rooms, self, self._peer(), self._writer)
        self._pulse = Pulse(
            self._ping_quietly,
            self.drop,
            lambda: self._writer.is_held_up,
            interval_seconds=limits.keepalive_seconds,
            patience_seconds=limits.stall_seconds,
        )
        self.rooms.sockets.add(self, self.request.server_connection)
        # A socket is open for hours: what its request has said is not kept for so long.
        self.request.headers.clear()

    async def on_message(self, message: str | bytes) -> None:
        assert self._intake is not None
        self._felt()
        await self._intake.take(message)

    async def on_no_room(self, refused: Refused) -> None:
        """A message is read no further, and the socket will be closed."""
        assert self._intake is not None
        await self._intake.refuse(refused)

    def on_pong(self, data: bytes) -> None:
        self._felt()

    def on_close(self) -> None:
        self._room.leave()
        if self._intake is None:
            return  # it was never open
        self.rooms.sockets.remove(self)
        self._intake.close()
        if self._pulse is not None:
            self._pulse.stop()

    def admit_caller(self, caller: str) -> None:
        """The first message has said who talks: now it may ask questions, which may be longer."""
        self.caller = caller
        connection: Any = self.ws_connection
        connection.params.max_message_size = self.max_message_size

    def drop(self) -> None:
        """End the connection now."""
        self._stream.close()

    @property
    def is_open(self) -> bool:
        """Whether anything may still be said: nothing follows a close."""
        return self.ws_connection is not None and not self.ws_connection.is_closing()

    @property
    def waiting_bytes(self) -> int:
        """What waits to be sent, but for a piece that is on its way."""
        return self._writer.waiting_bytes

    def _peer(self) -> Peer:
        headers = self.request.headers
        return Peer(
            caller=self.caller,
            token=self.bearer() or "",
            lang=self.lang,
            request_id=self.request_id,
            trace_headers=trace_headers(headers) if self.rooms.is_traced else {},
        )

    def _felt(self) -> None:
        if self._pulse is not None:
            self._pulse.felt()

    def _ping_quietly(self) -> None:
        with suppress(WebSocketClosedError):
            self.ping()
