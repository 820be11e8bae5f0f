"""The text of an answer on its way to chunks: how much has arrived, what is cut of it, and what is held back.

An answer that was given at once is cut slice by slice; a live source's text as it comes, and what its chunker holds
back for the sake of a good cut may be held for so long only. Knows no frame and no pace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import inf

from streamchat.chunking.chunker import Chunker
from streamchat.chunking.clusters import settled_end
from streamchat.presenting.pacing import TRAIL_SECONDS
from streamchat.presenting.waiting import Waiting

# How much of a long answer is chunked in one step: a fraction of a millisecond of work.
SLICE_CHARACTERS = 512


class NotTheText(Exception):
    """A chunking strategy of somebody's own has not given back the text."""


class AnswerText:
    """One answer's. ``arrived`` counts its characters known so far, shown or not; ``total`` is None until it is known.

    ``whole`` is the text of an answer that was given at once, empty when there is nothing to be shown of one.

    ``is_uncut``: an answer that was given at once has slices left. ``held_until`` is when ``let_go`` is to be called;
    inf: never, so far. All times are seconds since the turn was accepted.

    ``lets_go``: what the chunker holds back is shown after TRAIL_SECONDS, though a better cut may come; without it a
    sentence, a link or a table row stays whole however slow the source is. Without a chunker text stays as it comes.
    """

    __slots__ = (
        "_chunker",
        "_cut",
        "_held",
        "_lets_go",
        "_make_chunker",
        "_sliced",
        "arrived",
        "held_until",
        "is_live",
        "is_uncut",
        "total",
        "whole",
    )

    def __init__(self, make_chunker: Callable[[], Chunker] | None, *, lets_go: bool) -> None:
        self.arrived = 0
        self.total: int | None = None
        self.is_live = False
        self.is_uncut = False
        self.held_until = inf
        self._make_chunker = make_chunker
        self._chunker = make_chunker() if make_chunker else None
        self._lets_go = lets_go
        self.whole = ""
        self._sliced = 0
        self._cut = 0
        self._held = 0

    # An answer that was given at once.

    def take_whole(self, text: str) -> None:
        """Here is all of it."""
        self._make_chunker = None  # one chunker is enough for it
        self.whole, self.total, self.arrived = text, len(text), len(text)
        self.is_uncut = bool(text)

    def cut_slice(self) -> Iterable[int]:
        """How long the chunks of the next slice are. That is enough: together they are the text (chunking.chunker)."""
        if self._chunker is None:
            self.is_uncut = False
            return (len(self.whole),)
        start, self._sliced = self._sliced, self._sliced + SLICE_CHARACTERS
        chunks = [*self._chunker.feed(self.whole[start : self._sliced])]
        if self._sliced >= len(self.whole):
            chunks += self._chunker.flush()
            self.is_uncut = False
        self._check(chunks)
        # A strategy of somebody's own may give empty ones; a frame without text is none.
        return filter(None, map(len, chunks))

    def _check(self, chunks: Sequence[str]) -> None:
        text = "".join(chunks)
        is_behind = self._cut + len(text) < len(self.whole)
        if not self.whole.startswith(text, self._cut) or (is_behind and not self.is_uncut):
            raise NotTheText("the chunks that a chunking strategy has made are not the text that it was given")
        self._cut += len(text)

    # A live source.

    def add(self, at: float, text: str) -> list[Waiting]:
        """The next piece has come: the chunks that it completes."""
        self.is_live = True
        self.arrived += len(text)
        if self._chunker is None:
            return [Waiting(at, at + TRAIL_SECONDS, text)] if text else []
        return self._hold(at, text, [*self._chunker.feed(text)])

    def flush(self, at: float) -> list[Waiting]:
        """What was held back: something else comes now, or nothing more."""
        chunks: list[Waiting] = []
        if self._chunker is not None and self._make_chunker is not None:
            chunks = self._dated(at, self._chunker.flush())
            self._chunker = self._make_chunker()
        self._held, self.held_until = 0, inf
        return chunks

    def let_go(self) -> list[Waiting]:
        """What a source that has gone quiet, or is slow, has left in the chunker: all but a torn cluster."""
        assert self._chunker is not None
        assert self._make_chunker is not None
        at = self.held_until
        held = "".join(self._chunker.flush())
        end = settled_end(held)
        self._chunker = self._make_chunker()
        self._held, self.held_until = 0, inf
        chunks = [Waiting(at, at, held[:end])] if end else []
        if end < len(held):
            chunks += self._hold(inf, held[end:], [*self._chunker.feed(held[end:])])
        return chunks

    def end(self) -> None:
        """Nothing more comes."""
        self.total = self.arrived

    def drop(self) -> None:
        """Nothing more is to be shown."""
        self.whole, self._sliced, self.is_uncut = "", 0, False
        self.held_until = inf

    def _hold(self, at: float, text: str, chunks: Sequence[str]) -> list[Waiting]:
        """The chunks; and set the time until which the rest may be held back for the sake of a good cut."""
        held_until = self.held_until
        dated = self._dated(at, chunks)
        self._held += len(text) - sum(map(len, chunks))
        if not self._held or not self._lets_go:
            self.held_until = inf
        elif self._held > len(text) and held_until < inf:
            self.held_until = held_until
        else:
            self.held_until = at + TRAIL_SECONDS
        return dated

    def _dated(self, at: float, chunks: Iterable[str]) -> list[Waiting]:
        # The first of them may begin with text that has been held back for a while already.
        latest_at, dated = at + TRAIL_SECONDS, list[Waiting]()
        for chunk in filter(None, chunks):
            dated.append(Waiting(at, min(latest_at, self.held_until), chunk))
            self.held_until = inf
        return dated
