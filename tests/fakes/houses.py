"""A house for turns that live on a hand-moved clock and a scripted executor."""

from __future__ import annotations

from typing import Any, cast

from streamchat.turns.house import House
from streamchat.turns.query import Query, TurnLimits, TurnRules
from streamchat.turns.ticker import Ticker
from streamchat.turns.turn import Turn
from tests.fakes.clock import HandClock
from tests.fakes.executors import ScriptedExecutor
from tests.fakes.observers import RecordingObserver
from tests.fakes.rounds import rounds_here

QUERY = Query(message="hello", username="ada")


class HandHouse:
    """A House, and the hands on everything in it.

    A cancel does not wait for a function that goes on: no test waits for real time.
    """

    def __init__(self, *, executor: ScriptedExecutor | None = None, has_inbox: bool = False, **limits: Any) -> None:
        self.clock = HandClock()
        self.executor = executor or ScriptedExecutor()
        self.observer = RecordingObserver()
        self.house = House(
            executor=self.executor,
            observer=self.observer,
            ticker=Ticker(cast("Any", self.clock), rounds_here()),
            call_later=self.clock.call_later,
            clock=self.clock,
            limits=TurnLimits(**{"cancel_grace_seconds": 0.0, **limits}),
            has_inbox=has_inbox,
        )
        self.changes: list[Turn] = []

    def turn(self, **rules: Any) -> Turn:
        """A turn of this house that is submitted."""
        turn = self.unsubmitted(**rules)
        turn.submit()
        return turn

    def unsubmitted(self, **rules: Any) -> Turn:
        """A turn that no executor knows yet."""
        return Turn(
            "st_one",
            query=QUERY,
            owner="ada",
            rules=TurnRules(**{"timeout_seconds": 150.0, **rules}),
            house=self.house,
            on_change=self.changes.append,
        )
