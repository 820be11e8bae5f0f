"""Frames as they come from the wire: JSON objects of which any field may be missing or of another type."""

from __future__ import annotations

import json
import math
import re
from typing import Any

Frame = dict[str, Any]

# What a terminal could take for a command, what some readers take for a line's end, and what is no UTF-8.
_NOT_PLAIN = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def as_frame(data: str) -> Frame:
    """The frame in one event's data; ValueError if there is none."""
    frame = json.loads(data)
    if not isinstance(frame, dict):
        raise ValueError("an event that is no JSON object")
    return frame


def as_line(frame: Frame) -> str:
    """The frame as one line of JSON that no terminal takes for commands."""
    line = json.dumps(frame, ensure_ascii=False)
    return _NOT_PLAIN.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def text_in(frame: Frame, name: str) -> str:
    """A field's text; empty when it is missing or no text."""
    value = frame.get(name)
    return value if isinstance(value, str) else ""


def is_of_no_chat(refusal: Frame) -> bool:
    """Whether a refusal is none of a door: it has no ``code``, or there is no door at that address."""
    return text_in(refusal, "code") in ("", "not_found")


def number_in(frame: Frame, name: str) -> float | None:
    """A field's number; None when it is missing or none that can be reckoned with."""
    value = frame.get(name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return value if is_number else None
