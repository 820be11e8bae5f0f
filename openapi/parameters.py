"""Headers and parameters by their names."""

from __future__ import annotations

from typing import Any, get_args

from streamchat.handlers.analytics import DEFAULT_DAYS, MAX_DAYS
from streamchat.handlers.conversations import MAX_PAGE, PAGE
from streamchat.handlers.questions import MAX_KEY_CHARACTERS
from streamchat.presenting.frames import Payload
from streamchat.stores.analytics import By

_TEXT = {"type": "string"}
_EVENT_ID = {**_TEXT, "examples": ["st_2Zkz:3"]}

# Every operation takes these.
ALWAYS = ("X-Request-Id", "lang")

HEADERS: dict[str, Payload] = {
    "X-Request-Id": {"description": "Your own, or one that the server made.", "schema": _TEXT},
    "X-Stream-Id": {"description": "The stream's id.", "schema": _TEXT},
    "X-Conversation-Id": {"description": "Percent-encoded where it is not ASCII.", "schema": _TEXT},
    "Retry-After": {"description": "When to try again, in seconds.", "schema": {"type": "integer", "minimum": 0}},
    "WWW-Authenticate": {"description": "The scheme.", "schema": {**_TEXT, "const": "Bearer"}},
    "x-vercel-ai-ui-message-stream": {"description": "The dialect's version.", "schema": {**_TEXT, "const": "v1"}},
}


def _header(name: str, about: str, schema: Payload) -> Payload:
    return {"name": name, "in": "header", "description": about, "schema": schema}


def _query(name: str, about: str, schema: Payload) -> Payload:
    return {"name": name, "in": "query", "description": about, "schema": schema}


def _path(name: str, about: str, example: str) -> Payload:
    # What is in the address is never empty, and has no slash in it.
    schema = {**_TEXT, "pattern": "^[^/]+$", "examples": [example]}
    return {"name": name, "in": "path", "required": True, "description": about, "schema": schema}


def _as_header_of(key: str) -> Payload:
    return _query(key, "The same, for clients that can send no header.", _EVENT_ID)


def _moment(name: str, about: str) -> Payload:
    example: dict[str, Any] = {"day": {"value": "2026-11-02"}, "moment": {"value": "2026-11-02T08:00:00Z"}}
    return {**_query(name, f"A UTC day, or a moment with its offset. {about}", _TEXT), "examples": example}


PARAMETERS: dict[str, Payload] = {
    "X-Request-Id": _header(
        "X-Request-Id",
        "To find this request in the logs: 1 to 128 letters, digits or `._~:@/+=-`; anything else is replaced.",
        _TEXT,
    ),
    "lang": _query("lang", "Of error sentences: `en`, or Chinese.", {**_TEXT, "default": "zh", "examples": ["en"]}),
    "Idempotency-Key": _header(
        "Idempotency-Key",
        "A repeated request with the same key attaches to the stream that the first one started.",
        {**_TEXT, "minLength": 1, "maxLength": MAX_KEY_CHARACTERS},
    ),
    "Last-Event-ID": _header("Last-Event-ID", "The last id that you saw.", _EVENT_ID),
    "last_event_id": _as_header_of("last_event_id"),
    "lastEventId": _as_header_of("lastEventId"),
    "Sec-WebSocket-Protocol": _header("Sec-WebSocket-Protocol", "Offered subprotocols.", _TEXT),
    "stream_id": _path("stream_id", "From X-Stream-Id.", "st_2Zkz"),
    "conversation_id": _path("conversation_id", "From X-Conversation-Id.", "chat_fZQh"),
    "chat_id": _path("chat_id", "The chat: a conversation.", "chat_fZQh"),
    "of_stream": _query("stream_id", "This stream of the chat, whether it runs or not.", _TEXT),
    "model": _path("model", "A profile's username.", "VitalikButerin"),
    "limit": _query("limit", "How many.", {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": PAGE}),
    "from": _moment("from", f"{DEFAULT_DAYS} days before the end when absent; at most {MAX_DAYS}."),
    "to": _moment("to", "A day belongs to the period. Now when absent."),
    "by": _query("by", "What the groups have in common.", {**_TEXT, "enum": list(get_args(By)), "default": "day"}),
}
