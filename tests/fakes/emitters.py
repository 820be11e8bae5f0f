"""An emitter that keeps what it is given, and a function's run on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streamchat.turns.cancellation import Cancellation, QueryCancelled
from streamchat.turns.events import Answer, Ended, Fact, Notice, said_in
from streamchat.turns.mailbox import Mailbox
from streamchat.turns.process_query import BoundFunction
from streamchat.turns.query import Query
from streamchat.turns.run_query import run_query


class ListEmitter:
    """Keeps facts and notices; raises QueryCancelled once the flag is set. ``cancel_after`` facts it sets it itself."""

    def __init__(self, *, deadline: float = 0.0, cancel_after: int | None = None) -> None:
        self.cancelled = Cancellation()
        self.mailbox = Mailbox(self.cancelled)
        self.deadline = deadline
        self.facts: list[Fact] = []
        self.notices: list[Notice] = []
        self._cancel_after = cancel_after

    def emit(self, fact: Fact) -> None:
        self._check()
        self.facts.append(fact)
        if len(self.facts) == self._cancel_after:
            self.cancelled.set()

    def notify(self, notice: Notice) -> None:
        self._check()
        self.notices.append(notice)

    def _check(self) -> None:
        if self.cancelled.is_set():
            raise QueryCancelled

    @property
    def texts(self) -> list[str]:
        """The pieces of the answer, in order."""
        return [said_in(fact) for fact in self.facts if isinstance(fact, Answer | str)]


QUERY = Query(message="hello", username="ada")


def run(
    function: Callable[..., Any], query: Query = QUERY, emitter: ListEmitter | None = None
) -> tuple[Ended, ListEmitter]:
    """Run the function to its end; returns that, and the emitter it was given."""
    emitter = emitter or ListEmitter()
    return run_query(BoundFunction(function), query, emitter), emitter
