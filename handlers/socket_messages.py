"""What a client may say on a WebSocket: one JSON object a message, its ``type`` first of all."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from streamchat.handlers.chat_request import Printable
from streamchat.presenting.sentences import Language
from streamchat.stores.profiles import Door

MAX_REFERENCE_CHARACTERS = 128

Kind = Literal["auth", "query", "resume", "cancel", "input", "ping"]
Reference = Annotated[str, Field(max_length=MAX_REFERENCE_CHARACTERS), Printable]
StreamId = Annotated[str, Field(min_length=1, max_length=64)]


class _Message(BaseModel):
    """Unknown fields are ignored; null is the same as leaving an optional field out."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class Envelope(_Message):
    """What every message has. ``ref`` is the client's own reference: it comes back with whatever answers this."""

    type: Kind
    ref: Reference | None = None


class AuthMessage(_Message):
    """Who is talking, when neither a header nor a subprotocol has said it."""

    token: Annotated[str, Field(max_length=4_096)]


class QueryOptions(_Message):
    """What a question has beside the body of the chat doors, which is in the same object."""

    door: Door = "smart"
    idempotency_key: str | None = None


class StreamMessage(_Message):
    """Which stream is to be stopped."""

    stream_id: StreamId


class ResumeMessage(StreamMessage):
    """Which stream is to be followed, and the last ``id`` that was seen of it; without one, from its beginning."""

    last_event_id: Annotated[str, Field(max_length=128)] | None = None


class InputMessage(StreamMessage):
    """What the user says to a running query: see the input door."""

    input: Any
    request_id: Annotated[str, Field(max_length=128)] | None = None


class Hint(_Message):
    """As much as can be told of a message that is refused: the reference, and the language for its error."""

    ref: Reference | None = None
    lang: Language | None = None
