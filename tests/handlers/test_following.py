"""The loop behind every door, with a client whose room for more is decided by hand."""

import asyncio
from typing import Any, cast

import pytest

from streamchat.handlers.following import fast_forward, followed
from streamchat.presenting.frames import AnyFrame
from streamchat.presenting.presenter import FRAMES_PER_TAKE
from streamchat.presenting.styles import SMART
from streamchat.turns.events import Answer, Started
from streamchat.turns.log import MemoryLog
from streamchat.turns.reader import Reader
from streamchat.turns.ticker import Ticker
from tests.fakes.audience import presenter_of, text_of
from tests.fakes.clock import HandClock
from tests.fakes.executors import COMPLETE
from tests.fakes.rounds import rounds_here


class Client:
    """Takes frames. ``room`` is what the next delivery is answered with."""

    def __init__(self) -> None:
        self.frames: list[AnyFrame] = []
        self.batches = 0
        self.room: asyncio.Future[None] | Exception | None = None

    def deliver(self, frames: list[AnyFrame]) -> "asyncio.Future[None] | None":
        self.frames += frames
        self.batches += 1
        room, self.room = self.room, None
        if isinstance(room, Exception):
            raise room
        return room


class Scene:
    """A log that is followed by one client, with a clock that goes by hand."""

    def __init__(self) -> None:
        self.clock = HandClock(0.0)
        self.log = MemoryLog()
        self.client = Client()
        self.reader = Reader(
            self.log,
            accepted_at=0.0,
            clock=self.clock.time,
            ticker=Ticker(cast("Any", self.clock), rounds_here()),
            on_close=lambda: None,
        )
        self.presenter = presenter_of(SMART, is_paced=False)

    def begin(self) -> "asyncio.Future[None]":
        return followed(self.reader, self.presenter, self.client.deliver)

    def answer(self, text: str) -> None:
        for fact in (Started(), Answer(text=text), COMPLETE):
            self.log.append(0.0, fact)


async def settled() -> None:
    for _ in range(4):
        await asyncio.sleep(0)


@pytest.mark.gen_test
async def test_it_ends_with_the_terminal_frame() -> None:
    scene = Scene()
    following = scene.begin()
    scene.answer("abcdef")
    await following
    assert text_of(scene.client.frames) == "abcdef"
    assert scene.client.frames[-1].is_terminal


@pytest.mark.gen_test
async def test_progress_comes_by_the_clock_alone() -> None:
    scene = Scene()
    following = scene.begin()
    scene.log.append(0.0, Started())
    await settled()
    before = len(scene.client.frames)
    scene.clock.advance(SMART.interval_seconds)
    assert len(scene.client.frames) == before + 1
    scene.reader.close()
    await following


@pytest.mark.gen_test
async def test_nothing_is_delivered_while_the_client_has_no_room() -> None:
    scene = Scene()
    room: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    scene.client.room = room
    following = scene.begin()
    scene.answer("abcdef")
    await settled()
    scene.clock.advance(60.0)
    assert scene.client.batches == 1
    room.set_result(None)
    await following
    assert text_of(scene.client.frames) == "abcdef"


@pytest.mark.gen_test
async def test_the_last_frame_has_to_leave_before_it_is_over() -> None:
    scene = Scene()
    scene.answer("abc")
    room: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    scene.client.room = room
    following = scene.begin()
    await settled()
    assert scene.client.frames[-1].is_terminal
    assert not following.done()
    room.set_result(None)
    await following


@pytest.mark.gen_test
@pytest.mark.parametrize("is_later", [False, True], ids=["at once", "later"])
async def test_a_delivery_that_fails_ends_it_with_its_error(is_later: bool) -> None:
    scene, gone = Scene(), ConnectionError("gone")
    room: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    scene.client.room = room if is_later else gone
    following = scene.begin()
    await settled()
    if is_later:
        room.set_exception(gone)
    with pytest.raises(ConnectionError):
        await following
    scene.answer("abc")
    await settled()
    assert scene.client.batches == 1


@pytest.mark.gen_test
@pytest.mark.parametrize("fails", [False, True])
async def test_a_reader_that_is_closed_ends_it_even_while_the_client_has_no_room(fails: bool) -> None:
    scene = Scene()
    room: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    scene.client.room = room
    following = scene.begin()
    await settled()
    scene.reader.close()
    await following
    # What becomes of the last delivery is nobody's any more.
    room.set_exception(ConnectionError("gone")) if fails else room.set_result(None)
    await settled()
    assert scene.client.batches == 1


@pytest.mark.gen_test
async def test_a_burst_gives_the_others_a_turn_after_each_batch() -> None:
    scene, others = Scene(), list[int]()
    scene.answer("abc" * FRAMES_PER_TAKE * 3)
    await settled()
    following = scene.begin()
    while not following.done():
        others.append(scene.client.batches)
        await asyncio.sleep(0)
    assert scene.client.batches >= 3
    assert set(others) >= set(range(1, scene.client.batches))


@pytest.mark.gen_test
async def test_a_source_that_floods_gets_one_batch_a_round_however_far_it_is_ahead() -> None:
    scene, batches = Scene(), list[int]()
    scene.begin()
    scene.log.append(0.0, Started())
    await settled()
    for _ in range(8):
        before = scene.client.batches
        scene.log.append(0.0, "abc " * FRAMES_PER_TAKE * 4)
        await asyncio.sleep(0)
        batches.append(scene.client.batches - before)
    assert max(batches) == 1
    scene.reader.close()


@pytest.mark.gen_test
async def test_what_was_seen_is_skipped_in_batches_too() -> None:
    scene = Scene()
    scene.answer("abc" * 300)
    presenter = presenter_of(SMART, is_paced=False, skip=200, with_opening=False)
    first = await fast_forward(scene.reader, presenter, 200)
    assert presenter.number >= 200
    assert [frame.number for frame in first] == list(range(201, presenter.number + 1))


@pytest.mark.gen_test
async def test_a_turn_that_can_be_followed_twice_gives_the_same_frames() -> None:
    scene = Scene()
    for at in range(3):
        scene.log.append(float(at), "abc" if at else Started())
    scene.log.append(3.0, COMPLETE)
    scene.clock.advance(10.0)
    await scene.begin()
    first = [frame for frame in scene.client.frames if frame.is_durable]
    again = Scene()
    again.reader.log = scene.log
    again.clock.advance(99.0)
    await again.begin()
    assert [frame for frame in again.client.frames if frame.is_durable] == first
