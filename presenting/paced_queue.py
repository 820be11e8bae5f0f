"""What waits to be shown, and when the next of it may be. Knows no log, no progress and no end.

All times are seconds since the turn was accepted.
"""

from __future__ import annotations

from collections.abc import Iterable

from streamchat.presenting.answer_text import AnswerText
from streamchat.presenting.frames import AnyFrame, Chunk, Frame, make_chunk
from streamchat.presenting.pacing import NO_PACE, Pace, pause_behind_source, pause_in_answer
from streamchat.presenting.waiting import Waiting


class PacedQueue:
    """Of one stream. A chunk of an answer that was given at once waits as its length: its text is in ``answer``.

    ``number`` counts the durable frames that were shown, ``shown_at`` is when the last of them was. ``answer_due_by``
    is when all of an answer that was given at once is to have been shown. ``waiting`` is turned round, its first at the
    end: every frame takes from it, and additions are few.
    """

    __slots__ = (
        "_answer",
        "_chunks",
        "_fields",
        "_free_at",
        "_pace",
        "_position",
        "answer_due_by",
        "number",
        "shown_at",
        "waiting",
    )

    def __init__(self, answer: AnswerText, pace: Pace, fields: tuple[str, ...]) -> None:
        """``fields`` names what the style tells of a chunk."""
        self.number = 0
        self.shown_at = 0.0
        self.answer_due_by = 0.0
        self._answer = answer
        self._pace = pace
        self._fields = fields
        self.waiting: list[Waiting | int] = []
        self._chunks = 0
        self._position = 0
        self._free_at = 0.0

    def add(self, items: Iterable[Waiting | int]) -> None:
        """Show these after all that waits."""
        waiting = [*items][::-1]
        waiting += self.waiting
        self.waiting = waiting

    def due(self) -> float:
        """When the next may be shown, if anything waits."""
        item = self.waiting[-1]
        if type(item) is Waiting:
            at = self._free_at if self._free_at < item.latest_at else item.latest_at
            at = at if at > item.arrived_at else item.arrived_at
            return at if at > self.shown_at else self.shown_at
        return self._free_at

    def show(self, frames: list[AnyFrame], most: int, at: float) -> int:
        """Add what is due, at ``at``, to ``frames``: one, or ``most`` that no pace keeps apart; returns how many."""
        item = self.waiting.pop()
        if type(item) is Waiting:
            frames.append(self._show_waiting(item, at))
        elif self._pace is not NO_PACE:
            frames.append(self._show_paced(item, at))
        else:
            return self._show_unpaced(item, frames, most, at)
        return 1

    def pass_on(self, at: float, text: str) -> Chunk:
        """Show a live source's chunk at once. Nothing may be waiting, and there must be no pace."""
        self._answer.arrived += len(text)
        self.shown_at = self._free_at = at
        return self._next_chunk(text)

    def show_all_by(self, at: float) -> None:
        """Whatever waits is not paced beyond ``at``."""
        for item in self.waiting:
            if type(item) is Waiting and item.latest_at > at:
                item.latest_at = at

    def hurry(self) -> None:
        """Show at once what is left."""
        self._pace = NO_PACE
        self._free_at = self.shown_at

    def drop(self) -> None:
        """Show nothing of what waits."""
        self.waiting = []

    def _show_waiting(self, item: Waiting, at: float) -> AnyFrame:
        """What is shown as it is, or a chunk of a live source."""
        self.shown_at = at
        if item.payload is not None:
            self.number += 1
            self._free_at = max(self._free_at, at)
            return Frame(item.payload, self.number)
        text = item.chunk
        self._free_at = at
        if self._pace is not NO_PACE:
            left = self._answer.arrived - self._position
            self._free_at += pause_behind_source(self._pace.pause_after(text), len(text), left)
        return self._next_chunk(text)

    def _next_chunk(self, text: str) -> Chunk:
        self.number += 1
        self._chunks += 1
        self._position += len(text)
        return make_chunk((text, self.number, self._chunks, self._position, self._answer.total, self._fields))

    def _show_paced(self, size: int, at: float) -> AnyFrame:
        """The next chunk of an answer that was given at once: of all frames the most frequent."""
        answer, start = self._answer, self._position
        self._position = position = start + size
        self.number = number = self.number + 1
        self._chunks = chunks = self._chunks + 1
        self.shown_at = at
        text = answer.whole[start:position]
        natural, left = self._pace.pause_after(text), answer.arrived - start
        self._free_at = at + pause_in_answer(natural, size, left, self.answer_due_by - at)
        return make_chunk((text, number, chunks, position, answer.total, self._fields))

    def _show_unpaced(self, size: Waiting | int, frames: list[AnyFrame], most: int, at: float) -> int:
        """Such chunks one after the other, up to a frame of another kind."""
        waiting, whole, total, fields = self.waiting, self._answer.whole, self._answer.total, self._fields
        make = make_chunk
        number, chunks, position = self.number, self._chunks, self._position
        last = number + most
        while isinstance(size, int):
            start, position = position, position + size
            number, chunks = number + 1, chunks + 1
            frames.append(make((whole[start:position], number, chunks, position, total, fields)))
            if number == last or not waiting:
                break
            size = waiting.pop()
        else:
            waiting.append(size)
        shown = number - self.number
        self.number, self._chunks, self._position = number, chunks, position
        self.shown_at = self._free_at = at
        return shown
