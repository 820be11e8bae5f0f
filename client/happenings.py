"""What a frame tells: the whole vocabulary between the stream and those who show it. Immutable records.

Times are seconds. All text is as the server sent it: whoever shows it makes it safe first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """How far it is: the server's sentence, percent and remaining time, None while unknown; said ``at``."""

    sentence: str = ""
    percent: float | None = None
    remaining: float | None = None
    at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The question waits in line; ``position`` counts from 1."""

    sentence: str
    position: int | None
    wait: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The next piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCalled:
    """The backend has begun to use a tool."""

    name: str
    arguments: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolReturned:
    """The tool has answered, or failed."""

    name: str
    result: Any
    is_error: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaCame:
    """An image, audio or file, whole: an address or its bytes; neither when it came broken."""

    media_type: str
    url: str = ""
    content: bytes | None = None
    alt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The backend asks the user something, and waits; ``schema`` is None for a text."""

    request_id: str
    question: str
    schema: Any = None
    expires_in: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionClosed:
    """A question was answered, or came to nothing."""

    request_id: str
    is_answered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The terminal frame: nothing follows."""

    status: str
    error: str = ""
    code: str = ""
    worker: str = ""


Happening = Stage | Waiting | Said | ToolCalled | ToolReturned | MediaCame | Asked | QuestionClosed | Ended
