"""The one base door: request id, CORS, caller, body within its limit, and errors in the contract's shape."""

from __future__ import annotations

import logging
import re
import secrets
from asyncio import Future
from functools import partial
from http import HTTPStatus
from math import ceil
from time import monotonic
from typing import Any
from urllib.parse import quote

from tornado.iostream import IOStream, StreamClosedError
from tornado.web import HTTPError, RequestHandler, stream_request_body

from streamchat.handlers.errors import Refused, bad_field, refusal_of
from streamchat.handlers.request_body import RequestBody
from streamchat.handlers.request_id import request_id
from streamchat.handlers.rooms import Rooms
from streamchat.presenting.frames import Payload
from streamchat.presenting.sentences import Language
from streamchat.stores.tokens import Caller
from streamchat.turns.reader import Reader
from streamchat.turns.turn import Turn
from streamchat.wire.json_text import to_json
from streamchat.wire.sse import CONTENT_TYPE, lone_event

EXPOSED = (
    "X-Stream-Id, X-Conversation-Id, X-Request-Id, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After"
)

_EVERYWHERE = (
    ("Access-Control-Allow-Origin", "*"),
    # A star does not cover Authorization (Fetch standard, CORS-preflight fetch).
    ("Access-Control-Allow-Headers", "*, Authorization"),
    ("Access-Control-Allow-Methods", "*"),
    ("Access-Control-Expose-Headers", EXPOSED),
    ("Cache-Control", "no-store"),
)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._~:@/+=-]{1,128}", re.ASCII)

_logger = logging.getLogger("streamchat.doors")


@stream_request_body
class Door(RequestHandler):
    """What every door has. A subclass names itself for metrics and says whether it asks for a token.

    ``takes_attachments``: its bodies may be longer than others by what is attached to a question. ``can_answer``:
    whoever asks here can be asked something by the function.
    """

    door_name = "other"
    needs_token = True
    takes_body = False
    takes_attachments = False
    can_answer = True
    is_streaming = False

    rooms: Rooms
    caller: str
    is_admin: bool
    lang: Language
    reader: Reader | None = None

    def initialize(self, rooms: Rooms) -> None:
        # What Tornado's templates are given: there are none here. It refers to the door, which, having let go of its
        # connection, would be left to the collector; and a WebSocket would hold it for as long as it is open.
        del self.ui
        self.rooms = rooms
        self.caller = ""
        self.is_admin = False
        self.lang = "zh"
        self.body = RequestBody(
            self.request,
            rooms.large_bodies,
            usual_bytes=rooms.limits.max_body_bytes,
            max_bytes=self.max_body_bytes,
        )
        self._has_left = False
        self.received_at = monotonic()

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        # Tornado calls this again before an error is written; the id stays the one that was logged.
        self.request_id = getattr(self, "request_id", None) or _request_id(self.request.headers.get("X-Request-Id", ""))
        self.set_header("X-Request-Id", self.request_id)
        for name, value in _EVERYWHERE:
            self.set_header(name, value)

    async def prepare(self) -> None:
        try:
            await self.admit()
        except Refused as refused:
            if self.body.is_unread:
                raise
            # Tornado closes the connection of a request that is refused before its end is read, and does not say so.
            # One without a body is read as soon as this returns: then its method refuses, and the connection stays.
            setattr(self, str(self.request.method).lower(), partial(_refuse, refused))

    async def admit(self) -> None:
        """Let the request in before its body is read, or raise Refused."""
        request_id.set(self.request_id)
        if self.request.query and self.get_query_argument("lang", "zh") == "en":
            self.lang = "en"
        if self.request.method == "OPTIONS":
            return
        if self.needs_token:
            caller = await self.authenticated()
            self.caller, self.is_admin = caller.name, caller.is_admin
        if self.takes_body and self.request.method == "POST":
            self.body.check_headers(self.caller)

    async def authenticated(self) -> Caller:
        """Whose token the request brings; Refused when it brings none, or not a valid one."""
        secret = self.bearer()
        caller = None if secret is None else await self.rooms.callers.caller_of(secret)
        if caller is None:
            raise Refused("unauthorized")
        return caller

    def bearer(self) -> str | None:
        """The token in the request's header; None when there is none."""
        scheme, _, secret = self.request.headers.get("Authorization", "").partition(" ")
        return _utf8(secret.strip()) if scheme.lower() == "bearer" else None

    def decode_argument(self, value: bytes, name: str | None = None) -> str:
        """An argument of the address, or a part of its path, which has no name. Raises Refused."""
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise bad_field(name or "request", "must be UTF-8") from None

    def options(self, *_: str) -> None:
        """Answer a preflight: everything is allowed, and nothing is done."""
        self.set_header("Access-Control-Max-Age", "86400")
        self.set_status(HTTPStatus.NO_CONTENT)
        self.finish()

    def open_reader(self, turn: Turn) -> Reader:
        """The door's one reader, closed with its request or its stream; at once, when the client has left meanwhile."""
        self.reader = turn.open_reader()
        if self._has_left:
            self.reader.close()
        return self.reader

    def on_connection_close(self) -> None:
        """The client has left: a door's loop ends because its reader is closed, nothing is cancelled."""
        super().on_connection_close()
        self._has_left = True
        self.body.leave_room()
        if self.reader is not None:
            self.reader.close()

    def data_received(self, chunk: bytes) -> None:
        if self._finished:
            self.body.pass_over(chunk)
            return
        try:
            self.body.add(chunk)
        except Refused as refused:
            self.refuse(refused)

    @property
    def max_body_bytes(self) -> int:
        """How long a body may be at this door."""
        return self.rooms.max_question_bytes if self.takes_attachments else self.rooms.limits.max_body_bytes

    def identify(self, turn: Turn) -> None:
        """Name the stream and the conversation in the headers; an id that is not ASCII is percent-encoded."""
        self.set_header("X-Stream-Id", turn.id)
        self.set_header("X-Conversation-Id", quote(turn.query.conversation_id))

    def write_payload(self, payload: Payload) -> Future[None]:
        """Answer with JSON; done once it has left."""
        self.set_header("Content-Type", "application/json; charset=utf-8")
        return self.finish(to_json(payload))

    def write_refusal(self, payload: Payload) -> Future[None]:
        """Answer with an error: as one frame on a streaming door, as JSON on the others."""
        if not self.is_streaming:
            return self.write_payload(payload)
        self.set_header("Content-Type", CONTENT_TYPE)
        return self.finish(lone_event(payload))

    def write_error(self, status_code: int, **kwargs: Any) -> None:  # noqa: ANN401 - Tornado's signature
        error = kwargs.get("exc_info", (None, None, None))[1]
        self.refuse(_refused(error, status_code))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:  # noqa: ANN401 - Tornado's signature
        # The text of a refusal may quote what the client sent: it is for the client, not for the log.
        refused = refusal_of(value)
        if refused or isinstance(value, StreamClosedError | HTTPError):
            if isinstance(value, HTTPError):
                refused = _refused(value, value.status_code)
            reason = refused.code if refused else typ.__name__
            fields = {"event": "refused", "door": self.door_name, "code": reason, "caller": self.caller}
            # A method that HTTP does not have is refused before prepare() has made the id known.
            request_id.set(self.request_id)
            _logger.info("%s %s refused: %s", self.request.method, self.request.path, reason, extra=fields)
        else:
            _logger.error("%s %s failed", self.request.method, self.request.path, exc_info=(typ, value, tb))

    def open_stream(self, data: bytes) -> IOStream:
        """Send the headers and ``data``, and let go of the connection and of the reader: the door's work is done."""
        self.write(data)
        self.flush()
        stream = self.detach()
        self.rooms.streams.add(stream, self.request.server_connection)
        self.reader = None
        self.on_finish()
        return stream

    def drop(self) -> None:
        """Close the connection without a clean end: what was sent must not look whole."""
        connection: Any = self.request.connection
        if connection is not None and connection.stream is not None:
            connection.stream.close()

    def on_finish(self) -> None:
        if self.reader is not None:
            self.reader.close()
        self.rooms.metrics.request_finished(self.door_name, self.get_status())
        self.body.drop()

    def refuse(self, refused: Refused, payload: Payload | None = None) -> None:
        """Answer with an error's status, headers and body; ``payload`` is a body that says more than its own."""
        self.set_status(refused.status)
        if refused.code == "unauthorized":
            self.set_header("WWW-Authenticate", "Bearer")
            self.rooms.metrics.auth_failed()
        if refused.code == "method_not_allowed":
            # RFC 9110, section 15.5.6.
            self.set_header("Allow", ", ".join([*methods_of(type(self)), "options"]).upper())
        if refused.retry_after is not None:
            self.set_header("Retry-After", str(ceil(refused.retry_after)))
        if refused.code == "shutting_down":
            self.set_header("Connection", "close")
        if self.body.is_unread:
            # Tornado does not read it any more and closes the connection: the client is told, or its next request
            # would be met by the end of the connection.
            self.set_header("Connection", "close")
        written = self.write_refusal(payload or refused.payload(self.lang))
        if refused.code == "shutting_down":
            # Tornado sends that header as it is told, but keeps the connection all the same.
            written.add_done_callback(lambda _: self.drop())


class NoDoor(Door):
    """Every address that is nobody's."""

    needs_token = False

    async def admit(self) -> None:
        await super().admit()
        if self.request.method != "OPTIONS":
            raise Refused("not_found")


def methods_of(door: type[Door]) -> list[str]:
    """The methods that the door has, in lower case, beside OPTIONS, which all have."""
    methods = ("get", "head", "post", "put", "patch", "delete")
    return [method for method in methods if getattr(door, method) is not getattr(RequestHandler, method)]


def _refuse(refused: Refused, *_: str) -> None:
    raise refused


def _refused(error: BaseException | None, status_code: int) -> Refused:
    known = refusal_of(error) if error is not None else None
    if known is not None:
        return known
    if status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return Refused("method_not_allowed")
    if status_code == HTTPStatus.BAD_REQUEST:
        return Refused("invalid_request", field="request", problem=str(error))
    return Refused("internal_error")


def _utf8(header: str) -> str:
    """A header as the client meant it: Tornado reads Latin-1, clients send a configured token in UTF-8."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header


def _request_id(given: str) -> str:
    return given if _REQUEST_ID.fullmatch(given) else f"req_{secrets.token_urlsafe(12)}"
