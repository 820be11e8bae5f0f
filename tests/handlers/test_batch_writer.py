"""Records are written many at a time, behind everybody's back, within bounds."""

import asyncio

import pytest

from streamchat.handlers import batch_writer
from streamchat.handlers.batch_writer import BatchRules, BatchWriter
from streamchat.stores.database import StoreDown
from tests.handlers.house import until

FOR_EVER = 3_600.0


class Shelf:
    """A store in the test's hands: it notes what came together, and fails as often as it is told."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.attempts = 0
        self.errors: list[Exception] = []
        self.lost: list[tuple[str, str]] = []
        self.is_open = asyncio.Event()
        self.is_open.set()

    async def add(self, *records: str) -> None:
        self.attempts += 1
        await self.is_open.wait()
        if self.errors:
            raise self.errors.pop(0)
        self.batches.append(list(records))

    def lose(self, record: str, reason: str) -> None:
        self.lost.append((record, reason))

    def writer(self, **rules: float) -> "BatchWriter[str]":
        return BatchWriter("words", self.add, self.lose, characters_of=len, rules=BatchRules(**rules))


@pytest.fixture
def shelf(io_loop: object) -> Shelf:
    return Shelf()


def put(writer: "BatchWriter[str]", *words: str) -> None:
    for word in words:
        writer.put(word)


async def everything(writer: "BatchWriter[str]") -> None:
    await writer.settled(lambda _: True)


@pytest.mark.gen_test
async def test_what_comes_within_a_short_time_is_written_together_and_in_order(shelf: Shelf) -> None:
    writer = shelf.writer(gather_seconds=FOR_EVER)
    put(writer, "a", "b")
    await asyncio.sleep(0)
    put(writer, "c")
    assert shelf.batches == []
    await writer.close()
    assert shelf.batches == [["a", "b", "c"]]


@pytest.mark.gen_test
async def test_it_is_written_soon_though_nobody_asks_for_it(shelf: Shelf) -> None:
    put(shelf.writer(gather_seconds=0.0), "a")
    await until(lambda: shelf.batches == [["a"]])


@pytest.mark.gen_test
async def test_a_whole_batch_waits_for_no_more(shelf: Shelf) -> None:
    writer = shelf.writer(gather_seconds=FOR_EVER, max_batch=2)
    put(writer, *"abcde")
    await until(lambda: shelf.batches == [["a", "b"], ["c", "d"]])
    await everything(writer)
    assert shelf.batches[2:] == [["e"]]


@pytest.mark.gen_test
async def test_only_whoever_waits_for_a_record_makes_haste(shelf: Shelf) -> None:
    writer = shelf.writer(gather_seconds=FOR_EVER)
    put(writer, "a", "b")
    await writer.settled(lambda word: word == "c")
    assert shelf.batches == []
    await writer.settled(lambda word: word == "b")
    assert shelf.batches == [["a", "b"]]


@pytest.mark.gen_test
async def test_nobody_waits_for_ever_for_a_store_that_is_stuck(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_writer, "SETTLE_SECONDS", 0.0)
    writer = shelf.writer()
    shelf.is_open.clear()
    put(writer, "a")
    await everything(writer)
    assert shelf.batches == []
    shelf.is_open.set()
    await writer.close()
    assert shelf.batches == [["a"]]


@pytest.mark.gen_test
async def test_too_many_or_too_long_records_are_lost_and_there_is_room_again_once_they_are_written(
    shelf: Shelf,
) -> None:
    for rules in ({"max_waiting": 2}, {"max_waiting_characters": 7}):
        writer = shelf.writer(gather_seconds=FOR_EVER, **rules)
        put(writer, "four", "five", "six")
        assert shelf.lost == [("six", "too much waits to be written")]
        await everything(writer)
        put(writer, "seven")
        await writer.close()
        assert shelf.batches == [["four", "five"], ["seven"]]
        shelf.lost.clear()
        shelf.batches.clear()


@pytest.mark.gen_test
async def test_a_store_that_is_down_for_a_moment_is_asked_again(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_writer, "RETRY_SECONDS", 0.0)
    shelf.errors = [StoreDown("gone")] * (batch_writer.ATTEMPTS - 1)
    writer = shelf.writer()
    put(writer, "a")
    await writer.close()
    assert (shelf.batches, shelf.lost) == ([["a"]], [])


@pytest.mark.gen_test
async def test_a_store_that_stays_down_costs_the_batch_and_not_the_next_one(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_writer, "RETRY_SECONDS", 0.0)
    shelf.errors = [StoreDown("gone")] * batch_writer.ATTEMPTS
    writer = shelf.writer(max_batch=2)
    put(writer, *"abc")
    await writer.close()
    assert shelf.lost == [("a", "gone"), ("b", "gone")]
    assert shelf.batches == [["c"]]


@pytest.mark.gen_test
async def test_an_error_that_nobody_foresaw_is_logged_and_not_tried_again(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    shelf.errors = [RuntimeError("unforeseen")]
    writer = shelf.writer()
    put(writer, "a")
    await writer.close()
    assert (shelf.attempts, shelf.lost) == (1, [("a", "see above")])
    assert "unforeseen" in caplog.text


@pytest.mark.gen_test
async def test_what_a_stuck_store_has_not_taken_at_the_close_is_lost(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_writer, "CLOSE_SECONDS", 0.0)
    writer = shelf.writer(max_batch=1)
    shelf.is_open.clear()
    put(writer, "a", "b")
    await until(lambda: shelf.attempts == 1)
    await writer.close()
    assert [record for record, _ in shelf.lost] == ["a", "b"]


@pytest.mark.gen_test
async def test_nobody_waits_for_what_has_come_after_the_question(shelf: Shelf) -> None:
    writer = shelf.writer(gather_seconds=FOR_EVER, max_batch=1)
    put(writer, "first")
    waiting = asyncio.ensure_future(everything(writer))
    await asyncio.sleep(0)
    put(writer, "second")
    shelf.is_open.clear()
    await until(lambda: shelf.attempts == 1)
    shelf.is_open.set()
    await until(lambda: shelf.batches == [["first"]])
    shelf.is_open.clear()
    await waiting
    shelf.is_open.set()
    await writer.close()
    assert shelf.batches == [["first"], ["second"]]


@pytest.mark.gen_test
async def test_much_text_is_not_gathered_for_long(shelf: Shelf) -> None:
    writer = shelf.writer(gather_seconds=FOR_EVER, max_waiting_characters=400)
    put(writer, "x" * 101)
    await until(lambda: len(shelf.batches) == 1)
    await writer.close()
