"""One SSE response: its headers, its frames to the end, and an honest end whatever happens on the way."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from tornado.iostream import StreamClosedError

from streamchat.handlers.delivery import SseDelivery, Stalled, drop, leaving_of
from streamchat.handlers.door import Door
from streamchat.handlers.following import follow
from streamchat.presenting.frames import AnyFrame, Frame
from streamchat.presenting.payloads import error_payload
from streamchat.presenting.presenter import Presenter
from streamchat.presenting.sentences import sentence
from streamchat.turns.observer import Leaving
from streamchat.turns.reader import Reader
from streamchat.turns.turn import Turn
from streamchat.wire.sse import CONTENT_TYPE, SseWire

_logger = logging.getLogger("streamchat.doors")


async def respond_with_stream(
    door: Door,
    turn: Turn,
    reader: Reader,
    presenter: Presenter,
    *,
    first: Sequence[AnyFrame] = (),
    resumed: bool = False,
) -> None:
    """Stream ``turn`` to the door's client, ``first`` before what the presenter gives."""
    _set_headers(door, turn)
    delivery = SseDelivery(
        door, SseWire(turn.id), stall_seconds=door.rooms.limits.stall_seconds, received_at=door.received_at
    )
    error: BaseException | None = None
    try:
        if first:
            await _delivered(delivery.deliver(list(first)))
        await follow(reader, presenter, delivery.deliver)
    except (Stalled, StreamClosedError) as gone:
        error = gone
    except Exception as bug:
        _logger.exception("stream of turn %s failed", turn.id)
        error = bug
        await _say_internal_error(door, delivery, presenter)
    finally:
        leaving: Leaving = "client_gone" if reader.is_closed and error is None else leaving_of(error)
        door.rooms.observer.delivered(turn, delivery.summary(door.door_name, leaving, resumed=resumed))
    if leaving in ("finished", "failed"):
        _finish(door)
    else:
        drop(door)


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


def _finish(door: Door) -> None:
    finished = door.finish()
    if door.request.version != "HTTP/1.1":
        finished.add_done_callback(lambda _: drop(door))


async def _say_internal_error(door: Door, delivery: SseDelivery, presenter: Presenter) -> None:
    payload = error_payload(sentence("internal_error", door.lang), "internal_error")
    try:
        await _delivered(delivery.deliver([Frame(payload, presenter.number, is_terminal=True)]))
    except (Stalled, StreamClosedError):
        _logger.info("nobody was left to tell of it")


async def _delivered(room: asyncio.Future[None] | None) -> None:
    if room is not None:
        await room
