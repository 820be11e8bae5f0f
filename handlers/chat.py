"""The four doors that take a question: three that stream, one that answers with JSON."""

from __future__ import annotations

from time import monotonic
from typing import ClassVar

from streamchat.handlers.chat_request import language_of, parse_chat_request
from streamchat.handlers.door import Door
from streamchat.handlers.errors import STATUS_OF, Refused
from streamchat.handlers.following import follow
from streamchat.handlers.questions import open_turn
from streamchat.handlers.rooms import Rooms
from streamchat.handlers.sse_response import respond_with_stream
from streamchat.handlers.views import presenter_of
from streamchat.presenting.frames import Frame, Payload
from streamchat.presenting.styles import RAW, StreamStyle
from streamchat.turns.reader import Reader
from streamchat.turns.turn import Turn


async def ask(door: Door, style: StreamStyle) -> tuple[Turn, Reader]:
    """Open the turn that the door's request asks for, and a reader on it; whoever asks closes the reader."""
    try:
        request = parse_chat_request(door.body)
    except Refused:
        door.lang = language_of(door.body) or door.lang
        raise
    door.lang = request.lang or door.lang
    turn = await open_turn(
        door.rooms,
        request,
        style=style,
        caller=door.caller,
        lang=door.lang,
        key=door.request.headers.get("Idempotency-Key"),
        request_id=door.request_id,
    )
    door.rooms.observer.stage_left(turn, "accepted", monotonic() - door.received_at)
    return turn, turn.open_reader()


class StreamChatDoor(Door):
    """``POST /api/stream_chat…``: the three of them differ in their StreamStyle and in nothing else."""

    takes_body: ClassVar[bool] = True
    is_streaming: ClassVar[bool] = True

    def initialize(self, rooms: Rooms, style: StreamStyle) -> None:  # type: ignore[override]
        super().initialize(rooms)
        self.style = style
        self.door_name = style.name  # type: ignore[misc]

    async def post(self) -> None:
        await self._stream_chat_base(self.style)

    async def _stream_chat_base(self, style: StreamStyle) -> None:
        turn, self.reader = await ask(self, style)
        await respond_with_stream(self, turn, self.reader, presenter_of(self.rooms, turn))


class ChatDoor(Door):
    """``POST /api/chat``: the whole answer in one JSON body."""

    door_name: ClassVar[str] = "chat"
    takes_body: ClassVar[bool] = True

    async def post(self) -> None:
        turn, self.reader = await ask(self, RAW)
        whole = WholeAnswer()
        try:
            await follow(self.reader, presenter_of(self.rooms, turn), whole.deliver)
        finally:
            self.reader.close()
        if whole.end is None:
            return  # the client has left
        self.identify(turn)
        if whole.end["status"] == "complete":
            self.write_payload(whole.body(turn))
        else:
            self.set_status(STATUS_OF[whole.end["code"]])
            self.write_payload(whole.end)


class WholeAnswer:
    """Gathers a turn's frames into one body. ``end`` is the terminal frame, None until it has come."""

    def __init__(self) -> None:
        self.end: Payload | None = None
        self._chunks: list[str] = []
        self._processing_seconds = 0.0

    async def deliver(self, frames: list[Frame]) -> None:
        """Keep what belongs into the body."""
        for frame in frames:
            status = frame.payload.get("status")
            if frame.is_terminal:
                self.end = frame.payload
            elif status == "streaming":
                self._chunks.append(frame.payload["data"])
            elif status == "processing_complete":
                self._processing_seconds = frame.payload["total_processing_time"]

    def body(self, turn: Turn) -> Payload:
        """The answer and what identifies it."""
        assert self.end is not None
        return {
            "success": True,
            "data": "".join(self._chunks),
            "status": "complete",
            "is_complete": True,
            "conversation_id": turn.query.conversation_id,
            "stream_id": turn.id,
            "total_processing_time": self._processing_seconds,
            "total_time": self.end["total_time"],
        }
