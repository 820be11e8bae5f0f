import asyncio
from typing import Any

import pytest

from streamchat.turns.book import (
    BookLimits,
    KeyReused,
    ShuttingDown,
    TurnBook,
    TurnGone,
    UnknownTurn,
)
from streamchat.turns.events import Answer, Ended, Withdrawn
from streamchat.turns.query import Query, TurnRules
from streamchat.turns.turn import Turn
from streamchat.turns.work_queue import TooBusy
from tests.fakes.executors import COMPLETE, ScriptedExecutor
from tests.fakes.houses import HandHouse

QUERY = Query(message="hello", username="ada")
RULES = TurnRules(timeout_seconds=150.0)


class Library:
    """A book in a hand-moved house."""

    def __init__(self, executor: ScriptedExecutor | None = None, **limits: Any) -> None:
        self.hands = HandHouse(executor=executor)
        self.book = TurnBook(self.hands.house, BookLimits(**limits))

    def open(self, owner: str = "ada", **key: Any) -> Turn:
        return self.book.open(QUERY, owner=owner, rules=RULES, **key)

    def finished(self, owner: str = "ada", text: str = "", **key: Any) -> Turn:
        turn = self.open(owner, **key)
        if text:
            turn.record(Answer(text=text))
        self.hands.executor.finish(turn)
        return turn


def test_a_turn_is_running_then_remembered_then_forgotten() -> None:
    library = Library(remember_seconds=600.0)
    turn = library.open()
    assert library.book.find(turn.id, owner="ada") is turn
    assert (library.book.running, library.book.remembered) == (1, 0)
    library.hands.executor.finish(turn)
    assert library.book.find(turn.id, owner="ada") is turn
    assert (library.book.running, library.book.remembered) == (0, 1)
    library.hands.clock.advance(600.0)
    assert library.book.find(turn.id, owner="ada") is turn
    library.hands.clock.advance(1.0)
    with pytest.raises(TurnGone):
        library.book.find(turn.id, owner="ada")
    assert (library.book.running, library.book.remembered) == (0, 0)


def test_a_running_turn_is_never_forgotten() -> None:
    library = Library(remember_seconds=0.0, max_remembered_turns=0, max_remembered_bytes=0)
    turn = library.open()
    turn.record("x" * 1_000)
    library.hands.clock.advance(100.0)
    assert library.book.find(turn.id, owner="ada") is turn


def test_the_latest_of_a_conversations_running_turns_is_found_by_its_owner_alone() -> None:
    library = Library()
    assert library.book.running_in("", owner="ada") is None
    first, second = library.open(), library.open()
    library.open("bob")
    assert library.book.running_in("", owner="ada") is second
    assert library.book.running_in("another", owner="ada") is None
    library.hands.executor.finish(second)
    assert library.book.running_in("", owner="ada") is first
    library.hands.executor.finish(first)
    assert library.book.running_in("", owner="ada") is None


def test_ids_are_unlike_and_safe_in_an_url() -> None:
    library = Library()
    ids = {library.open().id for _ in range(200)}
    assert len(ids) == 200
    assert all(turn_id.startswith("st_") and turn_id.replace("-", "_").isidentifier() for turn_id in ids)


def test_what_belongs_to_someone_else_does_not_exist() -> None:
    library = Library(remember_seconds=10.0)
    running, remembered = library.open("ada"), library.finished("ada")
    for turn in (running, remembered):
        with pytest.raises(UnknownTurn):
            library.book.find(turn.id, owner="eve")
    library.hands.clock.advance(11.0)
    with pytest.raises(TurnGone):
        library.book.find(remembered.id, owner="ada")
    with pytest.raises(UnknownTurn):
        library.book.find(remembered.id, owner="eve")


@pytest.mark.parametrize("turn_id", ["", "st_nobody", "st_\0", "x" * 10_000, "../etc"])
def test_what_never_was_is_unknown(turn_id: str) -> None:
    with pytest.raises(UnknownTurn):
        Library().book.find(turn_id, owner="ada")


# Idempotency keys.


def test_a_key_finds_the_turn_it_opened_as_long_as_it_is_known() -> None:
    library = Library(remember_seconds=10.0)
    assert library.book.opened_with("k", owner="ada", fingerprint="f") is None
    turn = library.open(key="k", fingerprint="f")
    assert library.book.opened_with("k", owner="ada", fingerprint="f") is turn
    library.hands.executor.finish(turn)
    assert library.book.opened_with("k", owner="ada", fingerprint="f") is turn


def test_a_key_whose_turn_is_forgotten_never_runs_again() -> None:
    library = Library(remember_seconds=10.0)
    library.finished(key="k", fingerprint="f")
    library.hands.clock.advance(11.0)
    with pytest.raises(TurnGone):
        library.book.opened_with("k", owner="ada", fingerprint="f")


def test_a_key_is_refused_for_another_question() -> None:
    library = Library()
    library.open(key="k", fingerprint="f")
    with pytest.raises(KeyReused):
        library.book.opened_with("k", owner="ada", fingerprint="another")


def test_two_callers_may_use_the_same_key() -> None:
    library = Library()
    adas = library.open("ada", key="k", fingerprint="f")
    assert library.book.opened_with("k", owner="eve", fingerprint="f") is None
    eves = library.open("eve", key="k", fingerprint="g")
    assert library.book.opened_with("k", owner="ada", fingerprint="f") is adas
    assert library.book.opened_with("k", owner="eve", fingerprint="g") is eves


def test_a_key_that_found_no_room_is_free_again() -> None:
    library = Library()
    library.hands.executor.is_full = True
    with pytest.raises(TooBusy):
        library.open(key="k", fingerprint="f")
    assert library.book.opened_with("k", owner="ada", fingerprint="f") is None


def test_keys_are_forgotten_with_the_ids_of_their_turns() -> None:
    library = Library(remember_seconds=10.0, max_forgotten_ids=2)
    for number in range(5):
        library.finished(key=f"k{number}", fingerprint="f")
    library.hands.clock.advance(11.0)
    library.open()
    assert library.book.opened_with("k0", owner="ada", fingerprint="f") is None
    with pytest.raises(TurnGone):
        library.book.opened_with("k4", owner="ada", fingerprint="f")
    assert len(library.book._keys) == len(library.book._keys_of) == len(library.book._forgotten) == 2


# Bounds.


def test_past_the_number_of_turns_the_oldest_are_forgotten() -> None:
    library = Library(max_remembered_turns=3)
    turns = [library.finished() for _ in range(5)]
    assert library.book.remembered == 3
    for turn in turns[:2]:
        with pytest.raises(TurnGone):
            library.book.find(turn.id, owner="ada")
    assert library.book.find(turns[2].id, owner="ada") is turns[2]


def test_past_the_number_of_bytes_the_oldest_are_forgotten() -> None:
    library = Library(max_remembered_bytes=100_000)
    turns = [library.finished(text="x" * 20_000) for _ in range(4)]
    assert library.book.remembered == 2
    assert 80_000 <= library.book.log_bytes <= 100_000
    assert library.book.find(turns[3].id, owner="ada") is turns[3]
    library.finished(text="x" * 50_001)
    assert (library.book.remembered, library.book.log_bytes) == (0, 0)


def test_bytes_of_running_turns_are_counted_too() -> None:
    library = Library()
    library.open().record("x" * 50_000)
    library.finished(text="x" * 30_000)
    assert 160_000 <= library.book.log_bytes <= 162_000


def test_attachments_of_running_turns_are_bounded_and_forgotten_at_the_end() -> None:
    library = Library(max_attached_bytes=10)
    first, second = library.open(attached_bytes=6), library.open(attached_bytes=4)
    assert library.book.attached_bytes == 10
    with pytest.raises(TooBusy):
        library.open(attached_bytes=1)
    assert library.book.running == 2
    library.hands.executor.finish(library.open())
    library.hands.executor.finish(first)
    assert library.book.attached_bytes == 4
    library.hands.executor.finish(library.open(attached_bytes=6))
    library.hands.executor.finish(second)
    assert library.book.attached_bytes == 0


def test_a_turn_that_finds_no_worker_holds_no_attachments() -> None:
    library = Library(max_attached_bytes=10)
    library.hands.executor.is_full = True
    with pytest.raises(TooBusy):
        library.open(attached_bytes=6)
    assert library.book.attached_bytes == 0


def test_a_turn_that_is_read_is_never_forgotten() -> None:
    async def scenario() -> None:
        library = Library(remember_seconds=0.0, max_remembered_turns=0)
        turn = library.open()
        reader = turn.open_reader()
        library.hands.executor.finish(turn)
        library.finished()
        assert library.book.find(turn.id, owner="ada") is turn
        assert library.book.readers == 1
        reader.close()
        with pytest.raises(TurnGone):
            library.book.find(turn.id, owner="ada")

    asyncio.run(scenario())


@pytest.mark.gen_test
async def test_turns_that_are_read_hide_none_that_must_go() -> None:
    library = Library(remember_seconds=10.0)
    read = [library.open() for _ in range(100)]
    readers = [turn.open_reader() for turn in read]
    for turn in read:
        library.hands.executor.finish(turn)
    unread = library.finished()
    library.hands.clock.advance(11.0)
    for _ in range(2):  # one look goes past no more than so many
        library.open()
    with pytest.raises(TurnGone):
        library.book.find(unread.id, owner="ada")
    assert (library.book.remembered, library.book.readers) == (100, 100)
    assert library.book.find(read[0].id, owner="ada") is read[0]
    for reader in readers:
        reader.close()
    for _ in range(2):
        library.open()
    assert library.book.remembered == 0


@pytest.mark.gen_test
async def test_a_turn_that_is_read_once_more_can_be_forgotten_when_the_last_reader_has_left() -> None:
    library = Library(remember_seconds=10.0)
    turn = library.finished()
    first, second = turn.open_reader(), turn.open_reader()
    library.hands.clock.advance(11.0)
    for reader in (first, second):
        assert library.book.find(turn.id, owner="ada") is turn
        reader.close()
    with pytest.raises(TurnGone):
        library.book.find(turn.id, owner="ada")


def test_even_what_is_forgotten_is_bounded() -> None:
    library = Library(max_remembered_turns=0, max_forgotten_ids=3)
    turns = [library.finished() for _ in range(5)]
    kinds = []
    for turn in turns:
        with pytest.raises(LookupError) as raised:
            library.book.find(turn.id, owner="ada")
        kinds.append(raised.type)
    assert kinds == [UnknownTurn, UnknownTurn, TurnGone, TurnGone, TurnGone]


def test_a_turn_that_finds_no_room_leaves_nothing_behind() -> None:
    library = Library()
    library.hands.executor.is_full = True
    with pytest.raises(TooBusy) as refused:
        library.open()
    assert refused.value.retry_after == 3.0
    assert (library.book.running, library.book.remembered, library.hands.clock.pending) == (0, 0, [])


# The end of the day.


def test_a_book_that_drains_takes_no_new_turns_and_keeps_the_old() -> None:
    library = Library()
    turn = library.open()
    library.book.drain()
    assert library.book.is_draining
    with pytest.raises(ShuttingDown):
        library.open()
    assert library.book.find(turn.id, owner="ada") is turn


def test_shutdown_ends_every_turn_once_waiting_ones_too() -> None:
    library = Library(ScriptedExecutor(holds_back=True))
    executor = library.hands.executor
    running, waiting = [library.open() for _ in range(3)], [library.open() for _ in range(3)]
    for turn in running:
        executor.start(turn)
    library.book.shut_down()
    assert library.book.running == 0
    assert [turn.ended.code for turn in running + waiting if turn.ended] == ["shutting_down"] * 6
    assert len(library.hands.observer.ended) == 6
    assert executor.ever_started == running
    library.book.shut_down()
    assert len(library.hands.observer.ended) == 6


class FillsItsPlaces(ScriptedExecutor):
    """Starts the next that waits on the place of one that is stopped, as a bounded pool does."""

    def interrupt(self, job: Any) -> None:
        was_running = job in self.running
        super().interrupt(job)
        if was_running and self.waiting:
            self.start(self.waiting[0])


def test_shutdown_does_not_start_anything_on_the_place_of_what_it_ends() -> None:
    library = Library(FillsItsPlaces(holds_back=True))
    first = library.open()
    for _ in range(3):
        library.open()
    library.hands.executor.start(first)
    library.book.shut_down()
    assert library.hands.executor.ever_started == [first]
    assert library.book.running == 0


@pytest.mark.gen_test
async def test_settling_waits_for_the_last_turn_and_the_last_reader() -> None:
    library = Library()
    turn = library.open()
    reader = turn.open_reader()
    assert library.book.readers == 1
    settled = asyncio.create_task(library.book.settle(asyncio.get_running_loop().time() + 60.0))
    library.hands.executor.finish(turn)
    for _ in range(5):
        await asyncio.sleep(0)
    assert not settled.done()
    reader.close()
    await settled
    assert library.book.readers == 0


@pytest.mark.gen_test
async def test_settling_an_idle_book_is_done_at_once() -> None:
    library = Library()
    library.finished()
    await library.book.settle(asyncio.get_running_loop().time() + 60.0)


@pytest.mark.gen_test
async def test_settling_gives_up_at_its_time() -> None:
    library = Library()
    turn = library.open()
    await library.book.settle(asyncio.get_running_loop().time())
    assert turn.ended is None


@pytest.mark.gen_test
async def test_shutdown_withdraws_what_is_still_being_shown() -> None:
    library = Library()
    turn = library.open()
    turn.open_reader()
    library.hands.executor.finish(turn)
    library.book.shut_down()
    assert turn.log.read(0)[-1][1] == Withdrawn(cause="error", code="shutting_down")


@pytest.mark.gen_test
async def test_an_end_that_was_told_to_the_book_twice_is_remembered_once() -> None:
    library = Library()
    turn = library.open()
    reader = turn.open_reader()
    library.hands.executor.finish(turn)
    turn.returned(Ended(cause="error", code="processing_error", reason="raised"))
    reader.close()
    assert (library.book.remembered, turn.ended) == (1, COMPLETE)


@pytest.mark.gen_test
async def test_what_a_withdrawal_adds_to_a_log_leaves_nothing_behind_when_it_is_forgotten() -> None:
    library = Library(remember_seconds=10.0)
    turn = library.open()
    turn.record("x" * 1_000)
    reader = turn.open_reader()
    library.hands.executor.finish(turn)
    await turn.cancel()
    reader.close()
    library.hands.clock.advance(11.0)
    with pytest.raises(TurnGone):
        library.book.find(turn.id, owner="ada")
    assert library.book.log_bytes == 0
