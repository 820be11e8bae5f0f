"""The AI SDK dialect: the shape of its parts, as far as the wire here goes, and its operations."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from streamchat.handlers.ui_messages_request import UiMessageRequest
from streamchat.openapi.asking import NAMED, QUESTION_CODES
from streamchat.openapi.bodies import EVENTS
from streamchat.openapi.errors import AS_TEXT
from streamchat.openapi.examples import ui_message
from streamchat.openapi.operation import Answer, Operation, Section
from streamchat.wire.ui_messages import VERSION_HEADER


class UiMessagePart(TypedDict):
    """A part of a UI message stream, protocol v1: ai-sdk.dev/docs/ai-sdk-ui/stream-protocol has the fields of each.

    What that has no part for comes as `data-` and the frame's status, with the frame's fields as `data`.
    """

    type: Annotated[
        str,
        Field(
            pattern="^(start|start-step|text-start|text-delta|text-end|tool-input-available|tool-output-available|"
            "tool-output-error|file|message-metadata|finish-step|finish|abort|error|data-[a-z-]+)$"
        ),
    ]
    id: NotRequired[str]
    data: NotRequired[Any]
    transient: NotRequired[Literal[True]]
    delta: NotRequired[str]


_STREAM = Answer(
    about="A UI message stream, protocol v1; its last event is `[DONE]`.",
    media_type=EVENTS,
    shape=UiMessagePart,
    headers=(*NAMED, VERSION_HEADER[0]),
    example=ui_message,
)

UI_MESSAGES = Section(
    name="AI SDK dialect",
    about="What `useChat` of the AI SDK speaks. A chat is a conversation.",
    error_shape=AS_TEXT,
    operations=(
        Operation(
            at="POST /api/ui_message_stream",
            name="send_message",
            summary="Ask, as `DefaultChatTransport` does",
            about="The body may have every field of the other doors, too: `username` says which profile is asked.",
            parameters=("Idempotency-Key",),
            takes=UiMessageRequest,
            asked={
                "id": "chat_fZQh",
                "username": "VitalikButerin",
                "messages": [{"role": "user", "parts": [{"type": "text", "text": "What is a rollup?"}]}],
            },
            gives=(_STREAM,),
            codes=QUESTION_CODES,
        ),
        Operation(
            at="GET /api/ui_message_stream/{chat_id}/stream",
            name="resume_message",
            summary="The chat's running stream, from its beginning",
            parameters=("of_stream",),
            gives=(_STREAM, Answer(about="Nothing runs in this chat.", status=204, media_type=None)),
            codes=("stream_not_found", "stream_gone"),
        ),
    ),
)
