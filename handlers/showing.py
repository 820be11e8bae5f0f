"""Shows one turn to one client: its frames to the end, and an honest end whatever happens on the way.

Knows no connection: whoever has one says how frames are delivered.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
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
from streamchat.turns.log_line import log_line
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


def show(
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
    """Deliver ``first`` and then what the presenter gives; tell the observer, and ``delivery`` that it is the end.

    What is due now is delivered before this returns.
    """
    showing = _Showing(
        rooms=rooms, turn=turn, reader=reader, presenter=presenter, delivery=delivery, door=door, resumed=resumed
    )
    follow(reader, presenter, delivery.deliver, showing.end, first=first)


@dataclass(slots=True, eq=False, kw_only=True)
class _Showing:
    """What is known of one reading until its end. No task: a stream is open for minutes, and most of them wait."""

    rooms: Rooms
    turn: Turn
    reader: Reader
    presenter: Presenter
    delivery: FrameDelivery
    door: str
    resumed: bool

    def end(self, error: BaseException | None) -> None:
        """It is over: ``error`` is what delivering has failed with."""
        if error is None:
            self._leave("client_gone" if self.reader.is_closed else "finished")
        elif isinstance(error, StreamClosedError):
            self._leave("client_gone")
        elif isinstance(error, Stalled):
            self._leave("stalled")
        else:
            log_line(_logger, logging.ERROR, self.turn, "stream of turn %s failed", self.turn.id, error=error)
            self._say_internal_error()

    def _say_internal_error(self) -> None:
        payload = error_payload(sentence("internal_error", self.turn.rules.view.lang), "internal_error")
        # It is not the log's: it ends this reading, and who comes back misses nothing.
        frame = Frame(payload, self.presenter.number, is_durable=False, is_terminal=True)
        try:
            room = self.delivery.deliver([frame])
        except Exception as error:  # noqa: BLE001 - the same as through the future
            self._told(error)
            return
        if room is None:
            self._leave("failed")
        else:
            room.add_done_callback(lambda told: self._told(None if told.cancelled() else told.exception()))

    def _told(self, error: BaseException | None) -> None:
        if isinstance(error, Stalled | StreamClosedError):
            log_line(_logger, logging.INFO, self.turn, "nobody was left to tell of it")
        elif error is not None:
            words = "the client of turn %s could not be told of it"
            log_line(_logger, logging.ERROR, self.turn, words, self.turn.id, error=error)
        self._leave("failed")

    def _leave(self, leaving: Leaving) -> None:
        try:
            delivered = self.delivery.tally.summary(self.door, leaving, resumed=self.resumed)
            self.rooms.observer.delivered(self.turn, delivered)
        finally:
            self.delivery.end(leaving)
            self.reader.close()


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
