"""The whole vocabulary of a turn: what can happen while a question is answered.

Facts are written into the turn's log and shown to every reader, now and after a resume. Notices say
how things stand at this moment: the latest one is shown, none is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Cause = Literal["complete", "error", "timeout", "cancelled"]
WorkerState = Literal["ended", "running"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A worker has begun to run the function; the deadline counts from here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The whole answer at once; at most one in a turn, and never beside pieces of one."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """The backend has begun to use a tool."""

    call_id: str
    name: str
    arguments: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """The tool has answered, or failed."""

    call_id: str
    name: str
    result: Any
    is_error: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """An image, audio or file in the answer: either an address or base64 content."""

    media_type: str
    url: str | None = None
    content: str | None = None
    alt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the answer has taken so far, in tokens as its backend counts them: totals, not what is new."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRequired:
    """The backend asks the user something and waits; ``expires_in`` seconds from now, if nobody answers.

    ``schema`` is the JSON schema of the answer, None for a text.
    """

    request_id: str
    question: str
    schema: Any = None
    expires_in: float


@dataclass(frozen=True, slots=True, kw_only=True)
class InputReceived:
    """The question was answered; without ``request_id``: the user has said something unasked."""

    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionExpired:
    """The question was not answered in time, or its function waits no more."""

    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The one end of the turn's work.

    ``code`` is the error code of the wire contract ("complete" when nothing went wrong), ``reason`` a
    fixed word for metrics, ``detail`` is for the log only and may hold a traceback.
    """

    cause: Cause
    code: str
    reason: str = ""
    detail: str = ""
    worker: WorkerState = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """The work had ended, but the rest of the answer is not to be shown any more.

    The only fact that may follow Ended: its owner pressed stop while the answer was still being
    presented, or the server goes down.
    """

    cause: Cause
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """Every worker is busy. ``position`` counts from 1; the wait is in seconds, None while unknown."""

    position: int
    estimated_wait: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What the backend says of itself; ``percent`` is 0 to 100."""

    message: str
    percent: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dismissed:
    """The server closes now: whoever still reads is told so at once, whatever waits to be shown."""


InteractionFact = InputRequired | InputReceived | QuestionExpired
# A str is the next piece of an answer that is still being made: nearly all facts are such.
Fact = str | Started | Answer | ToolCall | ToolResult | Media | Usage | InteractionFact | Ended | Withdrawn
Notice = Queued | Progress | Dismissed


# When it happened, in seconds since the turn was accepted, and what.
Entry = tuple[float, Fact]


def said_in(fact: Fact) -> str:
    """What the fact adds to the text of the answer."""
    match fact:
        case str():
            return fact
        case Answer(text=text):
            return text
        case _:
            return ""


def size_of(fact: Fact) -> int:
    """How many characters of text or base64 a fact holds; what limits and memory bounds count."""
    match fact:
        case str() | Answer():
            return len(said_in(fact))
        case Media(url=url, content=content, alt=alt):
            # An address may be a data: URL with the whole image in it.
            return sum(len(text) for text in (url, content, alt) if text is not None)
        case (
            ToolCall(call_id=call_id, name=name, arguments=payload)
            | ToolResult(call_id=call_id, name=name, result=payload)
        ):
            return len(call_id) + len(name) + len(repr(payload))
        case InputRequired(question=question, schema=schema):
            return len(question) + len(repr(schema))
        case _:
            return 0
