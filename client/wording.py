"""Happenings beside the answer as a line each, safe to print. Knows no screen and no colour."""

from __future__ import annotations

import json
from typing import Any

from streamchat.client.happenings import (
    Ended,
    Happening,
    QuestionClosed,
    Stage,
    ToolCalled,
    ToolReturned,
    Waiting,
)
from streamchat.client.safe_text import one_line

LONGEST_VALUE = 200
_WORKERS = {
    "ended": "the function has ended",
    "running": "the function still runs: it cannot be stopped from outside",
}
_STATES = {
    "cancelled": "stopped",
    "cancelling": "stopped for you",
    "finished": "there was nothing left to stop",
}


def line_of(happening: Happening) -> str:
    """The line; empty for what is no line of its own: the answer, and stages without a sentence."""
    match happening:
        case Stage(sentence=sentence, remaining=remaining):
            return one_line(sentence) + (f" (about {remaining:.0f} s left)" if sentence and remaining else "")
        case Waiting():
            return _waiting(happening)
        case ToolCalled(name=name, arguments=arguments):
            return f"tool {one_line(name)}: {_value(arguments)}"
        case ToolReturned(name=name, result=result, is_error=is_error):
            return f"tool {one_line(name)} {'failed' if is_error else 'says'}: {_value(result)}"
        case QuestionClosed(is_answered=is_answered):
            return "" if is_answered else "the question was not answered in time"
        case Ended(error=error) if error:
            return _ending(happening)
    return ""


def state_line(state: str, worker: str) -> str:
    """What the server answered to a cancel, for people."""
    # When there was nothing left to stop, that the function has ended is no news.
    parts = [_STATES.get(state, ""), _WORKERS.get(worker, "") if state != "finished" else ""]
    said = "; ".join(filter(None, parts))
    return f"interrupted; the server says {one_line(state)}{': ' if said else ''}{said}"


def _waiting(waiting: Waiting) -> str:
    sentence = one_line(waiting.sentence) or "Waiting in line..."
    place = "" if waiting.position is None else f"place {waiting.position} in line"
    wait = "" if waiting.wait is None else f"about {waiting.wait:.0f} s"
    details = ", ".join(filter(None, (place, wait)))
    return f"{sentence} ({details})" if details else sentence


def _ending(end: Ended) -> str:
    worker = _WORKERS.get(end.worker, "")
    said = f"{end.status}: {end.error} ({end.code or 'no code'})"
    return one_line(said + (f"; {worker}" if worker else ""))


def _value(value: Any) -> str:  # noqa: ANN401 - any JSON value
    text = one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
