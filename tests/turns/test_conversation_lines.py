"""Who may begin in a conversation, on a scripted executor."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from streamchat.turns.book import BookLimits, TurnBook
from streamchat.turns.conversation_lines import ConversationBusy, LineLimits, NotReady
from streamchat.turns.events import Ended, Queued
from streamchat.turns.query import Query, TurnRules
from streamchat.turns.turn import Turn
from streamchat.turns.work_queue import TooBusy
from tests.fakes.houses import QUERY, HandHouse


class Desk:
    """A book whose turns are opened with a policy."""

    def __init__(self, **limits: int) -> None:
        self.hands = HandHouse()
        self.book = TurnBook(self.hands.house, BookLimits(), LineLimits(**limits))

    def open(self, on_busy: Any = "queue", *, conversation: str = "c", owner: str = "ada", **make: Any) -> Turn:
        query = Query(message="hello", username="ada", conversation_id=conversation)
        return self.book.open(query, owner=owner, rules=TurnRules(timeout_seconds=9.0, on_busy=on_busy), **make)

    @property
    def running(self) -> list[Any]:
        return self.hands.executor.running


def test_one_after_the_other_and_each_is_told_its_place() -> None:
    desk = Desk()
    turns = [desk.open() for _ in range(3)]
    assert (desk.running, desk.book.in_line) == ([turns[0]], 2)
    assert [turn.log.notice for turn in turns[1:]] == [Queued(position=n, estimated_wait=None) for n in (1, 2)]
    desk.hands.executor.finish(turns[0])
    assert (desk.running, desk.book.in_line) == ([turns[1]], 1)
    assert turns[2].log.notice == Queued(position=1, estimated_wait=None)
    desk.hands.executor.finish(turns[1])
    desk.hands.executor.finish(turns[2])
    assert (desk.running, desk.book.in_line, desk.book.running) == ([], 0, 0)
    assert desk.open("reject").started_at is not None


def test_a_deadline_does_not_run_while_a_turn_waits_in_line() -> None:
    desk = Desk()
    first, second = desk.open(), desk.open()
    desk.hands.clock.advance(8.0)
    desk.hands.executor.finish(first)
    desk.hands.clock.advance(8.0)
    assert second.ended is None
    desk.hands.clock.advance(2.0)
    assert second.ended is not None


def test_others_are_in_other_lines() -> None:
    desk = Desk()
    turns = [desk.open("reject"), desk.open("reject", conversation="d"), desk.open("reject", owner="bob")]
    assert desk.running == turns


def test_a_refused_one_has_not_happened() -> None:
    desk = Desk(max_in_line=1, max_waiting=2)
    desk.open()
    with pytest.raises(ConversationBusy):
        desk.open("reject")
    desk.open()
    with pytest.raises(ConversationBusy):
        desk.open()
    desk.open(conversation="d")
    desk.open(conversation="d")
    desk.open(conversation="e")
    with pytest.raises(TooBusy):
        desk.open(conversation="e")
    assert (desk.book.running, desk.book.in_line) == (5, 2)


def test_one_that_finds_no_worker_at_once_leaves_its_line_again() -> None:
    desk = Desk()
    desk.hands.executor.is_full = True
    with pytest.raises(TooBusy):
        desk.open()
    desk.hands.executor.is_full = False
    assert desk.open("reject").started_at is not None


def test_one_that_finds_no_worker_when_its_turn_has_come_ends_and_the_next_is_tried() -> None:
    desk = Desk()
    first, second, third = desk.open(), desk.open(), desk.open()
    desk.hands.executor.is_full = True
    desk.hands.executor.finish(first)
    for turn in (second, third):
        assert turn.ended is not None
        assert (turn.ended.code, turn.ended.reason) == ("overloaded", "no_worker")
    assert desk.book.running == 0


def test_one_that_was_let_run_beside_the_others_holds_up_those_behind_it() -> None:
    desk = Desk()
    first, second, beside = desk.open(), desk.open(), desk.open("run")
    last = desk.open()
    assert desk.running == [first, beside]
    desk.hands.executor.finish(first)
    assert desk.running == [beside, second]
    desk.hands.executor.finish(second)
    assert desk.running == [beside]
    desk.hands.executor.finish(beside)
    assert desk.running == [last]


@pytest.mark.gen_test
async def test_an_interrupt_stops_everybody_before_it_those_who_wait_at_once() -> None:
    desk = Desk()
    first, second = desk.open(), desk.open()
    third = desk.open("interrupt")
    for turn in (first, second):
        await turn.cancel()
        assert turn.ended is not None
        assert (turn.ended.cause, turn.ended.reason) == ("cancelled", "interrupted")
    assert desk.hands.executor.interrupted == [first]
    assert third.started_at is not None


@pytest.mark.gen_test
async def test_the_query_of_one_that_has_waited_is_made_anew() -> None:
    desk = Desk()

    async def renew() -> Query:
        return replace(second.query, message="hello again")

    first, second = desk.open(), desk.open(make_query=renew)
    desk.hands.executor.finish(first)
    assert second.started_at is None
    await finished(desk)
    assert (second.started_at is not None, second.query.message) == (True, "hello again")


def test_a_whole_query_that_need_not_wait_is_not_made_anew() -> None:
    desk = Desk()

    async def renew() -> Query:
        raise AssertionError

    assert desk.running == [desk.open(make_query=renew)]


@pytest.mark.gen_test
async def test_one_that_is_stopped_while_its_query_is_made_does_not_begin_and_the_next_does() -> None:
    desk = Desk()

    async def renew() -> Query:
        await second.cancel()
        return second.query

    first, second, third = desk.open(), desk.open(make_query=renew), desk.open()
    desk.hands.executor.finish(first)
    await finished(desk)
    assert second.started_at is None
    assert desk.running == [third]


@pytest.mark.gen_test
async def test_a_query_is_made_whole_before_its_function_begins_and_its_deadline_counts_from_there() -> None:
    desk, whole = Desk(), asyncio.Event()

    async def prepare() -> Query:
        await whole.wait()
        return replace(turn.query, message="whole")

    turn = desk.open(make_query=prepare, is_whole=False)
    await asyncio.sleep(0)
    desk.hands.clock.advance(100.0)
    assert (turn.started_at, turn.ended, desk.running) == (None, None, [])
    whole.set()
    await finished(desk)
    assert desk.running == [turn]
    assert turn.query.message == "whole"


@pytest.mark.gen_test
async def test_a_query_that_can_not_be_made_whole_ends_its_turn_as_it_says() -> None:
    desk = Desk()

    async def prepare() -> Query:
        raise NotReady(Ended(cause="error", code="attachment_unavailable", reason="attachment_too_large", detail="big"))

    first, second = desk.open(make_query=prepare, is_whole=False), desk.open()
    await finished(desk)
    assert first.ended is not None
    assert (first.ended.code, first.ended.reason) == ("attachment_unavailable", "attachment_too_large")
    assert desk.running == [second]


@pytest.mark.gen_test
async def test_making_a_query_whole_stops_with_its_turn() -> None:
    desk, begun, given_up = Desk(), asyncio.Event(), asyncio.Event()

    async def prepare() -> Query:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            given_up.set()
        return turn.query

    turn = desk.open(make_query=prepare, is_whole=False)
    await begun.wait()
    await turn.cancel()
    await given_up.wait()
    assert turn.started_at is None
    assert desk.open().started_at is not None


@pytest.mark.gen_test
async def test_queries_that_are_made_whole_take_places_of_those_that_wait() -> None:
    desk = Desk(max_waiting=2)

    async def prepare() -> Query:
        await asyncio.Event().wait()
        return QUERY

    turns = [desk.open(conversation=f"c{n}", make_query=prepare, is_whole=False) for n in range(2)]
    with pytest.raises(TooBusy):
        desk.open(conversation="c2", make_query=prepare, is_whole=False)
    assert ("ada", "c2") not in desk.book._lines._lines
    assert desk.book.running == 2
    assert desk.open(conversation="c3").started_at is not None
    for turn in turns:
        await turn.cancel()


@pytest.mark.gen_test
async def test_a_store_that_is_down_ends_the_one_that_needs_it(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()

    async def renew() -> Query:
        raise OSError("the disk is full")

    first, second, third = desk.open(), desk.open(make_query=renew), desk.open()
    desk.hands.executor.finish(first)
    await finished(desk)
    assert second.ended is not None
    assert (second.ended.code, second.ended.reason) == ("overloaded", "no_query")
    assert desk.running == [third]
    assert "could not be made" in caplog.text


async def finished(desk: Desk) -> None:
    """Wait for what the lines have begun in the background."""
    if beginning := tuple(desk.book._lines._beginning.values()):
        await asyncio.wait(beginning)
