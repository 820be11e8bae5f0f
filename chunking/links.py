"""Spans of a markdown paragraph that are never cut: links, images, references and whatever else is in brackets.

Read once, from left to right; how far a bracket may be from its partner is bounded (CommonMark 0.31 section 4.7 allows
999 characters in a label). Knows no lines and no sentences.
"""

from __future__ import annotations

import re
from collections import deque

from streamchat.chunking.waiting import GO_ON, WAIT

_LONGEST_LABEL = 1000
_LONGEST_TARGET = 8192
# Brackets and escapes, and what ends a paragraph: a blank line, an item, a heading, a fence, a table.
_TOKEN = re.compile(r"\\.|[\[\]]|\n[ \t\r>]{0,16}(?:[\n`~|#*+-]|\d{1,3}[.)])", re.DOTALL)
# A target as far as it goes: white space, escapes and one level of parentheses inside, but no blank line.
_TARGET = re.compile(
    r"\((?:[^()\\\n]|\\(?:.|\Z)|\n(?![ \t\r]{0,16}\n)|\((?:[^()\\\n]|\\(?:.|\Z))*+(?:\)|\Z))*+", re.DOTALL
)


class Links:
    """The bracketed spans of one text, found as far as somebody asks."""

    __slots__ = ("_at", "_open", "_spans")

    def __init__(self) -> None:
        self._at = 0
        self._open: list[int] = []  # where the brackets began that have not closed
        self._spans: deque[tuple[int, int]] = deque()  # disjoint, from left to right

    def span_at(self, text: str, at: int, *, final: bool) -> tuple[int, int]:
        """The span that ``at`` lies inside; (GO_ON, GO_ON) when there is none, (WAIT, WAIT) when that is open."""
        reach = at + (text[at - 1 : at + 1] == "![")  # an image begins one character before its bracket
        while self._at < reach or (self._open and self._open[0] < reach):
            if not self._advance(text, reach, final):
                return WAIT, WAIT
        for span in self._spans:
            if span[1] > at:
                return span if span[0] < at else (GO_ON, GO_ON)
        return GO_ON, GO_ON

    def forget(self, before: int) -> None:
        """Nobody will ask about places at or before ``before`` again."""
        while self._spans and self._spans[0][1] <= before:
            self._spans.popleft()

    def restart(self, at: int) -> None:
        """A paragraph begins at ``at``, so brackets that are open stay so."""
        self._at = at
        self._open.clear()

    def shift(self, count: int) -> None:
        self._at -= count
        self._open = [at - count for at in self._open]
        self._spans = deque((begin - count, end - count) for begin, end in self._spans)

    def _advance(self, text: str, at: int, final: bool) -> bool:
        """Read the next bracket; False when the text that has arrived does not tell what it is."""
        if not self._open:
            return self._find_first(text, at)
        reach = self._open[0] + _LONGEST_LABEL
        token = _TOKEN.search(text, self._at, reach)
        if token is None:
            if len(text) < reach and not final:
                return False
            self.restart(min(reach, len(text)))
        elif token[0] == "[":
            self._open.append(token.start())
            self._at = token.end()
        elif token[0] == "]":
            return self._close(text, token.end(), final)
        elif token[0][0] == "\\":
            self._at = token.end()
        else:
            self.restart(token.start() + 1)
        return True

    def _find_first(self, text: str, at: int) -> bool:
        begin = text.find("[", self._at, at)
        self._at = at if begin < 0 else begin + 1
        if begin >= 0:
            self._open.append(begin)
        return True

    def _close(self, text: str, end: int, final: bool) -> bool:
        end = _target_end(text, end, final)
        if end == WAIT:
            return False
        begin = self._open.pop()
        if text[begin - 1 : begin] == "!":
            begin -= 1
        while self._spans and self._spans[-1][0] >= begin:
            self._spans.pop()
        self._spans.append((begin, end))
        self._at = end
        return True


def _target_end(text: str, at: int, final: bool) -> int:
    """Where the target ``(…)`` that follows a label ends; ``at`` when there is none."""
    if at == len(text):
        return at if final else WAIT
    target = _TARGET.match(text, at, at + _LONGEST_TARGET)
    if target is None:
        return at
    if target.end() == len(text):
        return at if final else WAIT
    return target.end() + 1 if text[target.end()] == ")" else at
