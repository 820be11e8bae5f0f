"""The four doors that take a question: three stream, one waits."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from streamchat.handlers.chat_request import ChatRequest
from streamchat.openapi.bodies import EVENTS
from streamchat.openapi.examples import ANSWER, ASKED, STREAM_ID, stream
from streamchat.openapi.fields import Done, Seconds, StreamId
from streamchat.openapi.frames import Frame, TokenCounts
from streamchat.openapi.operation import Answer, Operation, Section
from streamchat.presenting.styles import ADVANCED, BASIC, SMART, StreamStyle

NAMED = ("X-Stream-Id", "X-Conversation-Id")
# A question may be refused for what it asks, for another one, or because there is no place for it.
QUESTION_CODES = ("profile_not_found", "conversation_busy", "stream_gone", "shutting_down")
# What a client that waits for one body learns of a turn that did not go well.
WHOLE_CODES = ("attachment_unavailable", "processing_error", "cancelled", "timeout")

FRAMES = (
    "Every stream ends with exactly one frame that has `is_complete: true`. The `data` of all `streaming` frames, "
    "joined, is the answer to the byte. While nothing else is due there is a comment every 15 s. Clients ignore fields "
    "and statuses that they do not know."
)


class WholeMedia(TypedDict):
    """An image, audio or file in the answer, whole."""

    media_type: str
    url: NotRequired[str]
    content: NotRequired[Annotated[str, Field(description="Base64, instead of `url`.")]]
    alt: str | None


class ChatAnswer(Done):
    """The whole answer."""

    data: Annotated[str, Field(description="The text.")]
    status: Literal["complete"]
    is_complete: Literal[True]
    conversation_id: str
    stream_id: StreamId
    total_processing_time: Seconds
    total_time: Seconds
    media: NotRequired[list[WholeMedia]]
    usage: NotRequired[TokenCounts]


def _whole_answer() -> dict[str, Any]:
    known = {"success": True, "data": ANSWER, "status": "complete", "is_complete": True}
    times = {"total_processing_time": 3.5, "total_time": 3.5}
    return {**known, "conversation_id": "chat_fZQh", "stream_id": STREAM_ID, **times}


def _streaming(at: str, name: str, style: StreamStyle, summary: str) -> Operation:
    return Operation(
        at=at,
        name=name,
        summary=summary,
        about=FRAMES,
        parameters=("Idempotency-Key",),
        takes=ChatRequest,
        asked=ASKED,
        gives=(
            Answer(
                about="The stream, from its first byte on before any work.",
                media_type=EVENTS,
                shape=Frame,
                headers=NAMED,
                example=partial(stream, style),
            ),
        ),
        codes=QUESTION_CODES,
    )


ASKING = Section(
    name="Asking",
    about="Four doors that take the same question; three of them stream.",
    operations=(
        _streaming("POST /api/stream_chat_smart", "ask_smart", SMART, "Ask; progress and times, quick (recommended)"),
        _streaming(
            "POST /api/stream_chat_advanced", "ask_advanced", ADVANCED, "Ask; whole words and sentences, unhurried"
        ),
        _streaming("POST /api/stream_chat", "ask_basic", BASIC, "Ask; chunks of 20 characters"),
        Operation(
            at="POST /api/chat",
            name="ask",
            summary="Ask; the answer in one body",
            about="Nobody can answer what a function asks here.",
            parameters=("Idempotency-Key",),
            takes=ChatRequest,
            asked=ASKED,
            gives=(Answer(about="The answer.", shape=ChatAnswer, headers=NAMED, example=_whole_answer),),
            codes=(*QUESTION_CODES, *WHOLE_CODES),
        ),
    ),
)
