"""The one writer of a WebSocket: fair turns, whole fragments, a stall limit; against a stream in the test's hands."""

import asyncio
from typing import Any, cast

import pytest
from tornado.iostream import StreamClosedError

from streamchat.handlers.delivery import PIECE_BYTES, Stalled
from streamchat.handlers.socket_writer import SocketWriter
from streamchat.wire.websocket import text_message
from tests.fakes.connections import SlowStream


class WritingStream(SlowStream):
    """Says, as a real one does, whether something waits in its buffer."""

    def writing(self) -> bool:
        return self.waiting is not None and not self.waiting.done()

    def close(self) -> None:
        self.is_closed = True


class Scene:
    """A writer and its stream."""

    def __init__(self, stall_seconds: float = 60.0) -> None:
        self.stream = WritingStream()
        self.may_write = True
        self.writer = SocketWriter(
            cast("Any", self.stream), stall_seconds=stall_seconds, may_write=lambda: self.may_write
        )

    async def let_take(self) -> None:
        """The client takes what was handed over; what is next follows."""
        assert self.stream.waiting is not None
        self.stream.waiting.set_result(None)
        await settled()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.gen_test
async def test_what_the_kernel_takes_at_once_leaves_nothing_to_wait_for() -> None:
    scene = Scene()
    scene.stream.room = 1_000
    assert scene.writer.put(text_message("hello")) is None
    assert scene.stream.taken == b"\x81\x05hello"
    assert not scene.writer.is_held_up


@pytest.mark.gen_test
async def test_nothing_to_send_is_nothing_to_wait_for_even_when_it_is_held_up() -> None:
    scene = Scene()
    room = scene.writer.put(text_message("a"))
    assert room is not None
    assert scene.writer.put([]) is None
    await settled()
    await scene.let_take()
    await room


@pytest.mark.gen_test
async def test_the_rest_of_a_fragment_goes_out_before_anything_else() -> None:
    scene = Scene()
    scene.stream.room = 3
    first = scene.writer.put(text_message("hello"))
    second = scene.writer.put(text_message("you"))
    assert first is not None
    assert second is not None
    # Before the loop's next round: in this one Tornado may still answer a ping.
    assert scene.stream.taken == b"\x81\x05hello"
    await settled()
    assert scene.stream.taken == b"\x81\x05hello"
    await scene.let_take()
    assert (first.done(), second.done()) == (True, False)
    assert scene.stream.taken == b"\x81\x05hello\x81\x03you"
    await scene.let_take()
    assert second.done()
    assert not scene.writer.is_held_up


@pytest.mark.gen_test
async def test_a_burst_of_one_and_a_word_of_another_take_turns() -> None:
    scene = Scene()
    held_up = scene.writer.put(text_message("x"))
    burst = scene.writer.put([fragment for n in range(500) for fragment in text_message(f"{n:0100}")])
    word = scene.writer.put(text_message("word"))
    await settled()
    await scene.let_take()
    assert scene.stream.taken.index(b"word") < 300
    await scene.let_take()
    assert held_up is not None
    assert word is not None
    assert burst is not None
    assert (held_up.done(), word.done(), burst.done()) == (True, True, False)
    while not burst.done():
        await scene.let_take()
    assert scene.stream.largest <= PIECE_BYTES + 110


@pytest.mark.gen_test
async def test_no_other_message_comes_between_the_fragments_of_one() -> None:
    scene = Scene()
    scene.writer.put(text_message("x"))
    long = text_message("y" * 50_000)
    rooms = [scene.writer.put(long), scene.writer.put(text_message("word"))]
    await settled()
    while scene.writer.is_held_up:
        await scene.let_take()
    assert b"".join(long) in scene.stream.taken
    assert all(room is not None and room.done() for room in rooms)


@pytest.mark.gen_test
async def test_a_client_that_takes_nothing_is_stalled_for_all_and_its_connection_ends() -> None:
    scene = Scene(stall_seconds=0.01)
    rooms = [scene.writer.put(text_message(text)) for text in ("a", "b")]
    for room in rooms:
        assert room is not None
        with pytest.raises(Stalled):
            await room
    assert scene.stream.is_closed
    with pytest.raises(StreamClosedError):
        scene.writer.put(text_message("c"))


@pytest.mark.gen_test
async def test_nothing_follows_a_close() -> None:
    scene = Scene()
    begun, waiting = scene.writer.put(text_message("a")), scene.writer.put(text_message("b"))
    await settled()
    scene.may_write = False
    await scene.let_take()
    assert begun is not None
    assert waiting is not None
    assert begun.exception() is None
    assert isinstance(waiting.exception(), StreamClosedError)
    assert not scene.stream.is_closed
    assert b"b" not in scene.stream.taken
    with pytest.raises(StreamClosedError):
        scene.writer.put(text_message("c"))
