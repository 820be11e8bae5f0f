"""What one turn's function asks its user, and what the user says to it: the loop's side of ``ask`` and ``inbox``.

Knows the open questions, writes facts, and hands the answers in; not where the function runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from streamchat.turns.answer_schema import as_json, check_answer
from streamchat.turns.call_later import CallLater
from streamchat.turns.deadline import Deadline
from streamchat.turns.events import InputReceived, InputRequired, InteractionFact, QuestionExpired
from streamchat.turns.inputs import Given, InputTally, InvalidInput, Lapsed, NoInputExpected, Reply, Said


@dataclass(frozen=True, slots=True, kw_only=True)
class InputLimits:
    """How long a question may be open, in seconds; characters of an input, and how often one may speak unasked."""

    question_seconds: float = 300.0
    max_input_characters: int = 10_000
    max_unasked: int = 100


def _ignore(_: InteractionFact | Given) -> None:
    """Nothing is written or said after the end."""


@dataclass(frozen=True, slots=True)
class _Open:
    schema: Any
    timer: Any


class Interaction:
    """One turn's. ``append`` writes a fact into its log, ``hand_in`` gives what is said to its function.

    Its ``deadline`` stands still while a question is open. The tally is everybody's.
    """

    def __init__(
        self,
        *,
        limits: InputLimits,
        tally: InputTally,
        call_later: CallLater,
        clock: Callable[[], float],
        deadline: Deadline,
        append: Callable[[InteractionFact], None],
        hand_in: Callable[[Given], None],
    ) -> None:
        self._append = append
        self._hand_in = hand_in
        self._deadline = deadline
        self._limits = limits
        self._tally = tally
        self._call_later = call_later
        self._clock = clock
        self._open: dict[str, _Open] = {}
        # Of what was answered only a digest is kept: enough to know it again.
        self._answered: dict[str | None, bytes] = {}
        self._unasked = 0
        self._waited = 0.0
        self._waiting_since = 0.0

    @property
    def waited_seconds(self) -> float:
        """How long a question was open, until now."""
        return self._waited + (self._clock() - self._waiting_since if self._open else 0.0)

    def asked(self, fact: InputRequired, *, can_answer: bool) -> None:
        """The function asks and waits. Where nobody can answer it learns so at once."""
        seconds = min(fact.expires_in, self._limits.question_seconds) if can_answer else 0.0
        self._append(replace(fact, expires_in=seconds))
        if not self._open:
            self._waiting_since = self._clock()
            self._tally.waiting += 1
            self._deadline.hold()
        timer = self._call_later(seconds, partial(self.expire, fact.request_id))
        self._open[fact.request_id] = _Open(fact.schema, timer)

    def expire(self, request_id: str) -> None:
        """Nobody has answered in time, or the function waits no more; nothing happens to a question that is closed."""
        if request_id not in self._open:
            return
        self._tally.results["expired"] += 1
        self._append(QuestionExpired(request_id=request_id))
        self._hand_in(Lapsed(request_id=request_id))
        self._close(request_id)

    def give(self, value: Any, request_id: str | None, *, takes_unasked: bool) -> None:  # noqa: ANN401
        """An answer; or, if the function takes that, something unasked. An answer that is repeated changes nothing.

        Raises NoInputExpected or InvalidInput.
        """
        spelled = as_json(value)
        if len(spelled) > self._limits.max_input_characters:
            raise InvalidInput(f"must not be longer than {self._limits.max_input_characters} characters")
        digest = hashlib.sha256(spelled.encode()).digest()
        meant = self._meant(request_id)
        if meant is not None:
            self._answer(meant, value, digest)
        elif request_id is None and takes_unasked:
            self._hear(value)
        elif self._answered.get(request_id) != digest:
            raise NoInputExpected("no question is open that this could answer")

    def close(self) -> None:
        """The turn is over: nothing is open any more, and what is known of it is for repetitions only."""
        for request_id in tuple(self._open):
            self._close(request_id)
        self._append = self._hand_in = _ignore

    def _meant(self, request_id: str | None) -> str | None:
        """The open question that is answered; None when there is no such."""
        if request_id is not None:
            return request_id if request_id in self._open else None
        if len(self._open) > 1:
            raise InvalidInput("needs a request_id, because more than one question is open")
        return next(iter(self._open), None)

    def _answer(self, request_id: str, value: Any, digest: bytes) -> None:  # noqa: ANN401
        check_answer(value, self._open[request_id].schema)
        # Under None the latest: for a repetition that names no question.
        self._answered[request_id] = self._answered[None] = digest
        self._tally.results["answered"] += 1
        self._append(InputReceived(request_id=request_id))
        self._hand_in(Reply(request_id=request_id, value=value))
        self._close(request_id)

    def _hear(self, value: Any) -> None:  # noqa: ANN401
        if not isinstance(value, str):
            raise InvalidInput("must be a text")
        if self._unasked >= self._limits.max_unasked:
            raise NoInputExpected(f"{self._unasked} inputs are all that a turn takes unasked")
        self._unasked += 1
        self._tally.results["steered"] += 1
        self._append(InputReceived())
        self._hand_in(Said(text=value))

    def _close(self, request_id: str) -> None:
        waited = self.waited_seconds
        self._open.pop(request_id).timer.cancel()
        if not self._open:
            self._waited = waited
            self._tally.waiting -= 1
            self._deadline.resume()
