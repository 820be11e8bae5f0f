"""Keeps one record of each turn for the analytics. An observer: an answer never waits for it, or fails with it.

The record is made when the turn has ended and its first reader is done, or at the end when nobody reads it then. What
comes later (a resume, a second tab, a repeated POST) adds nothing: a turn is counted once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from weakref import WeakKeyDictionary

from streamchat.handlers.batch_writer import BatchRules, BatchWriter
from streamchat.stores.analytics import AnalyticsStore, Cause, TurnRecord
from streamchat.turns.events import Ended
from streamchat.turns.observer import Delivery, Stage
from streamchat.turns.turn import Turn

# Nobody is held up by a figure that comes a moment later: fewer transactions.
RULES = BatchRules(gather_seconds=1.0, max_batch=500, max_waiting=20_000)

_logger = logging.getLogger("streamchat.analytics")


@dataclass(slots=True)
class _Story:
    """What is known of a turn so far. ``first`` is the first reader's delivery, ``last`` the latest one."""

    seconds: dict[Stage, float] = field(default_factory=dict)
    asked_at: datetime | None = None
    first: Delivery | None = None
    last: Delivery | None = None


class AnalyticsRecorder:
    """An Observer. ``count_lost`` is called for each record that could not be kept."""

    def __init__(self, analytics: AnalyticsStore, count_lost: Callable[[], None], rules: BatchRules = RULES) -> None:
        self._count_lost = count_lost
        self._records: BatchWriter[TurnRecord] = BatchWriter("turn records", analytics.add, self._lose, rules=rules)
        # Turns without a record. Weak: a turn that the book forgets before its reader is done leaves nothing here.
        self._stories: WeakKeyDictionary[Turn, _Story] = WeakKeyDictionary()

    def stage_left(self, turn: Turn, stage: Stage, seconds: float) -> None:
        self._story(turn).seconds[stage] = seconds

    def turn_ended(self, turn: Turn) -> None:
        assert turn.ended_at is not None
        story = self._story(turn)
        story.asked_at = datetime.now(UTC) - timedelta(seconds=turn.ended_at - turn.accepted_at)
        if not turn.reader_count:
            self._record(turn, story)

    def delivered(self, turn: Turn, delivery: Delivery) -> None:
        if turn.ended is not None and turn not in self._stories:
            return  # it has its record
        story = self._story(turn)
        story.first, story.last = story.first or delivery, delivery
        if turn.ended is not None:
            self._record(turn, story)

    async def settled(self) -> None:
        """Have written at once what waits, for whoever reads figures; but see `BatchWriter.settled`."""
        await self._records.settled(lambda _: True)

    async def close(self) -> None:
        """Have written what waits, turns whose reader never came to its end included."""
        for turn, story in list(self._stories.items()):
            if turn.ended is not None:
                self._record(turn, story)
        await self._records.close()

    def _story(self, turn: Turn) -> _Story:
        story = self._stories.get(turn)
        if story is None:
            story = self._stories[turn] = _Story()
        return story

    def _record(self, turn: Turn, story: _Story) -> None:
        del self._stories[turn]
        self._records.put(_record(turn, story))

    def _lose(self, record: TurnRecord, reason: str) -> None:
        self._count_lost()
        _logger.error("the record of a turn of %s is lost: %s", record.caller, reason)


def _record(turn: Turn, story: _Story) -> TurnRecord:
    assert story.asked_at is not None
    seconds, view = story.seconds, turn.rules.view
    # What counts from a resume's own request says nothing about how long the question took.
    shown = story.first if story.first is not None and not story.first.resumed else None
    streamed = shown.streaming_seconds if shown is not None and shown.chunks else None
    cause, code = _end(turn, story.last)
    return TurnRecord(
        asked_at=story.asked_at,
        door=turn.rules.door,
        profile=turn.query.username,
        caller=turn.owner,
        lang=view.lang,
        pace=view.pace,
        cause=cause,
        code=code,
        accepted_seconds=seconds.get("accepted"),
        queued_seconds=seconds.get("queued"),
        processing_seconds=seconds.get("processing"),
        streaming_seconds=streamed,
        total_seconds=_own_seconds(turn) if shown is None else shown.total_seconds,
        first_frame_seconds=None if shown is None else shown.first_frame_seconds,
        first_answer_seconds=None if shown is None else _first_answer_seconds(shown),
        characters=turn.characters if shown is None else shown.characters,
        chunks=0 if shown is None else shown.chunks,
        characters_per_second=None if shown is None else shown.characters_per_second,
    )


def _own_seconds(turn: Turn) -> float:
    """From the request to the end of the work, where no response tells of its own end."""
    assert turn.ended_at is not None
    return turn.rules.accepting_seconds + turn.ended_at - turn.accepted_at


def _first_answer_seconds(shown: Delivery) -> float | None:
    """Until the first chunk; where an answer comes in one piece, until all of it."""
    in_one_piece = shown.end == "complete" and not shown.frames
    return shown.total_seconds if in_one_piece else shown.first_chunk_seconds


def _end(turn: Turn, last: Delivery | None) -> tuple[Cause, str]:
    """How it ended for whoever asked, with an error's code: as the work did, or as the showing of its answer did."""
    match turn.ended, last:
        case Ended(cause="complete"), Delivery(leaving="finished", end="error", code=code):
            return _error(code)
        case Ended(cause="complete"), Delivery(leaving="finished", end="cancelled"):
            return "cancelled", ""
        case Ended(cause="complete"), Delivery(leaving="failed"):
            return _error("internal_error")
        case Ended(cause="complete"), Delivery(leaving="client_gone" | "stalled" as leaving):
            return leaving, ""
        case Ended(cause="error", code=code), _:
            return _error(code)
        case Ended(cause="cancelled", reason="client_gone"), _:
            return "client_gone", ""
        case Ended(cause=cause), _:
            return cause, ""
    raise AssertionError("a turn is recorded when it has ended")


def _error(code: str) -> tuple[Cause, str]:
    return ("shutdown" if code == "shutting_down" else "error"), code
