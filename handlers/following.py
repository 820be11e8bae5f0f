"""The one loop behind every door: from a turn's log, through a presenter, to whoever delivers the frames."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from streamchat.presenting.frames import AnyFrame
from streamchat.presenting.presenter import Presenter
from streamchat.turns.reader import Reader

# Takes frames. Returns None when the client has room for more, or else a future that is done once it has; it fails
# when the client is gone, and so may the call.
Deliver = Callable[[list[AnyFrame]], "asyncio.Future[None] | None"]

# Called once, with what ``Deliver`` has raised, or with None.
OnOver = Callable[[BaseException | None], None]


def follow(
    reader: Reader,
    presenter: Presenter,
    deliver: Deliver,
    on_over: OnOver,
    *,
    first: Sequence[AnyFrame] = (),
) -> None:
    """Deliver every frame as it falls due, until the terminal one or until the reader is closed.

    ``first`` is delivered at once, together with what is due now; also if that is nothing: who comes back may be up to
    date, and must learn that it is let in. The only writer of its connection: progress, chunks and keep-alives all come
    from the presenter. It may be over before this returns.
    """
    _Following(reader, presenter, deliver, on_over).begin(first)


def followed(reader: Reader, presenter: Presenter, deliver: Deliver) -> asyncio.Future[None]:
    """Follow, for whoever waits for the end: done when it is over, it fails with what ``deliver`` has raised."""
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def settle(error: BaseException | None) -> None:
        if over.done():
            return  # nobody waits any more
        if error is None:
            over.set_result(None)
        else:
            over.set_exception(error)

    follow(reader, presenter, deliver, settle)
    return over


class _Following:
    """The loop, as plain callbacks: a frame that is due costs no wake-up of a task."""

    __slots__ = ("_deliver", "_is_held_up", "_is_over", "_on_over", "_presenter", "_reader")

    def __init__(self, reader: Reader, presenter: Presenter, deliver: Deliver, on_over: OnOver) -> None:
        self._reader = reader
        self._presenter = presenter
        self._deliver = deliver
        self._on_over = on_over
        self._is_held_up = False
        self._is_over = False

    def begin(self, first: Sequence[AnyFrame]) -> None:
        """Deliver ``first``, and from then on what is due."""
        self._reader.listen(self._run)
        self._run(list(first))

    def _run(self, first: list[AnyFrame] | None = None) -> None:
        """Deliver what is due now, and see to it that this is called again in time."""
        reader, presenter = self._reader, self._presenter
        if reader.is_closed:
            self._end()
            return
        if self._is_held_up:
            return
        try:
            if reader.has_news:
                presenter.feed(reader.take(), reader.take_notice())
            now = reader.now
            frames = presenter.take(now)
            if first is not None:
                frames = first + frames
            room = self._deliver(frames) if frames or first is not None else None
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
            self._run()

    def _end(self, error: BaseException | None = None) -> None:
        self._reader.ignore()
        if not self._is_over:
            self._is_over = True
            self._on_over(error)


async def fast_forward(reader: Reader, presenter: Presenter, number: int) -> list[AnyFrame]:
    """Present what is past, until ``number`` durable frames are behind; returns frames that are due beyond it."""
    presenter.feed(reader.take(), reader.take_notice())
    frames: list[AnyFrame] = []
    while presenter.number < number and presenter.due <= reader.now:
        frames += presenter.take(reader.now)
        await asyncio.sleep(0)
    return frames
