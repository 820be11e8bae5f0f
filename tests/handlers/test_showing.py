"""How a reading ends that goes wrong, with a presenter that has a bug."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from streamchat.handlers.showing import show
from streamchat.handlers.tally import Tally
from streamchat.presenting.frames import AnyFrame
from streamchat.presenting.presenter import Presenter
from streamchat.presenting.styles import SMART
from streamchat.turns.observer import Leaving
from tests.fakes.audience import timeline_of
from tests.fakes.houses import HandHouse
from tests.fakes.observers import RecordingObserver


class BrokenPresenter:
    """Has shown two durable frames and shows no more."""

    number = 2

    def feed(self, *_: object) -> None:
        raise RuntimeError("a bug of ours")

    take = feed


class Kept:
    """Keeps what is delivered."""

    def __init__(self) -> None:
        self.tally = Tally(0.0)
        self.frames: list[AnyFrame] = []
        self.leavings: list[Leaving] = []

    def deliver(self, frames: list[AnyFrame]) -> None:
        self.frames += frames

    def end(self, leaving: Leaving) -> None:
        self.leavings.append(leaving)


@pytest.mark.gen_test
async def test_a_bug_of_ours_ends_the_reading_and_not_the_stream() -> None:
    turn, kept = HandHouse().turn(), Kept()
    rooms = cast("Any", SimpleNamespace(observer=RecordingObserver()))
    presenter = cast("Presenter", BrokenPresenter())
    await show(rooms, turn, turn.open_reader(), presenter, kept, door="smart")
    (end,) = kept.frames
    assert (kept.leavings, end.payload["code"]) == (["failed"], "internal_error")
    assert (end.is_terminal, end.is_durable, end.number) == (True, False, 2)


@pytest.mark.gen_test
async def test_a_reading_that_is_cancelled_has_no_clean_end() -> None:
    turn, kept, observer = HandHouse().turn(), Kept(), RecordingObserver()
    rooms = cast("Any", SimpleNamespace(observer=observer))
    presenter = Presenter(timeline_of(SMART), style=SMART, lang="en")
    showing = asyncio.create_task(show(rooms, turn, turn.open_reader(), presenter, kept, door="smart"))
    await asyncio.sleep(0)
    showing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await showing
    assert kept.leavings == ["client_gone"]
