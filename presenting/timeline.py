"""What becomes of a log: the durable frames of one style, each at its own time.

Runs in the log's time, not the reader's: when a frame is due follows from the entries alone. So every
reading of a log gives the same frames with the same times in them, however late or often it is read, and
what is overdue, as after a resume, is not paced again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf

from streamchat.chunking.chunker import Chunker
from streamchat.presenting.answer_text import AnswerText
from streamchat.presenting.frames import AnyFrame, Frame, make_chunk
from streamchat.presenting.pacing import ANSWER_SECONDS, NO_PACE, Pace, pause_behind_source, pause_in_answer
from streamchat.presenting.payloads import (
    end_payload,
    interaction_payload,
    processed_payload,
    report_payloads,
    token_counts,
)
from streamchat.presenting.sentences import Language
from streamchat.presenting.styles import StreamStyle
from streamchat.presenting.user_time import UserTime
from streamchat.presenting.waiting import Waiting, as_it_is
from streamchat.turns.events import (
    Answer,
    Ended,
    Entry,
    InputReceived,
    InputRequired,
    InteractionFact,
    Media,
    QuestionExpired,
    Started,
    Text,
    ToolCall,
    ToolResult,
    Usage,
    Withdrawn,
)


class Timeline:
    """Takes entries, gives frames. ``due`` says when the next ``step`` is to be taken; inf: never, so far.

    ``lets_go`` is of AnswerText: whether what a live source has left in the chunker is shown after a while.
    All times are seconds since the turn was accepted.
    """

    __slots__ = (
        "_chunks",
        "_end",
        "_ended_at",
        "_free_at",
        "_inbox",
        "_inbox_first",
        "_is_counted",
        "_lang",
        "_pace",
        "_position",
        "_ready",
        "_ready_at",
        "_shown_at",
        "_shown_by",
        "_style",
        "answered_at",
        "due",
        "is_finished",
        "number",
        "started_at",
        "text",
        "usage",
        "usage_at",
        "user_time",
    )

    def __init__(
        self,
        *,
        style: StreamStyle,
        pace: Pace,
        make_chunker: Callable[[], Chunker] | None,
        lang: Language,
        lets_go: bool = True,
    ) -> None:
        self.started_at: float | None = None
        self.answered_at: float | None = None
        self.text = AnswerText(make_chunker, lets_go=lets_go)
        self.user_time = UserTime()
        self.number = 0
        self.is_finished = False
        self.due = inf
        self.usage: Usage | None = None  # the latest count of tokens, and when it was said
        self.usage_at = -inf
        self._is_counted = False  # whether no other count can follow
        self._style = style
        self._pace = pace
        self._lang: Language = lang
        # Queues: an empty deque would be a kilobyte for each open stream. One has the place of its first, and one, of
        # which every frame takes, its first at the end.
        self._inbox: list[Entry] = []
        self._inbox_first = 0
        self._ready: list[Waiting | int] = []
        self._chunks = 0
        self._position = 0
        self._shown_at = 0.0
        self._shown_by = 0.0  # when all of a whole answer has been shown
        self._free_at = 0.0
        self._ready_at = inf
        self._end: Ended | None = None
        self._ended_at = 0.0

    def feed(self, entries: Iterable[Entry]) -> None:
        """Take the next entries of the log."""
        self._inbox.extend(entries)
        self._plan()

    def step(self, frames: list[AnyFrame], most: int) -> int:
        """Take one step: show what is ready, ``most`` frames of it; chunk a slice; or read an entry.

        Adds to ``frames``; returns how many.
        """
        shown = 0
        # What falls due at the same moment is shown before more is read: a reader who was here then has seen it so.
        if self._ready and self.due == self._ready_at:
            shown = self._show(frames, most)
        elif not self._ready and self.text.is_uncut:
            self._await(self.text.cut_slice())
        elif self.due == self._ready_at:
            if self._end is not None:
                frames.append(self._finish(self._end))
                shown = 1
        elif self.due == self.text.held_until:
            self._await(self.text.let_go())
        else:
            self._read(self._take_entry())
        self._plan()
        return shown

    def _plan(self) -> None:
        """Work out when the next step is due: once a step, because it is asked for more often."""
        if self._ready:
            item, at = self._ready[-1], self._free_at
            if type(item) is Waiting:
                at = max(item.arrived_at, min(at, item.latest_at), self._shown_at)
        elif self.is_finished:
            self.due = inf
            return
        elif self.text.is_uncut:
            at = self._shown_at
        elif self._end is not None:
            at = max(self._shown_at, self._ended_at)
        else:
            at = inf
        self._ready_at = at
        if self._inbox and self._inbox[self._inbox_first].at < at:
            at = self._inbox[self._inbox_first].at
        held_until = self.text.held_until
        self.due = at if at < held_until else held_until

    # Reading entries.

    def _take_entry(self) -> Entry:
        entry = self._inbox[self._inbox_first]
        self._inbox_first += 1
        if self._inbox_first == len(self._inbox):
            self._inbox, self._inbox_first = [], 0
        return entry

    def _read(self, entry: Entry) -> None:
        at, fact = entry
        match fact:
            case Started():
                self.started_at = at
            case Answer(text=text):
                self._answering(at)
                self.text.take_whole(text)
            case Text(text=text):
                self._answering(at)
                self._await(self.text.add(at, text))
            case ToolCall() | ToolResult() | Media():
                self._await(self.text.flush(at))
                self._await(as_it_is(at, payload) for payload in report_payloads(fact))
            case InputRequired() | InputReceived() | QuestionExpired():
                self._interact(at, fact)
            case Usage():
                self.usage, self.usage_at = fact, at
            case Ended():
                self._ending(at, fact)
            case Withdrawn(cause=cause, code=code):
                self._drop_rest()
                self._ended_at = at
                self._end = Ended(cause=cause, code=code)

    def _interact(self, at: float, fact: InteractionFact) -> None:
        if isinstance(fact, InputRequired):
            # Whoever is asked has read what was said before: it is not paced any more.
            self._await(self.text.flush(at))
            self._show_all_by(at)
            self.user_time.asked(at)
        elif isinstance(fact, QuestionExpired) or fact.request_id is not None:
            self.user_time.closed(at)
        self._await((as_it_is(at, interaction_payload(fact)),))

    def _show_all_by(self, at: float) -> None:
        self._ready = [
            item if isinstance(item, int) else item._replace(latest_at=min(item.latest_at, at)) for item in self._ready
        ]

    def _answering(self, at: float) -> None:
        if self.answered_at is None:
            self.answered_at, self._shown_by = at, at + ANSWER_SECONDS
            seconds = self._elapsed(at) - self.user_time.until(at)
            self._await((as_it_is(at, processed_payload(self._lang, seconds=seconds)),))

    def _ending(self, at: float, ended: Ended) -> None:
        self._ended_at = at
        self.text.end()
        if ended.cause == "complete":
            self._is_counted = True
            self._answering(at)
        if ended.cause == "cancelled":
            self._drop_rest()
        elif self.text.is_live:
            self._await(self.text.flush(at))
        if ended.cause in ("error", "timeout"):
            self._hurry()
        self._end = ended

    def _elapsed(self, at: float) -> float:
        """Seconds since the function began."""
        return at - (self.started_at or 0.0)

    def _drop_rest(self) -> None:
        self._ready = []
        self.text.drop()

    def _hurry(self) -> None:
        """Show at once what is left: a reader who waits for an error sentence has waited enough."""
        self._pace = NO_PACE
        self._free_at = self._shown_at

    # Showing frames.

    def _await(self, items: Iterable[Waiting | int]) -> None:
        """These are shown after all that is ready."""
        self._ready[:0] = reversed([*items])

    def _show(self, frames: list[AnyFrame], most: int) -> int:
        """Show what is ready: one frame, or as many as have the same time."""
        item = self._ready.pop()
        if type(item) is Waiting:
            frames.append(self._come(item))
        elif self._pace is not NO_PACE:
            frames.append(self._piece(item))
        else:
            return self._unpaced(item, frames, most)
        return 1

    def _piece(self, size: int) -> AnyFrame:
        """The next chunk of a whole answer: of all frames the most frequent."""
        answer, start = self.text, self._position
        self._position = position = start + size
        self.number = number = self.number + 1
        self._chunks = chunks = self._chunks + 1
        self._shown_at = at = self._ready_at
        text = answer.whole[start:position]
        natural, left = self._pace.pause_after(text), answer.arrived - start
        self._free_at = at + pause_in_answer(natural, size, left, self._shown_by - at)
        return make_chunk((text, number, chunks, position, answer.total, self._style.chunk_fields))

    def _unpaced(self, size: Waiting | int, frames: list[AnyFrame], most: int) -> int:
        """At most so many chunks of a whole answer, up to a frame of another kind: no pace keeps them apart."""
        ready, whole, total, fields = self._ready, self.text.whole, self.text.total, self._style.chunk_fields
        number, chunks, position = self.number, self._chunks, self._position
        last = number + most
        while type(size) is not Waiting:
            start, position = position, position + size
            number, chunks = number + 1, chunks + 1
            frames.append(make_chunk((whole[start:position], number, chunks, position, total, fields)))
            if number == last or not ready:
                break
            size = ready.pop()
        else:
            ready.append(size)
        shown = number - self.number
        self.number, self._chunks, self._position = number, chunks, position
        self._shown_at = self._free_at = self._ready_at
        return shown

    def _come(self, item: Waiting) -> AnyFrame:
        """What came as it is, or from a live source."""
        self._shown_at = at = self._ready_at
        self.number += 1
        if item.payload is not None:
            self._free_at = max(self._free_at, at)
            return Frame(item.payload, self.number)
        text, answer = item.chunk, self.text
        size = len(text)
        natural = 0.0 if self._pace is NO_PACE else self._pace.pause_after(text)
        self._free_at = at + pause_behind_source(natural, size, answer.arrived - self._position)
        self._chunks += 1
        self._position += size
        return make_chunk((text, self.number, self._chunks, self._position, answer.total, self._style.chunk_fields))

    def _finish(self, ended: Ended) -> Frame:
        self._shown_at = self._ready_at
        self.number += 1
        self.is_finished = True
        payload = end_payload(ended, self._lang, elapsed_seconds=self._elapsed(self._ended_at))
        if payload["status"] == "complete" and self._style.tells_total_time:
            payload = {**payload, "total_time": round(self._shown_at, 1)}
        if self.usage is not None:
            payload = {**payload, "usage": token_counts(self.usage, is_complete=self._is_counted)}
        return Frame(payload, self.number, is_terminal=True)
