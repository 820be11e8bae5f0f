"""The one loop behind every door: from a turn's log, through a presenter, to whoever delivers the frames."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from streamchat.presenting.frames import AnyFrame
from streamchat.presenting.presenter import Presenter
from streamchat.turns.reader import Reader

# Takes frames. Returns None when the client has room for more, or else a future that is done once it has; it fails
# when the client is gone, and so may the call.
Deliver = Callable[[list[AnyFrame]], "asyncio.Future[None] | None"]


def follow(reader: Reader, presenter: Presenter, deliver: Deliver) -> asyncio.Future[None]:
    """Deliver every frame as it falls due, until the terminal one or until the reader is closed.

    The only writer of its connection: progress, chunks and keep-alives all come from the presenter. The future is done
    when it is over; it fails with what ``deliver`` raises.
    """
    following = _Following(reader, presenter, deliver)
    reader.listen(following.run)
    following.run()
    return following.over


class _Following:
    """The loop, as plain callbacks: a frame that is due costs no wake-up of a task."""

    __slots__ = ("_deliver", "_is_held_up", "_presenter", "_reader", "over")

    def __init__(self, reader: Reader, presenter: Presenter, deliver: Deliver) -> None:
        self._reader = reader
        self._presenter = presenter
        self._deliver = deliver
        self._is_held_up = False
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def run(self) -> None:
        """Deliver what is due now, and see to it that this is called again in time."""
        reader, presenter = self._reader, self._presenter
        if self.over.done() or reader.is_closed:
            self._end()
            return
        if self._is_held_up:
            return
        try:
            if reader.has_news:
                presenter.feed(reader.take(), reader.take_notice())
            now = reader.now
            frames = presenter.take(now)
            room = self._deliver(frames) if frames else None
        except Exception as error:  # noqa: BLE001 - whoever follows is told of it
            self._end(error)
            return
        if room is not None:
            self._is_held_up = True
            room.add_done_callback(self._go_on)
        elif presenter.is_finished:
            self._end()
        elif presenter.due <= now:
            # One batch a round of the loop, though the log grows meanwhile: a long catch-up, or a burst, must not
            # starve the others.
            reader.wake_soon()
        else:
            reader.alarm_at(presenter.due)

    def _go_on(self, room: asyncio.Future[None]) -> None:
        # Asked for even when the reader was closed meanwhile: a failure of the last delivery is nobody's any more then.
        error = None if room.cancelled() else room.exception()
        self._is_held_up = False
        if error is not None or self._presenter.is_finished:
            self._end(error)
        else:
            self.run()

    def _end(self, error: BaseException | None = None) -> None:
        self._reader.ignore()
        if self.over.done():
            return
        if error is None:
            self.over.set_result(None)
        else:
            self.over.set_exception(error)


async def fast_forward(reader: Reader, presenter: Presenter, number: int) -> list[AnyFrame]:
    """Present what is past, until ``number`` durable frames are behind; returns frames that are due beyond it."""
    presenter.feed(reader.take(), reader.take_notice())
    frames: list[AnyFrame] = []
    while presenter.number < number and presenter.due <= reader.now:
        frames += presenter.take(reader.now)
        await asyncio.sleep(0)
    return frames
