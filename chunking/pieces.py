"""The engine under words, sentences, markdown and lines: pieces that end by themselves, long ones cut to size.

``Ends`` finds where pieces end; ``fit`` says where a piece longer than ``size`` is cut. Knows no rule of either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from streamchat.chunking.waiting import WAIT

# What rules may look back on, before the text that is still held, in code points.
LOOK_BACK = 1000

# (text, start, size, final) -> where the piece that begins at start and is longer than size is cut; or WAIT.
Fit = Callable[[str, int, int, bool], int]


class Ends(Protocol):
    """A scanner for the ends of pieces; positions count code points from the begin of the text it is shown."""

    @property
    def decided(self) -> int:
        """No piece that next_end has not yet returned ends at or before this position."""

    def next_end(self, text: str, *, final: bool) -> int:
        """The end of the next piece, or WAIT; a final text's last piece ends where the text does."""

    def shift(self, count: int) -> None:
        """The first ``count`` code points of the text will not be shown again."""


class Pieces:
    """A chunker: every piece is a chunk, or several when it is longer than ``size`` code points."""

    __slots__ = ("_end", "_ends", "_fit", "_size", "_start", "_text")

    def __init__(self, ends: Ends, fit: Fit, size: int) -> None:
        self._ends = ends
        self._fit = fit
        self._size = size
        self._text = ""
        self._start = 0  # where the text that is not yet given out begins
        self._end = WAIT  # where the piece in hand ends, once known

    def feed(self, text: str) -> list[str]:
        self._text += text
        return self._cut(final=False)

    def flush(self) -> list[str]:
        return self._cut(final=True)

    def _cut(self, *, final: bool) -> list[str]:
        text, ends, chunks = self._text, self._ends, list[str]()
        while self._start < len(text):
            if self._end == WAIT:
                self._end = ends.next_end(text, final=final)
            end = self._chunk_end(text, final)
            if end == WAIT:
                break
            chunks.append(text[self._start : end])
            self._start = end
            if end == self._end:
                self._end = WAIT
        self._forget()
        return chunks

    def _chunk_end(self, text: str, final: bool) -> int:
        known = self._end if self._end != WAIT else self._ends.decided
        if known - self._start <= self._size:
            return self._end
        cut = self._fit(text, self._start, self._size, final)
        if cut <= known:
            return cut
        return self._end

    def _forget(self) -> None:
        count = self._start - LOOK_BACK
        if count > 0:
            self._text = self._text[count:]
            self._ends.shift(count)
            self._start -= count
            self._end -= count if self._end != WAIT else 0
