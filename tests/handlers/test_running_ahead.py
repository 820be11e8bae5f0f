"""How far a function gets ahead of a client that is slow, or does not read: to the end of what an answer may be.

A function never waits for its reader, who would hold a worker then. So the bound is the answer's, not the reader's:
``--max-answer-characters``, and what is under way between the function's thread and the log.
"""

from collections.abc import Iterator

import pytest

from streamchat.turns.log import BYTES_PER_CHARACTER, BYTES_PER_FACT
from streamchat.turns.threads import UNDELIVERED_FACTS
from tests.handlers.house import ALICE, CHAT_DOORS, House, answer_in, authorized, statuses, until, with_server
from tests.handlers.raw_client import Connection, CutShort, Frame

PIECE = "x" * 999 + "\n"
PIECES = 100_000  # 100 MB
MOST = 1_000  # pieces of an answer that may be
CHUNKS = {"strategy": "characters", "size": len(PIECE)}
# Less than one piece: whoever does not read has the server wait at once.
RECEIVE_BUFFER = 1_024


class Flood:
    """A function that makes 100 MB as fast as it can; ``made`` counts the pieces it got rid of, and one more."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, message: str) -> Iterator[str]:
        if message != "flood":
            yield f"{message} is answered"
            return
        for _ in range(PIECES):
            self.made += 1
            yield PIECE


async def others_are_answered(house: House) -> None:
    """At every door, while the flood's client does not read."""
    for door in CHAT_DOORS:
        response = await house.ask(door, message="Another")
        answer = response.json["data"] if door == "/api/chat" else answer_in(response.frames)
        assert answer == "Another is answered"


async def check_bounds(house: House, flood: Flood, stream_id: str, most: int) -> None:
    """The function is over soon after the most there may be, and its log holds no more than that."""
    await until(lambda: house.server.rooms.vitals.executor_statistics().busy == 0)
    assert most <= flood.made <= most + UNDELIVERED_FACTS + 2
    log = house.server.rooms.book.find(stream_id, owner="alice").log
    assert len(log) <= most + 2
    assert log.bytes <= most * len(PIECE) * BYTES_PER_CHARACTER + len(log) * BYTES_PER_FACT


async def follow(house: House, stream_id: str, last: str) -> list[Frame]:
    return (await house.get(f"/api/streams/{stream_id}", Last_Event_ID=last)).frames


def test_a_client_that_does_not_read_lets_a_function_go_no_further_than_an_answer_may() -> None:
    flood = Flood()

    async def scenario(house: House) -> None:
        async with house.connect(RECEIVE_BUFFER) as deaf:
            stream_id = await house.begin(deaf, message="flood", chunking=CHUNKS)
            seen = await deaf.read_until("streaming")
            await others_are_answered(house)
            await check_bounds(house, flood, stream_id, MOST)
            await house.has_no_readers()  # by the stall limit: nothing else closes it
            with pytest.raises(CutShort):
                seen += [frame async for frame in deaf.frames()]
        missed = await follow(house, stream_id, seen[-1].id)
        assert answer_in(seen + missed) == PIECE * MOST
        assert missed[-1].payload["code"] == "processing_error"

    with_server(flood, scenario, max_answer_characters=MOST * len(PIECE), stall=1.0)


def test_a_client_that_reads_little_by_little_gets_all_of_it_and_nobody_waits_for_it() -> None:
    flood = Flood()

    async def scenario(house: House) -> None:
        async with house.connect(RECEIVE_BUFFER) as slow:
            stream_id = await house.begin(slow, message="flood", chunking=CHUNKS)
            frames = await slow.read_until("streaming")
            for _ in range(10):
                frames.append(await next_frame(slow))
                await others_are_answered(house)
            await check_bounds(house, flood, stream_id, MOST)
            frames += [frame async for frame in slow.frames()]
        assert answer_in(frames) == PIECE * MOST
        assert (statuses(frames)[-1], frames[-1].payload["code"]) == ("error", "processing_error")

    with_server(flood, scenario, max_answer_characters=MOST * len(PIECE))


@pytest.mark.slow
def test_where_100_mb_may_be_an_answer_it_is_made_without_its_client_and_holds_no_worker() -> None:
    flood = Flood()

    async def scenario(house: House) -> None:
        async with house.connect(RECEIVE_BUFFER) as deaf:
            stream_id = await house.begin(deaf, message="flood", chunking=CHUNKS)
            seen = await deaf.read_until("streaming")
            await others_are_answered(house)
            await check_bounds(house, flood, stream_id, PIECES)
            await others_are_answered(house)
            await house.has_no_readers()
        async with house.connect() as again:
            headers = authorized(ALICE) | {"Last-Event-ID": seen[-1].id}
            await again.send("GET", f"/api/streams/{stream_id}", headers=headers)
            await again.read_head(method="GET")
            assert answer_in([await next_frame(again) for _ in range(50)]) == PIECE * 50
        await others_are_answered(house)

    with_server(flood, scenario, max_answer_characters=PIECES * len(PIECE), stall=1.0)


async def next_frame(connection: Connection) -> Frame:
    frame = await connection.read_frame()
    assert frame is not None
    return frame
