"""The four doors that take a question: three that stream, one that answers with JSON."""

from __future__ import annotations

from collections.abc import Awaitable

from streamchat.handlers.chat_request import Asked, ChatRequest, language_of, parse_question
from streamchat.handlers.door import Door
from streamchat.handlers.errors import Refused
from streamchat.handlers.questions import Arrival, History, open_turn
from streamchat.handlers.rooms import Rooms
from streamchat.handlers.sse_response import respond_with_stream
from streamchat.handlers.trace_headers import trace_headers
from streamchat.handlers.views import presenter_of
from streamchat.handlers.whole_answer import WholeAnswer, gather
from streamchat.presenting.frames import Payload
from streamchat.presenting.styles import RAW, StreamStyle
from streamchat.turns.reader import Reader
from streamchat.turns.turn import Turn


async def ask(door: Door, style: StreamStyle) -> tuple[Turn, Reader]:
    """Open the turn that the door's request asks for, and the door's reader on it."""
    return await ask_for(door, read_question(door, ChatRequest), style)


def read_question(door: Door, model: type[Asked]) -> Asked:
    """What the door's body asks. Raises Refused; from here on the door speaks the language that the body asks for."""
    body = door.body.take()
    try:
        asked = parse_question(model, body, door.rooms.limits.max_body_bytes)
    except Refused:
        door.lang = language_of(body) or door.lang
        raise
    door.lang = asked.lang or door.lang
    return asked


async def ask_for(
    door: Door, request: ChatRequest, style: StreamStyle, *, history: History | None = None, is_kept: bool = True
) -> tuple[Turn, Reader]:
    """Open the turn that answers ``request``, and the door's reader on it; the rest is as for `open_turn`."""
    turn = await open_turn(door.rooms, request, _arrival(door), style=style, history=history, is_kept=is_kept)
    return turn, door.open_reader(turn)


def _arrival(door: Door) -> Arrival:
    return Arrival(
        door=door.door_name,
        can_answer=door.can_answer,
        caller=door.caller,
        lang=door.lang,
        key=door.request.headers.get("Idempotency-Key"),
        request_id=door.request_id,
        trace_headers=trace_headers(door.request.headers) if door.rooms.is_traced else {},
        received_at=door.received_at,
    )


class StreamChatDoor(Door):
    """``POST /api/stream_chat…``: the three of them differ in their StreamStyle and in nothing else."""

    takes_body = takes_attachments = True
    is_streaming = True

    def initialize(self, rooms: Rooms, style: StreamStyle) -> None:  # type: ignore[override]
        super().initialize(rooms)
        self.style = style
        self.door_name = style.name

    def post(self) -> Awaitable[None]:
        return self._stream_chat_base(self.style)

    async def _stream_chat_base(self, style: StreamStyle) -> None:
        turn, reader = await ask(self, style)
        respond_with_stream(self, turn, reader, presenter_of(self.rooms, turn))


class ChatDoor(Door):
    """``POST /api/chat``: the whole answer in one JSON body."""

    door_name = "chat"
    takes_body = takes_attachments = True
    # Its clients see nothing before the end.
    can_answer = False

    async def post(self) -> None:
        turn, reader = await ask(self, RAW)
        whole = await gather(self, turn, reader)
        if whole is not None:
            self.write_payload(_body(turn, whole))


def _body(turn: Turn, whole: WholeAnswer) -> Payload:
    """The answer and what identifies it."""
    media = whole.media
    return {
        "success": True,
        "data": whole.text,
        "status": "complete",
        "is_complete": True,
        "conversation_id": turn.query.conversation_id,
        "stream_id": turn.id,
        "total_processing_time": whole.processing_seconds,
        "total_time": whole.end["total_time"],
        **({"media": media} if media else {}),
        **({"usage": whole.end["usage"]} if "usage" in whole.end else {}),
    }
