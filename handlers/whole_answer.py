"""A turn's whole answer for a client that wants no stream: gathered to its end, and told in one body."""

from __future__ import annotations

from time import monotonic

from streamchat.handlers.door import Door
from streamchat.handlers.errors import Refused
from streamchat.handlers.following import followed
from streamchat.handlers.views import presenter_of
from streamchat.presenting.frames import AnyFrame, Chunk, Payload
from streamchat.turns.observer import Delivery
from streamchat.turns.reader import Reader
from streamchat.turns.turn import Turn

_MEDIA_FIELDS = ("media_type", "url", "content", "alt")


async def gather(door: Door, turn: Turn, reader: Reader) -> WholeAnswer | None:
    """The answer, once it is whole. None when nothing is left to say: the client has gone, or was told an error."""
    whole = WholeAnswer()
    await followed(reader, presenter_of(door.rooms, turn), whole.deliver)
    door.rooms.observer.delivered(turn, whole.summary(door.door_name, monotonic() - door.received_at))
    if not whole.end:
        return None
    door.identify(turn)
    if whole.end["status"] != "complete":
        door.refuse(Refused(whole.end["code"]), whole.end)
        return None
    return whole


class WholeAnswer:
    """Gathers a turn's frames. ``end`` is what the terminal one says, empty until it has come."""

    def __init__(self) -> None:
        self.end: Payload = {}
        self.frames: list[AnyFrame] = []  # what is part of the answer
        self.processing_seconds = 0.0

    def deliver(self, frames: list[AnyFrame]) -> None:
        """Keep what belongs into the body; there is always room for more."""
        for frame in frames:
            if frame.is_terminal:
                self.end = frame.payload
            elif isinstance(frame, Chunk):
                self.frames.append(frame)
            elif frame.is_durable:
                self.frames.append(frame)
                self.processing_seconds = frame.payload.get("total_processing_time", self.processing_seconds)

    @property
    def media(self) -> list[Payload]:
        """The answer's media, each whole again: a body has no frames that must be short."""
        shown: list[Payload] = []
        for payload in (frame.payload for frame in self.frames if not isinstance(frame, Chunk)):
            if payload.get("status") != "media":
                continue
            if payload["part"] > 1:
                shown[-1]["content"] += payload["content"]
            else:
                shown.append({name: payload[name] for name in _MEDIA_FIELDS if name in payload})
        return shown

    @property
    def text(self) -> str:
        """The answer's text."""
        return "".join([frame.text for frame in self.frames if isinstance(frame, Chunk)])

    def summary(self, door: str, total_seconds: float) -> Delivery:
        """What the client gets: one piece, without frames; nothing when it has left before the end."""
        return Delivery(
            door=door,
            resumed=False,
            leaving="finished" if self.end else "client_gone",
            end=self.end.get("status", ""),
            code=self.end.get("code", ""),
            first_frame_seconds=None,
            first_chunk_seconds=None,
            streaming_seconds=0.0,
            total_seconds=total_seconds,
            chunks=0,
            characters=len(self.text),
            frames=0,
        )
