"""Shows one turn to one client: its frames to the end, and an honest end whatever happens on the way.

Knows no connection: whoever has one says how frames are delivered.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from tornado.iostream import StreamClosedError

from streamchat.handlers.delivery import Stalled
from streamchat.handlers.following import fast_forward, follow
from streamchat.handlers.rooms import Rooms
from streamchat.handlers.tally import Tally
from streamchat.presenting.frames import AnyFrame, Frame
from streamchat.presenting.payloads import error_payload
from streamchat.presenting.presenter import Presenter
from streamchat.presenting.sentences import sentence
from streamchat.turns.observer import Leaving
from streamchat.turns.reader import Reader
from streamchat.turns.turn import Turn
from streamchat.wire.event_id import BadEventId

_logger = logging.getLogger("streamchat.doors")


class FrameDelivery(Protocol):
    """Takes frames to a client and counts them."""

    tally: Tally

    def deliver(self, frames: list[AnyFrame]) -> asyncio.Future[None] | None:
        """As `following.Deliver`; fails with Stalled or StreamClosedError."""

    def end(self, leaving: Leaving) -> None:
        """Called once, last, whatever has happened; ``leaving`` says whether the client may be given a clean end."""


async def show(
    rooms: Rooms,
    turn: Turn,
    reader: Reader,
    presenter: Presenter,
    delivery: FrameDelivery,
    *,
    door: str,
    first: Sequence[AnyFrame] = (),
    resumed: bool = False,
) -> None:
    """Deliver ``first`` and then what the presenter gives; tell the observer, and ``delivery`` that it is the end."""
    leaving: Leaving = "client_gone"  # whatever ends this from outside must not look like an end of the stream
    try:
        if first or resumed:
            # Who comes back may be up to date: without a frame, too, it must learn at once that it is let in.
            await _delivered(delivery.deliver(list(first)))
        await follow(reader, presenter, delivery.deliver)
        leaving = "client_gone" if reader.is_closed else "finished"
    except StreamClosedError:
        leaving = "client_gone"
    except Stalled:
        leaving = "stalled"
    except Exception:
        _logger.exception("stream of turn %s failed", turn.id)
        await _say_internal_error(turn, delivery, presenter)
        leaving = "failed"
    finally:
        try:
            rooms.observer.delivered(turn, delivery.tally.summary(door, leaving, resumed=resumed))
        finally:
            delivery.end(leaving)


async def catch_up(rooms: Rooms, presenter: Presenter, reader: Reader, seen: int) -> list[AnyFrame]:
    """Go beyond the ``seen`` durable frames of a client that resumes; returns those that are due beyond them.

    Raises BadEventId when there have not been so many.
    """
    first = await fast_forward(reader, presenter, seen)
    if presenter.number < seen:
        rooms.metrics.resumed("impossible")
        raise BadEventId("that frame has not been sent yet")
    rooms.metrics.resumed("complete" if presenter.is_finished and not first else "resumed")
    return first


async def _say_internal_error(turn: Turn, delivery: FrameDelivery, presenter: Presenter) -> None:
    payload = error_payload(sentence("internal_error", turn.rules.view.lang), "internal_error")
    # It is not the log's: it ends this reading, and who comes back misses nothing.
    frame = Frame(payload, presenter.number, is_durable=False, is_terminal=True)
    try:
        await _delivered(delivery.deliver([frame]))
    except (Stalled, StreamClosedError):
        _logger.info("nobody was left to tell of it")


async def _delivered(room: asyncio.Future[None] | None) -> None:
    if room is not None:
        await room
