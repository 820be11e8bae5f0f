"""What every turn of a book shares: who runs it, who is told of it, its clock and its bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from streamchat.turns.call_later import CallLater
from streamchat.turns.executor import Executor
from streamchat.turns.inputs import InputTally
from streamchat.turns.observer import Observer
from streamchat.turns.query import TurnLimits
from streamchat.turns.ticker import Ticker


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """``clock`` is in seconds, ``call_later`` goes by it. ``has_inbox``: the function takes what is said unasked."""

    executor: Executor
    observer: Observer
    ticker: Ticker
    call_later: CallLater
    clock: Callable[[], float]
    limits: TurnLimits
    has_inbox: bool = False
    inputs: InputTally = field(default_factory=InputTally)
