"""One table: condition, HTTP status, error code. The sentences are in presenting, under the codes."""

from __future__ import annotations

from http import HTTPStatus

from streamchat.chunking.registry import BadSize, UnknownStrategy
from streamchat.presenting.frames import Payload
from streamchat.presenting.payloads import error_payload
from streamchat.presenting.sentences import Language, sentence
from streamchat.stores.database import StoreDown
from streamchat.turns.book import KeyReused, ShuttingDown, TurnGone, UnknownTurn
from streamchat.turns.conversation_lines import ConversationBusy
from streamchat.turns.inputs import InvalidInput, NoInputExpected
from streamchat.turns.work_queue import TooBusy
from streamchat.wire.event_id import BadEventId

# What passes by itself, and when to try again unless something better is known.
_PASSING = ("overloaded", "shutting_down")
RETRY_AFTER_SECONDS = 5.0

STATUS_OF = {
    "invalid_request": HTTPStatus.BAD_REQUEST,
    "unauthorized": HTTPStatus.UNAUTHORIZED,
    "profile_not_found": HTTPStatus.NOT_FOUND,
    "stream_not_found": HTTPStatus.NOT_FOUND,
    "conversation_not_found": HTTPStatus.NOT_FOUND,
    "not_found": HTTPStatus.NOT_FOUND,
    "origin_not_allowed": HTTPStatus.FORBIDDEN,
    "method_not_allowed": HTTPStatus.METHOD_NOT_ALLOWED,
    "body_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "unsupported_media_type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "attachment_unavailable": HTTPStatus.UNPROCESSABLE_ENTITY,
    "conversation_busy": HTTPStatus.CONFLICT,
    "no_input_expected": HTTPStatus.CONFLICT,
    "stream_gone": HTTPStatus.GONE,
    "rate_limited": HTTPStatus.TOO_MANY_REQUESTS,
    "processing_error": HTTPStatus.INTERNAL_SERVER_ERROR,
    "internal_error": HTTPStatus.INTERNAL_SERVER_ERROR,
    "overloaded": HTTPStatus.SERVICE_UNAVAILABLE,
    "shutting_down": HTTPStatus.SERVICE_UNAVAILABLE,
    "timeout": HTTPStatus.GATEWAY_TIMEOUT,
    "cancelled": HTTPStatus.CONFLICT,
}

_FIELD_OF: dict[type[Exception], str] = {
    KeyReused: "Idempotency-Key",
    BadEventId: "Last-Event-ID",
    UnknownStrategy: "chunking.strategy",
    BadSize: "chunking.size",
}


class Refused(Exception):
    """A request that is answered with an error before its first frame. ``values`` fill in the sentence."""

    def __init__(self, code: str, *, retry_after: float | None = None, **values: object) -> None:
        super().__init__(code)
        self.code = code
        self.values = values
        self.retry_after = RETRY_AFTER_SECONDS if retry_after is None and code in _PASSING else retry_after

    @property
    def status(self) -> HTTPStatus:
        """The HTTP status of the contract's table."""
        return STATUS_OF[self.code]

    def payload(self, lang: Language) -> Payload:
        """The body, which is also the one frame of a streaming door."""
        payload = error_payload(sentence(self.code, lang, **self.values), self.code)
        if "field" in self.values:
            payload["field"] = self.values["field"]
        return payload


def too_large(limit: int, option: str = "--max-body-bytes", field: str | None = None) -> Refused:
    """A 413 that names the limit in bytes, the option that sets it, and the field if it is one that is too large."""
    where = {} if field is None else {"field": field}
    return Refused("body_too_large", retry_after=None, limit=limit, option=option, **where)


def bad_field(field: str, problem: str) -> Refused:
    """A 400 that names the field."""
    return Refused("invalid_request", field=field, problem=problem)


def refusal_of(error: BaseException) -> Refused | None:
    """What a condition from another room means to a client; None for one that nobody foresaw."""
    match error:
        case Refused():
            return error
        case TooBusy(retry_after=seconds):
            return Refused("overloaded", retry_after=max(1.0, seconds))
        case ShuttingDown():
            return Refused("shutting_down")
        case StoreDown():
            return Refused("overloaded")
        case UnknownTurn():
            return Refused("stream_not_found")
        case TurnGone():
            return Refused("stream_gone")
        case ConversationBusy():
            return Refused("conversation_busy")
        case NoInputExpected():
            return Refused("no_input_expected")
        case InvalidInput():
            return bad_field("input", str(error))
        case KeyReused() | BadEventId() | UnknownStrategy() | BadSize():
            return bad_field(_FIELD_OF[type(error)], str(error))
        case _:
            return None
