"""The four doors that take a question: three that stream, one that answers with JSON."""

from __future__ import annotations

from collections.abc import Awaitable
from time import monotonic

from streamchat.handlers.chat_request import language_of, parse_chat_request
from streamchat.handlers.door import Door
from streamchat.handlers.errors import Refused
from streamchat.handlers.following import follow
from streamchat.handlers.questions import open_turn
from streamchat.handlers.rooms import Rooms
from streamchat.handlers.sse_response import respond_with_stream
from streamchat.handlers.trace_headers import trace_headers
from streamchat.handlers.views import presenter_of
from streamchat.presenting.frames import AnyFrame, Chunk, Payload
from streamchat.presenting.styles import RAW, StreamStyle
from streamchat.turns.observer import Delivery
from streamchat.turns.reader import Reader
from streamchat.turns.turn import Turn


async def ask(door: Door, style: StreamStyle) -> tuple[Turn, Reader]:
    """Open the turn that the door's request asks for, and the door's reader on it."""
    body = door.take_body()
    try:
        request = parse_chat_request(body)
    except Refused:
        door.lang = language_of(body) or door.lang
        raise
    door.lang = request.lang or door.lang
    turn = await open_turn(
        door.rooms,
        request,
        style=style,
        door=door.door_name,
        caller=door.caller,
        lang=door.lang,
        key=door.request.headers.get("Idempotency-Key"),
        request_id=door.request_id,
        trace_headers=trace_headers(door.request.headers) if door.rooms.is_traced else {},
        received_at=door.received_at,
    )
    return turn, door.open_reader(turn)


class StreamChatDoor(Door):
    """``POST /api/stream_chat…``: the three of them differ in their StreamStyle and in nothing else."""

    takes_body = True
    is_streaming = True

    def initialize(self, rooms: Rooms, style: StreamStyle) -> None:  # type: ignore[override]
        super().initialize(rooms)
        self.style = style
        self.door_name = style.name

    def post(self) -> Awaitable[None]:
        return self._stream_chat_base(self.style)

    async def _stream_chat_base(self, style: StreamStyle) -> None:
        turn, reader = await ask(self, style)
        await respond_with_stream(self, turn, reader, presenter_of(self.rooms, turn))


class ChatDoor(Door):
    """``POST /api/chat``: the whole answer in one JSON body."""

    door_name = "chat"
    takes_body = True

    async def post(self) -> None:
        turn, reader = await ask(self, RAW)
        whole = WholeAnswer()
        await follow(reader, presenter_of(self.rooms, turn), whole.deliver)
        self.rooms.observer.delivered(turn, whole.summary(self.door_name, monotonic() - self.received_at))
        if whole.end is None:
            return  # the client has left
        self.identify(turn)
        if whole.end["status"] == "complete":
            self.write_payload(whole.body(turn))
        else:
            self.refuse(Refused(whole.end["code"]), whole.end)


class WholeAnswer:
    """Gathers a turn's frames into one body. ``end`` is the terminal frame, None until it has come."""

    def __init__(self) -> None:
        self.end: Payload | None = None
        self._chunks: list[str] = []
        self._processing_seconds = 0.0

    def deliver(self, frames: list[AnyFrame]) -> None:
        """Keep what belongs into the body; there is always room for more."""
        for frame in frames:
            if isinstance(frame, Chunk):
                self._chunks.append(frame.text)
            elif frame.is_terminal:
                self.end = frame.payload
            elif frame.payload.get("status") == "processing_complete":
                self._processing_seconds = frame.payload["total_processing_time"]

    def summary(self, door: str, total_seconds: float) -> Delivery:
        """What the client gets: one piece, without frames; nothing when it has left before the end."""
        return Delivery(
            door=door,
            resumed=False,
            leaving="client_gone" if self.end is None else "finished",
            end="" if self.end is None else self.end["status"],
            code="" if self.end is None else self.end.get("code", ""),
            first_frame_seconds=None,
            first_chunk_seconds=None,
            streaming_seconds=0.0,
            total_seconds=total_seconds,
            chunks=0,
            characters=sum(map(len, self._chunks)),
            frames=0,
        )

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
            **({"usage": self.end["usage"]} if "usage" in self.end else {}),
        }
