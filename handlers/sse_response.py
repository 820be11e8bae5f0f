"""One SSE response, in any dialect: its headers, and its frames to the end."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from streamchat.handlers.delivery import SseDelivery
from streamchat.handlers.door import Door
from streamchat.handlers.showing import show
from streamchat.presenting.frames import AnyFrame
from streamchat.presenting.presenter import Presenter
from streamchat.turns.reader import Reader
from streamchat.turns.turn import Turn
from streamchat.wire.sse import CONTENT_TYPE, SseWire
from streamchat.wire.wire import Wire


def respond_with_stream(
    door: Door,
    turn: Turn,
    reader: Reader,
    presenter: Presenter,
    *,
    first: Sequence[AnyFrame] = (),
    resumed: bool = False,
    wire: Wire | None = None,
) -> Awaitable[None]:
    """Stream ``turn`` to the door's client, ``first`` before what the presenter gives.

    ``wire`` is another dialect's. What is returned is done when all has been sent, or when the client has left; it is
    not this function's own coroutine, which every open stream would hold.
    """
    _set_headers(door, turn)
    rooms = door.rooms
    delivery = SseDelivery(
        door,
        wire or SseWire(turn.id),
        rooms.outbox,
        stall_seconds=rooms.limits.stall_seconds,
        received_at=door.received_at,
    )
    return show(rooms, turn, reader, presenter, delivery, door=door.door_name, first=first, resumed=resumed)


def _set_headers(door: Door, turn: Turn) -> None:
    door.set_header("Content-Type", CONTENT_TYPE)
    door.set_header("Cache-Control", "no-cache, no-transform")
    door.set_header("X-Accel-Buffering", "no")
    door.set_header("Connection", "keep-alive")
    if door.request.version != "HTTP/1.1":
        # No chunks there: the end of the connection is the end of the stream. That the client may have asked for a
        # keep-alive, which Tornado would promise, is forgotten below.
        door.set_header("Connection", "close")
    door.identify(turn)
    # A stream is open for minutes: what its request has said is not kept for so long.
    door.request.headers.clear()
