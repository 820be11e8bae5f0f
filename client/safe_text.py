"""Text that somebody else wrote, made harmless for a terminal: no control character gets through."""

from __future__ import annotations

import re

REPLACEMENT = "\ufffd"
# C0 without tab and line feed, DEL and C1; and what overrides the direction of everything after it.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]|\r(?!\n)")
_BLANKS = re.compile(r"\s+")


def safe(text: str) -> str:
    """The text with line breaks and tabs, and no other control character."""
    return _CONTROLS.sub(REPLACEMENT, text)


def one_line(text: str) -> str:
    """The text on one line."""
    return _BLANKS.sub(" ", safe(text)).strip()
