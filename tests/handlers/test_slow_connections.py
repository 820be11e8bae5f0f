"""What the kernel has no room for, with a connection that takes it piece by piece, as the test says."""

import asyncio
import re
from collections.abc import Iterable

import pytest
from tornado.iostream import StreamClosedError

from streamchat.handlers.delivery import PIECE_BYTES, SseDelivery, Stalled
from streamchat.handlers.open_streams import OpenStreams
from streamchat.presenting.frames import AnyFrame, Chunk, Frame
from streamchat.turns.events import Dismissed
from streamchat.turns.rounds import Rounds
from streamchat.wire.sse import SseWire
from streamchat.wire.wire import Wire
from tests.fakes.connections import KeepingLender, ResponseToOpen, SlowStream
from tests.handlers.house import House, saying, until, with_server

END: list[AnyFrame] = [Frame({"status": "complete"}, 2, is_terminal=True)]


def delivery_to(
    response: ResponseToOpen,
    *,
    stall_seconds: float = 60.0,
    rounds: Rounds | None = None,
    wire: Wire | None = None,
    is_chunked: bool = True,
) -> SseDelivery:
    streams = OpenStreams()
    streams.borrow_from(KeepingLender())
    return SseDelivery(
        response,
        wire or SseWire("st"),
        rounds or Rounds(asyncio.get_running_loop()),
        streams,
        is_chunked=is_chunked,
        keeps_alive=True,
        stall_seconds=stall_seconds,
        received_at=0.0,
        on_gone=lambda: None,
    )


def begun(stream: SlowStream, *, stall_seconds: float = 60.0, is_chunked: bool = True) -> SseDelivery:
    delivery = delivery_to(ResponseToOpen(stream), stall_seconds=stall_seconds, is_chunked=is_chunked)
    assert delivery.deliver([Frame({"status": "initializing"}, 0, is_durable=False)]) is None
    return delivery


def chunk(text: str) -> list[AnyFrame]:
    return [Chunk(text, 1, 1, len(text), len(text), ())]


async def settled() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


@pytest.mark.gen_test
async def test_what_the_kernel_takes_at_once_needs_no_wait() -> None:
    stream = SlowStream()
    delivery = begun(stream)
    stream.room = 10_000
    assert delivery.deliver(chunk("hello")) is None
    await settled()
    assert stream.taken.startswith(b"45\r\ndata: ")
    assert stream.taken.endswith(b"id: st:1\n\n\r\n")
    assert stream.waiting is None


@pytest.mark.gen_test
async def test_the_kernel_keeps_no_frame_back_to_send_it_with_the_next() -> None:
    stream = SlowStream()
    begun(stream)
    assert stream.is_prompt


@pytest.mark.gen_test
async def test_without_chunked_encoding_the_bytes_are_the_frames_alone() -> None:
    stream = SlowStream()
    delivery = begun(stream, is_chunked=False)
    stream.room = 10_000
    delivery.deliver(chunk("hello"))
    await settled()
    assert stream.taken.startswith(b"data: ")
    assert stream.taken.endswith(b"id: st:1\n\n")


@pytest.mark.gen_test
@pytest.mark.parametrize("room", [0, 1, 100_000])
async def test_the_rest_is_written_a_piece_after_the_other_and_nothing_is_lost(room: int) -> None:
    stream = SlowStream()
    delivery = begun(stream)
    stream.room = room
    assert delivery.deliver(chunk("x" * 300_000)) is None
    await settled()
    left = delivery.deliver(END)
    assert left is not None
    await settled()
    while not left.done():
        assert stream.waiting is not None
        if not stream.waiting.done():
            stream.waiting.set_result(None)
        await settled()
    assert stream.largest == PIECE_BYTES
    size, _, rest = bytes(stream.taken).partition(b"\r\n")
    assert rest[: int(size, 16)].count(b"x") == 300_000
    assert rest[int(size, 16) :].startswith(b"\r\n")
    assert rest.endswith(b'data: {"status":"complete"}\nid: st:2\n\n\r\n0\r\n\r\n')


@pytest.mark.gen_test
@pytest.mark.parametrize("is_slow", [False, True])
async def test_what_is_resumed_with_much_at_once_goes_by_pieces_too(is_slow: bool) -> None:
    stream = SlowStream()
    response = ResponseToOpen(stream, is_slow=is_slow)
    delivery = delivery_to(response)
    left = delivery.deliver(chunk("x" * 300_000))
    assert left is not None
    assert len(response.first) == PIECE_BYTES
    if is_slow:
        await settled()
        assert stream.taken == b""
        response.flushed.set_result(None)
    await settled()
    while not left.done():
        assert stream.waiting is not None
        stream.waiting.set_result(None)
        await settled()
    assert stream.largest == PIECE_BYTES
    assert (response.first + stream.taken).count(b"x") == 300_000


@pytest.mark.gen_test
async def test_a_client_that_takes_not_even_a_piece_is_stalled() -> None:
    delivery = begun(SlowStream(), stall_seconds=0.01)
    assert delivery.deliver(chunk("x" * 300_000)) is None
    await settled()
    left = delivery.deliver(chunk("more"))
    assert left is not None
    with pytest.raises(Stalled):
        await left


@pytest.mark.gen_test
async def test_that_a_client_has_gone_is_told_with_the_next_frame() -> None:
    stream = SlowStream()
    delivery = begun(stream)
    stream.is_closed = True
    assert delivery.deliver(chunk("hello")) is None
    await settled()
    left = delivery.deliver(chunk(" you"))
    assert left is not None
    with pytest.raises(StreamClosedError):
        await left


@pytest.mark.gen_test
async def test_a_frame_that_cannot_wait_takes_the_chunks_before_it_along() -> None:
    stream = SlowStream()
    delivery = begun(stream)
    stream.room = 10_000
    assert delivery.deliver(chunk("hello")) is None
    assert delivery.deliver(END) is None
    assert re.findall(rb'"status":"\w+"', stream.taken) == [b'"status":"streaming"', b'"status":"complete"']
    whole = bytes(stream.taken)
    await settled()
    assert stream.taken == whole


@pytest.mark.gen_test
@pytest.mark.parametrize("is_chunked", [True, False])
async def test_the_response_ends_once_and_with_the_last_frame(is_chunked: bool) -> None:
    stream = SlowStream()
    delivery = begun(stream, is_chunked=is_chunked)
    stream.room = 10_000
    delivery.deliver(END)
    told = bytes(stream.taken)
    assert told.endswith(b"id: st:2\n\n\r\n0\r\n\r\n" if is_chunked else b"id: st:2\n\n")
    delivery.end("finished")
    assert stream.taken == told


class Silent:
    """A dialect that has no words for anything."""

    def encode(self, frames: Iterable[AnyFrame]) -> bytes:
        return b""


@pytest.mark.gen_test
async def test_frames_that_a_dialect_has_no_words_for_are_no_end_of_the_response() -> None:
    stream = SlowStream()
    stream.room = 10_000
    delivery = delivery_to(ResponseToOpen(stream), wire=Silent())
    for frames in (chunk(""), chunk("hello"), END):
        assert delivery.deliver(frames) is None
    await settled()
    assert stream.taken == b""
    delivery.end("finished")
    assert stream.taken == b"0\r\n\r\n"


@pytest.mark.gen_test
async def test_chunks_of_many_streams_leave_together_when_all_of_them_are_there() -> None:
    streams = [SlowStream(), SlowStream()]
    rounds = Rounds(asyncio.get_running_loop())
    for stream in streams:
        stream.room = 10_000
        delivery = delivery_to(ResponseToOpen(stream), rounds=rounds)
        delivery.deliver([Frame({"status": "initializing"}, 0, is_durable=False)])
        delivery.deliver(chunk("hel"))
        delivery.deliver(chunk("lo"))
    assert [stream.taken for stream in streams] == [b"", b""]
    await settled()
    assert [stream.taken.count(b"data: ") for stream in streams] == [2, 2]


def test_whoever_reads_more_slowly_than_the_drain_waits_is_told_that_it_is_over() -> None:
    text = "Twenty-four characters.\n" * 400_000
    chunks = {"strategy": "characters", "size": 10_000}

    async def scenario(house: House) -> None:
        async with house.connect(receive_buffer=4_096) as slow:
            await house.begin(slow, chunking=chunks, pace="none")
            await slow.read_until("streaming")
            drained = asyncio.create_task(house.server.drain())
            (turn,) = house.server.rooms.book._every()
            await until(lambda: isinstance(turn.log.notice, Dismissed))
            frames = [frame async for frame in slow.frames()]
            assert (frames[-1].payload["status"], frames[-1].payload["code"]) == ("error", "shutting_down")
            assert sum(len(frame.payload["data"]) for frame in frames if frame.status == "streaming") < len(text)
            await drained

    with_server(saying(text), scenario, max_answer_characters=len(text))
