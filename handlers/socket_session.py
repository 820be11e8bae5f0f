"""What is said on one WebSocket: messages come in, turns are opened, resumed, stopped; each is answered by a reply.

Knows no handshake and no frames. A reply echoes the message's ``ref``.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from tornado.iostream import StreamClosedError

from streamchat.handlers.chat_request import ChatRequest, parse, parse_question
from streamchat.handlers.delivery import Stalled
from streamchat.handlers.errors import Refused, bad_field, refusal_of
from streamchat.handlers.questions import Arrival, open_turn
from streamchat.handlers.request_id import request_id
from streamchat.handlers.rooms import Rooms
from streamchat.handlers.showing import catch_up
from streamchat.handlers.socket_messages import (
    Envelope,
    Hint,
    InputMessage,
    Kind,
    QueryOptions,
    ResumeMessage,
    StreamMessage,
)
from streamchat.handlers.socket_turns import DOOR, SocketTurns
from streamchat.handlers.socket_writer import SocketWriter
from streamchat.handlers.stopping import stop
from streamchat.handlers.views import presenter_of
from streamchat.presenting.frames import AnyFrame, Payload
from streamchat.presenting.presenter import Presenter
from streamchat.presenting.sentences import Language
from streamchat.presenting.styles import STYLES
from streamchat.turns.reader import Reader
from streamchat.turns.turn import Turn
from streamchat.wire.event_id import seen_frames
from streamchat.wire.websocket import json_message

# What is asked for in a caller's name each time.
_TOUCHING_TURNS: tuple[Kind, ...] = ("query", "resume", "cancel", "input")

_logger = logging.getLogger("streamchat.doors")


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Who is at the other end, as the handshake tells.

    ``token`` is what has told the caller. A socket is open for hours, and it may be revoked meanwhile.
    """

    caller: str
    token: str = field(repr=False)
    lang: Language
    request_id: str
    trace_headers: Mapping[str, str]


class SocketSession:
    """One socket's conversation."""

    def __init__(self, rooms: Rooms, peer: Peer, writer: SocketWriter) -> None:
        self._rooms = rooms
        self._peer = peer
        self._writer = writer
        self._turns = SocketTurns(rooms, writer)
        self._questions = 0
        self._answering: Mapping[Kind, Callable[[bytes, str | None], Awaitable[None]]] = {
            "auth": self._auth,
            "query": self._query,
            "resume": self._resume,
            "cancel": self._cancel,
            "input": self._input,
            "ping": self._ping,
        }

    async def greet(self, ref: str | None) -> None:
        """Say that the caller is known now."""
        with suppress(StreamClosedError, Stalled):
            await self._say("auth", ref, {"success": True})

    async def take(self, message: bytes) -> bool:
        """Do what a message says and answer it; whatever is wrong with it is answered too.

        Returns whether the socket may stay: not so when its caller is none any more.
        """
        try:
            envelope = parse(Envelope, message)
            if envelope.type in _TOUCHING_TURNS:
                await known_caller(self._rooms, self._peer.token)
            await self._answering[envelope.type](message, envelope.ref)
        except (StreamClosedError, Stalled):
            return True  # nobody is left to be answered
        except Exception as error:  # noqa: BLE001 - the answer is an error, and what nobody foresaw is logged
            await self.refuse(error, message)
            return not (isinstance(error, Refused) and error.code == "unauthorized")
        return True

    async def refuse(self, error: Exception, message: bytes = b"{}") -> None:
        """Answer with an error, in the language and with the reference of its message as far as they can be told."""
        refused = refusal_of(error)
        if refused is None:
            _logger.error("a message on a WebSocket failed", exc_info=error)
            refused = Refused("internal_error")
        self._rooms.metrics.message_refused(refused.code)
        fields = {"event": "refused", "door": DOOR, "code": refused.code, "caller": self._peer.caller}
        _logger.info("a message on a WebSocket refused: %s", refused.code, extra=fields)
        hint = _hint(message)
        payload = refused.payload(hint.lang or self._peer.lang)
        if refused.retry_after is not None:
            payload["retry_after"] = round(refused.retry_after, 1)
        with suppress(StreamClosedError, Stalled):
            await self._say("error", hint.ref, payload)

    def close(self) -> None:
        """The client has left."""
        self._turns.close()

    # The kinds of messages.

    async def _auth(self, message: bytes, ref: str | None) -> None:
        raise bad_field("type", "must not be auth: this socket has its caller")

    async def _query(self, message: bytes, ref: str | None) -> None:
        received_at = monotonic()
        options, request = parse(QueryOptions, message), self._request(message)
        self._questions += 1
        # Each question has an id of its own in the logs, which begins with its socket's.
        question_id = f"{self._peer.request_id}.{self._questions}"
        request_id.set(question_id)
        arrival = Arrival(
            door=DOOR,
            can_answer=True,
            caller=self._peer.caller,
            lang=request.lang or self._peer.lang,
            key=options.idempotency_key,
            request_id=question_id,
            trace_headers=self._peer.trace_headers,
            received_at=received_at,
        )
        with self._turns.place():
            turn = await open_turn(self._rooms, request, arrival, style=STYLES[options.door])
            reader = self._turns.open_reader(turn)
        presenter = presenter_of(self._rooms, turn)
        await self._follow(turn, reader, presenter, ref, received_at=received_at)

    def _request(self, message: bytes) -> ChatRequest:
        return parse_question(ChatRequest, message, self._rooms.limits.max_body_bytes)

    async def _resume(self, message: bytes, ref: str | None) -> None:
        received_at = monotonic()
        asked = parse(ResumeMessage, message)
        turn = self._find(asked)
        seen = seen_frames(asked.last_event_id or "", turn.id)
        with self._turns.place():
            reader = self._turns.open_reader(turn)
        try:
            presenter = presenter_of(self._rooms, turn, skip=seen, with_opening=False)
            first = await catch_up(self._rooms, presenter, reader, seen)
        except BaseException:
            self._turns.close_reader(turn)
            raise
        await self._follow(turn, reader, presenter, ref, received_at=received_at, first=first, resumed=True)

    async def _cancel(self, message: bytes, ref: str | None) -> None:
        turn = self._find(parse(StreamMessage, message))
        state = await stop(self._rooms, turn)
        told = {"success": True, "state": state.state, "worker": state.worker, "stream_id": turn.id}
        await self._say("cancel", ref, told)

    async def _input(self, message: bytes, ref: str | None) -> None:
        said = parse(InputMessage, message)
        turn = self._find(said)
        turn.give_input(said.input, said.request_id)
        await self._say("input", ref, {"success": True, "stream_id": turn.id})

    async def _ping(self, message: bytes, ref: str | None) -> None:
        await self._say("pong", ref, {"success": True})

    def _find(self, message: StreamMessage) -> Turn:
        return self._rooms.book.find(message.stream_id, owner=self._peer.caller)

    async def _follow(
        self,
        turn: Turn,
        reader: Reader,
        presenter: Presenter,
        ref: str | None,
        *,
        received_at: float,
        first: Sequence[AnyFrame] = (),
        resumed: bool = False,
    ) -> None:
        """Say that the turn is here, and have it shown from now on."""
        is_over = presenter.is_finished and not first
        told = {"success": True, "stream_id": turn.id, "conversation_id": turn.query.conversation_id}
        try:
            await self._say("accepted", ref, told | {"resumed": resumed, "is_over": is_over})
        except BaseException:
            self._turns.close_reader(turn)
            raise
        if is_over:
            self._turns.close_reader(turn)
        else:
            self._turns.show(turn, reader, presenter, received_at=received_at, first=first, resumed=resumed)

    async def _say(self, kind: str, ref: str | None, payload: Payload) -> None:
        reply: dict[str, Any] = {"type": kind}
        if ref is not None:
            reply["ref"] = ref
        room = self._writer.put(json_message(reply | payload))
        if room is not None:
            await room


async def known_caller(rooms: Rooms, token: str) -> str:
    """The caller whose token it is, at this moment. Raises Refused when it is nobody's, or has been revoked."""
    caller = await rooms.callers.caller_of(token) if token else None
    if caller is None:
        raise Refused("unauthorized")
    return caller.name


def _hint(message: bytes) -> Hint:
    try:
        return parse(Hint, message)
    except Refused:
        return Hint()
