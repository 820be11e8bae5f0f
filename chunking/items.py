"""Items of a list written in running text: ``1. First 2. Second``, ``a) one b) two``, ``• this • that``.

A marker in a line counts only when the sentence in hand began with the marker before it.
"""

from __future__ import annotations

import re

from streamchat.chunking.sentence_signs import BULLETS

_MARKER = re.compile(rf"([{BULLETS}][ \t]?)?(?:(\d{{1,3}}|[a-y])(\.\)|[.)]))?(?=\s)")
# What may still become a marker when more text comes.
_BEGUN = re.compile(rf"(?:[{BULLETS}][ \t]?)?(?:\d{{0,3}}|[a-y])[.)]{{0,2}}")
_LONGEST = 8


def following_marker(text: str, start: int, *, final: bool) -> str | None:
    """The marker of the item after the one that begins at ``start``: empty when none does, None is WAIT."""
    first = text[start]
    if not (first.isdecimal() or first in BULLETS or "a" <= first <= "y"):
        return ""
    if len(text) - start <= _LONGEST and not final and _BEGUN.fullmatch(text, start):
        return None
    found = _MARKER.match(text, start)
    if found is None or not found[0]:
        return ""
    bullet, number, tail = found.groups(default="")
    return bullet + _next_number(number) + tail if number else bullet.strip()


def begins_item(text: str, at: int, marker: str, *, final: bool) -> bool | None:
    """Whether ``marker``, white space around it, stands at ``at``; None is WAIT."""
    if at < 1 or not text[at - 1].isspace():
        return False
    if not final and len(text) - at <= len(marker) and marker.startswith(text[at:]):
        return None
    return text.startswith(marker, at) and text[at + len(marker) : at + len(marker) + 1].isspace()


def sign_of(marker: str) -> int:
    """How far into the marker the first character stands that a scanner stops at."""
    return 0 if marker[0] in BULLETS else len(marker.rstrip(".)"))


def _next_number(number: str) -> str:
    return str(int(number) + 1) if number.isdecimal() else chr(ord(number) + 1)
