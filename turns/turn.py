"""One question's life: accepted, queued, processing under a deadline, answering, exactly one end.

The turn writes facts into its log; readers show them. Nothing flows back but ``cancel`` and ``give_input``.
Everything here runs on the loop. Knows no HTTP, and not where or how its function runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from streamchat.turns.deadline import Deadline
from streamchat.turns.events import (
    Answer,
    Dismissed,
    Ended,
    Fact,
    InputRequired,
    Notice,
    QuestionExpired,
    Started,
    Usage,
    Withdrawn,
    WorkerState,
    size_of,
)
from streamchat.turns.house import House
from streamchat.turns.inputs import InvalidInput, NoInputExpected
from streamchat.turns.interaction import Interaction
from streamchat.turns.log import EventLog, MemoryLog
from streamchat.turns.query import Query, TurnRules
from streamchat.turns.reader import Reader
from streamchat.turns.readership import Readership, patience_of
from streamchat.turns.token_count import TokenCount
from streamchat.turns.work import Work

CancelState = Literal["cancelled", "cancelling", "finished"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueState:
    """What a cancel has really brought about."""

    state: CancelState
    worker: WorkerState


class Turn:
    """A turn. ``ended`` is set once, by ``_end`` alone; times are ``clock()`` seconds, None until then.

    ``on_change`` is called when the turn has ended and whenever a reader has left it.
    """

    __slots__ = (
        "__weakref__",
        "_deadline",
        "_house",
        "_interaction",
        "_on_change",
        "_readership",
        "_stopping",
        "_tokens",
        "_work",
        "accepted_at",
        "answered_at",
        "characters",
        "context",
        "ended",
        "ended_at",
        "id",
        "log",
        "owner",
        "query",
        "rules",
        "started_at",
    )

    def __init__(
        self,
        turn_id: str,
        *,
        query: Query,
        owner: str,
        rules: TurnRules,
        house: House,
        on_change: Callable[[Turn], None],
    ) -> None:
        self.id = turn_id
        self.query = query
        self.owner = owner
        self.rules = rules
        self.context = copy_context()
        self.log: EventLog = MemoryLog()
        self.accepted_at = house.clock()
        self.started_at: float | None = None
        self.answered_at: float | None = None
        self.ended_at: float | None = None
        self.ended: Ended | None = None
        self.characters = 0
        self._house = house
        self._on_change = on_change
        self._deadline = Deadline(house.call_later, house.clock, self._time_out)
        self._interaction: Interaction | None = None  # made for the first word between function and user
        self._tokens: TokenCount | None = None  # made for the first count
        patience = patience_of(rules.on_disconnect, house.limits.linger_seconds)
        self._readership = Readership(house.call_later, patience)
        self._stopping: asyncio.Task[None] | None = None
        self._work = Work(house.executor)

    def submit(self) -> None:
        """Hand the question to the executor; TooBusy when there is no room, and nothing has happened."""
        self._work.submit(self)

    def open_reader(self) -> Reader:
        """A new cursor on the log. Whoever opens it closes it."""
        self._readership.came()
        return Reader(
            self.log,
            accepted_at=self.accepted_at,
            clock=self._house.clock,
            ticker=self._house.ticker,
            on_close=self._reader_closed,
        )

    @property
    def reader_count(self) -> int:
        """Open readers."""
        return self._readership.count

    async def cancel(self) -> TrueState:
        """Stop the work itself; asking again joins the first time. Tells the truth about the worker.

        When the work has ended but its answer is still being shown, the rest is withheld.
        """
        if self.ended is None:
            await asyncio.shield(self._begin_to_stop("owner"))
        elif self.reader_count:
            self._withdraw("cancelled")
        return self.true_state

    def give_input(self, value: Any, request_id: str | None = None) -> None:  # noqa: ANN401 - any JSON value
        """Answer an open question, the one there is when none is named; else say something to the function.

        The answer of a question once more is harmless. Raises NoInputExpected or InvalidInput: nothing has happened.
        """
        is_at_work = self.started_at is not None and self.ended is None and self._stopping is None
        try:
            self._talk().give(value, request_id, takes_unasked=is_at_work and self._house.has_inbox)
        except (NoInputExpected, InvalidInput):
            self._house.inputs.results["refused"] += 1
            raise

    @property
    def waited_seconds(self) -> float:
        """How long the function has waited for its user so far."""
        return 0.0 if self._interaction is None else self._interaction.waited_seconds

    @property
    def usage(self) -> Usage | None:
        """The tokens that the function has counted so far; None when it counts none."""
        return None if self._tokens is None else self._tokens.latest

    def give_way(self) -> None:
        """Stop the work because the user has asked something else in this conversation."""
        if self.ended is None:
            self._begin_to_stop("interrupted")

    @property
    def true_state(self) -> TrueState:
        """What a cancel would answer now."""
        was_cancelled = self.log.is_withdrawn or (self.ended is not None and self.ended.cause == "cancelled")
        if not was_cancelled:
            return TrueState(state="finished", worker=self.worker)
        state: CancelState = "cancelled" if self.worker == "ended" else "cancelling"
        return TrueState(state=state, worker=self.worker)

    @property
    def worker(self) -> WorkerState:
        """Whether the function is still running, whatever became of the turn."""
        return "ended" if self.started_at is None or self._work.has_returned else "running"

    def shut_down(self) -> None:
        """End at once because the server does; an answer that is still being shown is cut with a clear frame."""
        if self.ended is None:
            self._end(Ended(cause="error", code="shutting_down", reason="shutdown"))
            self._work.interrupt(self)
        elif self.reader_count:
            self._withdraw("shutting_down")

    def dismiss(self) -> None:
        """Tell whoever still reads that it is over: what they have not been given by now can be given no more."""
        self.log.notify(Dismissed())

    # What the executor calls, on the loop.

    def started(self) -> float:
        """A worker begins: the deadline counts from here. Returns it, in ``clock()`` seconds."""
        now = self.started_at = self._house.clock()
        self._append(Started())
        self._house.observer.stage_left(self, "accepted", self.rules.accepting_seconds)
        self._house.observer.stage_left(self, "queued", now - self.accepted_at)
        return self._deadline.start(self.rules.timeout_seconds)

    def record(self, fact: Fact) -> None:
        """Take a fact from the function; one that comes after the end, or after a stop, is dropped."""
        if self.ended is not None or self._stopping is not None:
            return
        size, limits = len(fact) if isinstance(fact, str) else size_of(fact), self._house.limits
        if self.log.size + size > limits.max_answer_characters or len(self.log) >= limits.max_facts:
            self._end_too_long()
            return
        # Asked first, because nearly every fact is such.
        if isinstance(fact, (str, Answer)):
            if self.answered_at is None:
                self._answering()
            self.characters += size
            self._append(fact)
            return
        match fact:
            case InputRequired():
                self._talk().asked(fact, can_answer=self.rules.can_answer)
            case QuestionExpired(request_id=request_id):
                self._talk().expire(request_id)
            case Usage():
                self._count(fact)
            case _:
                self._append(fact)

    def notify(self, notice: Notice) -> None:
        """Take how things stand; nobody is told after the end."""
        if self.ended is None:
            self.log.notify(notice)

    def returned(self, ended: Ended) -> None:
        """The function is over. The first end wins: a stop or a timeout that came before keeps its own."""
        self._work.returned()
        if self.ended is None and self._stopping is None:
            if ended.cause == "complete":
                self._answering()
            elif ended.cause == "error" and self._deadline.is_over:
                # A function that watches the time itself may be a moment before the timer.
                ended = Ended(cause="timeout", code="timeout", reason="deadline", detail=ended.detail)
            self._end(ended)

    def _end_too_long(self) -> None:
        """The function has produced more than a turn may hold."""
        limits = self._house.limits
        bound = f"{limits.max_answer_characters} characters or {limits.max_facts} facts"
        self._end(Ended(cause="error", code="processing_error", reason="too_long", detail=f"more than {bound}"))
        self._work.interrupt(self)

    def _talk(self) -> Interaction:
        if self._interaction is None:
            house = self._house
            self._interaction = Interaction(
                limits=house.limits.inputs,
                tally=house.inputs,
                call_later=house.call_later,
                clock=house.clock,
                deadline=self._deadline,
                append=self._append,
                hand_in=partial(house.executor.hand_in, self),
            )
        return self._interaction

    def _count(self, usage: Usage) -> None:
        if self._tokens is None:
            self._tokens = TokenCount(append=self._append, call_later=self._house.call_later)
        self._tokens.count(usage)

    # How a turn ends.

    def _begin_to_stop(self, reason: str) -> asyncio.Task[None]:
        """The one stop of this turn: who comes later joins it, and the first reason stays."""
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._stop(reason), name=f"stop {self.id}")
        return self._stopping

    async def _stop(self, reason: str) -> None:
        if self._interaction is not None:
            self._interaction.close()
        await self._work.stop(self, self._house.limits.cancel_grace_seconds)
        if self.ended is None:
            self._end(Ended(cause="cancelled", code="cancelled", reason=reason))

    def _time_out(self) -> None:
        if self.ended is None:
            self._end(Ended(cause="timeout", code="timeout", reason="deadline"))
            self._work.interrupt(self)

    def _end(self, ended: Ended) -> None:
        worker = self.worker
        self.ended = ended if ended.worker == worker else replace(ended, worker=worker)
        self.ended_at = self._house.clock()
        if self._interaction is not None:
            self._interaction.close()
        if self._tokens is not None:
            self._tokens.close()
        self._append(self.ended)
        self._deadline.close()
        self._readership.close()
        if self.started_at is not None and self.answered_at is None:
            self._house.observer.stage_left(self, "processing", self._worked(self.ended_at))
        self._house.observer.turn_ended(self)
        # Whoever reads from now on needs the names alone; history and attachments can be far larger than the answer.
        self.query = replace(self.query, history=[], profile={}, prompt="", system_prompt="", attachments=())
        self._on_change(self)

    def _answering(self) -> None:
        if self.answered_at is None and self.started_at is not None:
            self.answered_at = self._house.clock()
            self._house.observer.stage_left(self, "processing", self._worked(self.answered_at))

    def _worked(self, until: float) -> float:
        """Seconds of the function's own since its begin: a person who thinks does not make it slow."""
        assert self.started_at is not None
        return until - self.started_at - self.waited_seconds

    def _withdraw(self, code: str) -> None:
        if not self.log.is_withdrawn and self.ended is not None and self.ended.cause == "complete":
            self._append(Withdrawn(cause="cancelled" if code == "cancelled" else "error", code=code))

    def _append(self, fact: Fact) -> None:
        self.log.append(self._house.clock() - self.accepted_at, fact)

    def _reader_closed(self) -> None:
        self._readership.left(self._give_up)
        self._on_change(self)

    def _give_up(self) -> None:
        if self.ended is None:
            self._begin_to_stop("client_gone")
