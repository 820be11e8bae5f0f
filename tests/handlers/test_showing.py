"""How a reading ends that goes wrong, with a presenter that has a bug."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tornado.iostream import StreamClosedError

from streamchat.handlers.delivery import Stalled
from streamchat.handlers.showing import show
from streamchat.handlers.tally import Tally
from streamchat.presenting.frames import AnyFrame
from streamchat.presenting.presenter import Presenter
from streamchat.presenting.styles import SMART
from streamchat.turns.observer import Leaving
from tests.fakes.audience import timeline_of
from tests.fakes.houses import HandHouse
from tests.fakes.observers import RecordingObserver
from tests.fakes.requests import records_with_an_id_of_their_own, requested, requests_of_lines


class BrokenPresenter:
    """Has shown two durable frames and shows no more."""

    number = 2

    def feed(self, *_: object) -> None:
        raise RuntimeError("a bug of ours")

    take = feed


class Kept:
    """Keeps what is delivered; ``error`` is what every delivery fails with, ``room`` what it has to wait for."""

    def __init__(self, error: Exception | None = None, room: "asyncio.Future[None] | None" = None) -> None:
        self.tally = Tally(0.0)
        self.frames: list[AnyFrame] = []
        self.leavings: list[Leaving] = []
        self.error = error
        self.room = room

    def deliver(self, frames: list[AnyFrame]) -> "asyncio.Future[None] | None":
        if self.error is not None:
            raise self.error
        self.frames += frames
        return self.room

    def end(self, leaving: Leaving) -> None:
        self.leavings.append(leaving)


class Scene:
    """A turn that is shown, and by whom this was observed."""

    def __init__(self) -> None:
        with requested("r-1"):
            self.turn = HandHouse().turn()
        self.reader = self.turn.open_reader()
        self.observer = RecordingObserver()

    def show(self, kept: Kept, presenter: object = None) -> None:
        rooms = cast("Any", SimpleNamespace(observer=self.observer))
        presenter = presenter or Presenter(timeline_of(SMART), style=SMART, lang="en")
        show(rooms, self.turn, self.reader, cast("Presenter", presenter), kept, door="smart")


@pytest.mark.gen_test
async def test_a_bug_of_ours_ends_the_reading_and_not_the_stream() -> None:
    scene, kept = Scene(), Kept()
    scene.show(kept, BrokenPresenter())
    (end,) = kept.frames
    assert (kept.leavings, end.payload["code"]) == (["failed"], "internal_error")
    assert (end.is_terminal, end.is_durable, end.number) == (True, False, 2)
    assert scene.reader.is_closed


@pytest.mark.gen_test
@pytest.mark.parametrize("error", [None, StreamClosedError(), Stalled(), RuntimeError("another bug of ours")])
async def test_whoever_is_to_be_told_of_a_bug_may_be_gone(
    error: Exception | None, caplog: pytest.LogCaptureFixture
) -> None:
    scene, told = Scene(), asyncio.get_running_loop().create_future()
    kept = Kept(room=told)
    scene.show(kept, BrokenPresenter())
    assert kept.leavings == []
    if error is None:
        told.set_result(None)
    else:
        told.set_exception(error)
    await asyncio.sleep(0)
    assert kept.leavings == ["failed"]
    assert ("another bug of ours" in caplog.text) == isinstance(error, RuntimeError)


@pytest.mark.gen_test
async def test_what_is_logged_of_it_is_known_by_the_request_of_the_turn() -> None:
    """Whatever the context is in which it was noticed: many streams share a round."""
    scene = Scene()
    with records_with_an_id_of_their_own(), requests_of_lines("streamchat.doors") as requests:
        scene.show(Kept(RuntimeError("another bug of ours")), BrokenPresenter())
    assert requests == ["r-1"] * 2


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("error", "leaving"),
    [(StreamClosedError(), "client_gone"), (Stalled(), "stalled"), (RuntimeError("bug"), "failed")],
)
async def test_a_delivery_that_fails_at_once_ends_the_reading(error: Exception, leaving: Leaving) -> None:
    scene, kept = Scene(), Kept(error)
    scene.show(kept)
    assert kept.leavings == [leaving]
    assert [each.leaving for each in scene.observer.deliveries] == [leaving]
    assert scene.reader.is_closed


@pytest.mark.gen_test
async def test_a_reader_that_is_closed_has_no_clean_end() -> None:
    scene, kept = Scene(), Kept()
    scene.show(kept)
    assert kept.leavings == []
    scene.reader.close()
    await asyncio.sleep(0)
    assert kept.leavings == ["client_gone"]
