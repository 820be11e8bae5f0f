"""The one loop behind every door: from a turn's log, through a presenter, to whoever delivers the frames."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from streamchat.presenting.frames import Frame
from streamchat.presenting.presenter import Presenter
from streamchat.turns.reader import Reader

Deliver = Callable[[list[Frame]], Awaitable[None]]


async def follow(reader: Reader, presenter: Presenter, deliver: Deliver) -> None:
    """Deliver every frame as it falls due, until the terminal one or until the reader is closed.

    The only writer of its connection: progress, chunks and keep-alives all come from the presenter.
    """
    while not reader.is_closed:
        presenter.feed(reader.take(), reader.take_notice())
        frames = presenter.take(reader.now)
        if frames:
            await deliver(frames)
        if presenter.is_finished:
            return
        if presenter.due <= reader.now:
            # A delivery that completes at once does not yield: without this a long catch-up starves the others.
            await asyncio.sleep(0)
        else:
            await reader.wait(presenter.due)


async def fast_forward(reader: Reader, presenter: Presenter, number: int) -> list[Frame]:
    """Present what is past, until ``number`` durable frames are behind; returns frames that are due beyond it."""
    presenter.feed(reader.take(), reader.take_notice())
    frames: list[Frame] = []
    while presenter.number < number and presenter.due <= reader.now:
        frames += presenter.take(reader.now)
        await asyncio.sleep(0)
    return frames
