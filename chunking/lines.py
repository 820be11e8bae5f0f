"""Strategy ``lines``: a line with its line ending (LF, CR LF or CR) a chunk.

``size`` is an upper bound in code points: a longer line is cut between words.
"""

from __future__ import annotations

import re

from streamchat.chunking.pieces import Pieces
from streamchat.chunking.waiting import WAIT
from streamchat.chunking.word_ends import fit_words

_LINE_ENDING = re.compile(r"\n|\r\n?")


def make_lines(size: int) -> Pieces:
    """A chunker that gives out lines."""
    return Pieces(LineEnds(), fit_words, size)


class LineEnds:
    """Finds line ends."""

    __slots__ = ("decided",)

    def __init__(self) -> None:
        self.decided = 0

    def next_end(self, text: str, *, final: bool) -> int:
        ending = _LINE_ENDING.search(text, self.decided)
        if ending is None:
            self.decided = len(text)
            return len(text) if final else WAIT
        undecided = ending[0] == "\r" and ending.end() == len(text) and not final
        self.decided = ending.start() if undecided else ending.end()
        return WAIT if undecided else ending.end()

    def shift(self, count: int) -> None:
        self.decided -= count
