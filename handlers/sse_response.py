"""One SSE response, in any dialect: its headers, and its frames to the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from streamchat.handlers.delivery import SseDelivery
from streamchat.handlers.door import Door
from streamchat.handlers.showing import show
from streamchat.presenting.frames import AnyFrame
from streamchat.presenting.presenter import Presenter
from streamchat.turns.observer import Leaving
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
    on_end: Callable[[Leaving], None] | None = None,
) -> None:
    """Stream ``turn`` to the door's client, ``first`` before what the presenter gives.

    ``wire`` is another dialect's. The door is done when this returns, and the stream goes on without it: ``on_end``
    is called when all has been sent, or when the client has left.
    """
    rooms, is_chunked = door.rooms, door.request.version == "HTTP/1.1"
    # No chunks in HTTP/1.0: there the end of the connection is the end of the stream.
    keeps_alive = is_chunked and "close" not in door.request.headers.get("Connection", "").lower()
    _set_headers(door, turn, keeps_alive=keeps_alive)
    delivery = SseDelivery(
        door,
        wire or SseWire(turn.id),
        rooms.rounds,
        rooms.streams,
        is_chunked=is_chunked,
        keeps_alive=keeps_alive,
        stall_seconds=rooms.limits.stall_seconds,
        received_at=door.received_at,
        on_gone=reader.close,
        on_end=on_end,
    )
    show(rooms, turn, reader, presenter, delivery, door=door.door_name, first=first, resumed=resumed)


def _set_headers(door: Door, turn: Turn, *, keeps_alive: bool) -> None:
    door.set_header("Content-Type", CONTENT_TYPE)
    door.set_header("Cache-Control", "no-cache, no-transform")
    door.set_header("X-Accel-Buffering", "no")
    door.set_header("Connection", "keep-alive" if keeps_alive else "close")
    if not keeps_alive:
        # What an HTTP/1.0 client may have asked for, and Tornado would promise, is forgotten.
        door.request.headers.pop("Connection", None)
    door.identify(turn)
