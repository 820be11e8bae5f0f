"""What a backend is asked, and the rules one turn runs under. Knows no HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from streamchat.turns.attachment import Attachment
from streamchat.turns.interaction import InputLimits

OnDisconnect = Literal["cancel", "continue", "grace"]
OnBusy = Literal["run", "queue", "reject", "interrupt"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One question with everything a ``process_query`` may name; picklable, so it can go to a process."""

    message: str
    username: str
    prompt: str = ""
    prompt_mode: str = "append"
    system_prompt: str = ""
    conversation_id: str = ""
    history: list[dict[str, str]] = field(default_factory=list)
    use_history: bool = False
    profile: Mapping[str, Any] = field(default_factory=dict)
    user: str = ""
    request_id: str = ""
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How a turn was asked to be shown, by names that mean nothing here: every reader presents it so again.

    ``strategy`` and ``size`` are of its chunker; None for text as it comes.
    """

    style: str = "raw"
    lang: Literal["zh", "en"] = "zh"
    pace: Literal["natural", "none"] = "natural"
    strategy: str | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRules:
    """How long a turn may run, what happens when nobody reads it or it is not alone, and how it is to be shown.

    ``door`` is the name of the door that opened the turn. ``accepting_seconds`` is what the request took before it.
    ``trace_headers`` are those of the request that tell of a trace it belongs to (W3C Trace Context). ``can_answer``:
    whoever asked is shown what the function asks them. ``is_kept``: the conversation keeps question and answer.
    """

    timeout_seconds: float
    on_disconnect: OnDisconnect = "grace"
    on_busy: OnBusy = "run"
    view: View = View()
    door: str = "chat"
    request_id: str = ""
    accepting_seconds: float = 0.0
    trace_headers: Mapping[str, str] = field(default_factory=dict)
    can_answer: bool = True
    is_kept: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnLimits:
    """Bounds on every turn: seconds, characters and number of facts, and on what its user says."""

    linger_seconds: float = 30.0
    cancel_grace_seconds: float = 0.3
    max_answer_characters: int = 4_000_000
    max_facts: int = 500_000
    inputs: InputLimits = field(default_factory=InputLimits)
