"""Strategy ``markdown``: sentences of prose, and whole lines of code and tables.

Never cuts inside a fence's opening line, a line of code, a table row, a link or an image, however long (up to 8192 code
points). ``size`` is an upper bound in code points for everything else.
"""

from __future__ import annotations

import re

from streamchat.chunking.clusters import last_cluster_end
from streamchat.chunking.links import Links
from streamchat.chunking.markdown_lines import Block, block_after, is_solid
from streamchat.chunking.pieces import Pieces
from streamchat.chunking.sentence_ends import SentenceEnds, end_of_newlines
from streamchat.chunking.sentence_signs import NEWLINES
from streamchat.chunking.waiting import GO_ON, WAIT
from streamchat.chunking.word_ends import fit_words

_LONGEST_LINE = 8192
_LINE_ENDING = re.compile(f"[{NEWLINES}]")
_PIPE_REACH = 1000


def make_markdown(size: int) -> Pieces:
    """A chunker that respects markdown."""
    ends = MarkdownEnds()
    return Pieces(ends, ends.fit, size)


class MarkdownEnds:
    """Ends for Pieces: sentences in prose, lines elsewhere; it also says where long prose may be cut."""

    __slots__ = (
        "_begin",
        "_block",
        "_candidate",
        "_line",
        "_links",
        "_searched",
        "_sentences",
        "_solid",
        "_uncut",
        "decided",
    )

    def __init__(self) -> None:
        self.decided = -1
        self._sentences = SentenceEnds()
        self._links = Links()
        self._block = Block()
        self._begin = 0  # where the piece in hand begins
        self._line = 0  # where the line in hand begins
        self._solid: bool | None = None  # whether it is never cut inside; None: not known yet
        self._uncut = False  # whether the piece last returned is a solid line
        self._searched = 0  # no line ending before this
        self._candidate = WAIT  # a sentence's end that may lie inside a link

    def next_end(self, text: str, *, final: bool) -> int:
        self._uncut = False
        self._links.forget(self._begin)
        if self._solid is None:
            self._solid = is_solid(text, self._line, self._block, final=final)
        if self._solid is None:
            return WAIT
        return self._next_line_end(text, final) if self._solid else self._next_sentence_end(text, final)

    def fit(self, text: str, start: int, size: int, final: bool) -> int:
        """Where the piece that begins at ``start`` and is longer than ``size`` is cut: between words, outside links."""
        if self._uncut:
            return len(text) + 1  # nowhere before its end
        cut = fit_words(text, start, size, final)
        if cut == WAIT:
            return WAIT
        self._links.forget(start)
        begin, end = self._links.span_at(text, cut, final=final)
        if end in (GO_ON, WAIT):
            return cut if end == GO_ON else WAIT
        before = text.rfind(" ", start, begin) + 1 or begin
        return last_cluster_end(text, start, before if before > start else end, final=final)

    def shift(self, count: int) -> None:
        self._sentences.shift(count)
        self._links.shift(count)
        self.decided -= count
        self._begin -= count
        self._line -= count
        self._searched -= count
        self._candidate -= count if self._candidate != WAIT else 0

    def _next_line_end(self, text: str, final: bool) -> int:
        end = self._line_end(text, final)
        if end == WAIT:
            return WAIT
        self._uncut = True
        self._sentences.begin(end)
        self._links.restart(end)
        return self._end_line(text, end)

    def _line_end(self, text: str, final: bool) -> int:
        last = self._line + _LONGEST_LINE
        ending = _LINE_ENDING.search(text, self._searched, last)
        self._searched = ending.start() if ending else min(len(text), last)
        if ending:
            return end_of_newlines(text, ending.start(), final=final)
        if len(text) > last:
            return last_cluster_end(text, self._line, last, final=final)
        return len(text) if final else WAIT

    def _next_sentence_end(self, text: str, final: bool) -> int:
        while True:
            if self._candidate == WAIT:
                self._candidate = self._sentences.next_end(text, final=final)
            if self._candidate == WAIT:
                self.decided = self._sentences.decided
                return WAIT
            _, link_end = self._links.span_at(text, self._candidate, final=final)
            if link_end == WAIT:
                self.decided = self._candidate - 1
                return WAIT
            end, self._candidate = self._candidate, WAIT
            if link_end != GO_ON:
                self._sentences.begin(link_end)
            elif text[end - 1] in NEWLINES:
                return self._end_line(text, end)
            elif end == len(text) or not self._in_row(text, end):
                self._begin = self.decided = end
                return end

    def _in_row(self, text: str, at: int) -> bool:
        """Whether the line may be a table row whose first cell ends before ``at``."""
        return text.find("|", max(self._line, at - _PIPE_REACH, 0), at) >= 0

    def _end_line(self, text: str, end: int) -> int:
        if self._line >= 0:
            self._block = block_after(text[self._line : end], self._block)
        self._begin = self._line = self._searched = self.decided = end
        self._solid = None
        return end
