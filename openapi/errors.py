"""Errors: made of the one table of codes, with the doors' own sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from streamchat.handlers.errors import STATUS_OF, Refused
from streamchat.openapi.bodies import EVENTS, JSON, TEXT, event_schema, reference
from streamchat.presenting.frames import Payload
from streamchat.presenting.payloads import error_payload
from streamchat.wire.openai import error_body
from streamchat.wire.sse import lone_event

# What fills in the sentences of the examples.
_VALUES: Mapping[str, Mapping[str, object]] = {
    "invalid_request": {"field": "message", "problem": "Field required"},
    "body_too_large": {"limit": 1_048_576, "option": "--max-body-bytes"},
    "rate_limited": {"limit": "32 turns on a WebSocket"},
}
# Ends of a stream that are no plain errors, and what they tell beside it.
_ENDS: Mapping[str, Mapping[str, object]] = {
    "timeout": {"status": "timeout", "elapsed_time": 150.5},
    "cancelled": {"status": "cancelled", "worker": "ended"},
}
_HEADERS = {401: ("WWW-Authenticate",), 503: ("Retry-After",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorShape:
    """How a door says an error. ``schema`` is of a body with these codes, ``example`` a body with this payload."""

    name: str
    media_type: str
    schema: Callable[[Iterable[str]], Payload]
    example: Callable[[Payload], Any]


def _frames(codes: Iterable[str]) -> Payload:
    names = sorted({str(_ENDS.get(code, {}).get("status", "error")).capitalize() for code in codes})
    return reference(names[0]) if len(names) == 1 else {"oneOf": [reference(name) for name in names]}


AS_JSON = ErrorShape(name="json", media_type=JSON, schema=_frames, example=lambda payload: payload)
AS_EVENT = ErrorShape(
    name="event",
    media_type=EVENTS,
    schema=lambda codes: event_schema(_frames(codes)),
    example=lambda payload: lone_event(payload).decode(),
)
AS_OPENAI = ErrorShape(name="openai", media_type=JSON, schema=lambda _: reference("OpenAIError"), example=error_body)
AS_TEXT = ErrorShape(
    name="text", media_type=TEXT, schema=lambda _: {"type": "string"}, example=lambda payload: payload["error"]
)


def error_responses(codes: Iterable[str], shape: ErrorShape) -> dict[str, dict[str, Payload]]:
    """The responses for these codes by status, each under a name that all operations with the same one share."""
    ordered = sorted(set(codes), key=lambda code: (STATUS_OF[code], list(STATUS_OF).index(code)))
    return {
        str(int(status)): _response(int(status), list(same), shape)
        for status, same in groupby(ordered, key=STATUS_OF.__getitem__)
    }


def error_table() -> str:
    """Every code and its status, in markdown."""
    rows = [f"| {int(status)} | `{code}` | {_sentence(code)} |" for code, status in STATUS_OF.items()]
    return "\n".join(["| status | code | as a sentence |", "|---|---|---|", *sorted(rows)])


def _response(status: int, codes: list[str], shape: ErrorShape) -> dict[str, Payload]:
    content = {
        "schema": shape.schema(codes),
        "examples": {code: {"summary": code, "value": shape.example(_payload(code))} for code in codes},
    }
    response = {
        "description": "\n".join(f"* `{code}`: {_sentence(code)}" for code in codes),
        "headers": {name: reference(name, "headers") for name in ("X-Request-Id", *_HEADERS.get(status, ()))},
        "content": {shape.media_type: content},
    }
    return {f"{shape.name}-{'-'.join(codes)}": response}


def _payload(code: str) -> Payload:
    told = Refused(code, retry_after=None, **_VALUES.get(code, {})).payload("en")
    more = _ENDS.get(code)
    return told if more is None else error_payload(told["error"], code, **more)  # type: ignore[arg-type]


def _sentence(code: str) -> str:
    return str(_payload(code)["error"])
