"""Operations that open turns, and those on a stream."""

from __future__ import annotations

from functools import partial
from typing import Any

from streamchat.handlers.chat import ChatDoor, StreamChatDoor
from streamchat.handlers.chat_request import ChatRequest
from streamchat.handlers.inputs import InputDoor, InputRequest
from streamchat.handlers.stream_ticket import TicketDoor
from streamchat.handlers.streams import StreamDoor
from streamchat.handlers.websocket import SocketDoor
from streamchat.openapi.answers import ChatAnswer, InputTaken, Stopped, TicketIssued
from streamchat.openapi.examples import ANSWER, ASKED, STREAM_ID, resumed_stream, stream
from streamchat.openapi.frames import Frame
from streamchat.openapi.operation import EVENTS, Answer, Operation
from streamchat.presenting.styles import ADVANCED, BASIC, SMART, StreamStyle

NAMED = ("X-Stream-Id", "X-Conversation-Id")
# A question may be refused for what it asks, for another one, or because there is no place for it.
QUESTION_CODES = ("profile_not_found", "conversation_busy", "stream_gone", "shutting_down")
# What a client that waits for one body learns of a turn that did not go well.
WHOLE_CODES = ("attachment_unavailable", "processing_error", "cancelled", "timeout")
_STREAM_CODES = ("stream_not_found", "stream_gone")

_FRAMES = (
    "Every stream ends with exactly one frame that has `is_complete: true`. The `data` of all `streaming` frames, "
    "joined, is the answer to the byte. While nothing else is due there is a comment every 15 s. Clients ignore fields "
    "and statuses that they do not know."
)


def _asking(name: str, path: str, style: StreamStyle, summary: str) -> Operation:
    return Operation(
        name=name,
        door=StreamChatDoor,
        method="post",
        path=path,
        tag="Asking",
        summary=summary,
        about=_FRAMES,
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


def _whole_answer() -> dict[str, Any]:
    known = {"success": True, "data": ANSWER, "status": "complete", "is_complete": True}
    times = {"total_processing_time": 3.5, "total_time": 3.5}
    return {**known, "conversation_id": "chat_fZQh", "stream_id": STREAM_ID, **times}


ASKING = (
    _asking("ask_smart", "/api/stream_chat_smart", SMART, "Ask; progress and times, quick (recommended)"),
    _asking("ask_advanced", "/api/stream_chat_advanced", ADVANCED, "Ask; whole words and sentences, unhurried"),
    _asking("ask_basic", "/api/stream_chat", BASIC, "Ask; chunks of 20 characters"),
    Operation(
        name="ask",
        door=ChatDoor,
        method="post",
        path="/api/chat",
        tag="Asking",
        summary="Ask; the answer in one body",
        about="Nobody can answer what a function asks here.",
        parameters=("Idempotency-Key",),
        takes=ChatRequest,
        asked=ASKED,
        gives=(Answer(about="The answer.", shape=ChatAnswer, headers=NAMED, example=_whole_answer),),
        codes=(*QUESTION_CODES, *WHOLE_CODES),
    ),
)

STREAMS = (
    Operation(
        name="follow",
        door=StreamDoor,
        method="get",
        path="/api/streams/{stream_id}",
        tag="Streams",
        summary="Follow or resume a stream",
        about="With the last `id:` that you saw, every durable frame that you miss, the same to the byte, and on from "
        f"there; without one from the beginning. {_FRAMES}",
        parameters=("stream_id", "Last-Event-ID", "last_event_id", "lastEventId"),
        gives=(
            Answer(
                about="The stream.",
                media_type=EVENTS,
                shape=Frame,
                headers=NAMED,
                example=partial(resumed_stream, SMART, 3),
            ),
            Answer(about="All of it has been seen.", status=204, media_type=None),
        ),
        codes=("invalid_request", *_STREAM_CODES),
        admits=("bearer", "ticket"),
    ),
    Operation(
        name="stop",
        door=StreamDoor,
        method="delete",
        path="/api/streams/{stream_id}",
        tag="Streams",
        summary="Stop the work itself",
        about="May be repeated; each time it answers the true state.",
        parameters=("stream_id",),
        gives=(
            Answer(
                about="What there was left to stop.",
                shape=Stopped,
                example=lambda: {"success": True, "state": "cancelled", "worker": "ended", "stream_id": STREAM_ID},
            ),
        ),
        codes=_STREAM_CODES,
    ),
    Operation(
        name="say",
        door=InputDoor,
        method="post",
        path="/api/streams/{stream_id}/input",
        tag="Streams",
        summary="Answer what the function asks, or say something while it works",
        parameters=("stream_id",),
        takes=InputRequest,
        asked={"input": "the second one", "request_id": "q_1"},
        gives=(
            Answer(
                about="It has reached the query.",
                shape=InputTaken,
                example=lambda: {"success": True, "stream_id": STREAM_ID},
            ),
        ),
        codes=(*_STREAM_CODES, "no_input_expected"),
    ),
    Operation(
        name="issue_ticket",
        door=TicketDoor,
        method="post",
        path="/api/streams/{stream_id}/ticket",
        tag="Streams",
        summary="A ticket, with which an EventSource can follow",
        parameters=("stream_id",),
        gives=(
            Answer(
                about="The ticket.",
                shape=TicketIssued,
                example=lambda: {"success": True, "stream_id": STREAM_ID, "ticket": "QmW3…", "expires_in": 30.0},
            ),
        ),
        codes=_STREAM_CODES,
    ),
    Operation(
        name="open_socket",
        door=SocketDoor,
        method="get",
        path="/api/ws",
        tag="Streams",
        summary="A WebSocket: the same turns and frames, many at a time, both ways",
        about="OpenAPI cannot describe what is said on it. The schemas can: you send a `SocketMessage` and get a "
        "`SocketReply` for it; what has no `type` is a `SocketFrame`. The token comes in the header, as a subprotocol "
        "(`streamchat.v1` and `streamchat.bearer.` with the token as base64url), or as the first message.",
        parameters=("Sec-WebSocket-Protocol",),
        gives=(Answer(about="The socket is open.", status=101, media_type=None),),
        codes=("invalid_request", "origin_not_allowed"),
        admits=("bearer", "nobody"),
    ),
)
