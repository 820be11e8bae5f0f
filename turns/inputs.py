"""What a user says to a running function, on its way there; and why it may be refused. Knows no HTTP."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

InputResult = Literal["answered", "expired", "steered", "refused"]


class NoInputExpected(Exception):
    """No question is open, and the function takes nothing else."""


class InvalidInput(ValueError):
    """The input is not what was asked for; the text says what is wrong with it. The question stays open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer to a question of the function: a JSON value."""

    request_id: str
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Lapsed:
    """Nobody has answered the question in time."""

    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What nobody has asked for: steering, while the function works."""

    text: str


Given = Reply | Lapsed | Said


@dataclass(slots=True)
class InputTally:
    """What became of all questions and inputs, and how many turns wait for their user now."""

    waiting: int = 0
    results: Counter[InputResult] = field(default_factory=Counter)
