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
from streamchat.presenting.frames import AnyFrame, Frame
from streamchat.presenting.paced_queue import PacedQueue
from streamchat.presenting.pacing import ANSWER_SECONDS, NO_PACE, Pace
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
from streamchat.presenting.waiting import as_it_is
from streamchat.turns.events import (
    Answer,
    Ended,
    Entry,
    Fact,
    InputReceived,
    InputRequired,
    InteractionFact,
    Media,
    QuestionExpired,
    Started,
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
        "_end",
        "_ended_at",
        "_inbox",
        "_inbox_first",
        "_is_counted",
        "_is_raw",
        "_lang",
        "_next_at",
        "_queue",
        "_ready_at",
        "_style",
        "answered_at",
        "due",
        "is_finished",
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
        self.is_finished = False
        self.due = inf
        self.usage: Usage | None = None  # the latest count of tokens, and when it was said
        self.usage_at = -inf
        self._is_counted = False  # whether no other count can follow
        self._style = style
        self._lang: Language = lang
        self._queue = PacedQueue(self.text, pace, style.chunk_fields)
        # What nothing cuts and no pace holds up need not wait, once the first piece of it has begun the answer.
        self._is_raw = make_chunker is None and pace is NO_PACE
        # With the place of its first: an empty deque would be a kilobyte for each open stream.
        self._inbox: list[Entry] = []
        self._inbox_first = 0
        self._next_at = inf
        self._ready_at = inf  # when something can be shown, or cut
        self._end: Ended | None = None
        self._ended_at = 0.0

    @property
    def number(self) -> int:
        """How many durable frames there have been."""
        return self._queue.number

    def feed(self, entries: Iterable[Entry]) -> None:
        """Take the next entries of the log."""
        self._inbox.extend(entries)
        self._look_ahead()
        self._plan()

    def step(self, frames: list[AnyFrame], most: int) -> int:
        """Take one step: show what is ready, chunk a slice, or read an entry.

        Adds at ``most`` so many to ``frames``; returns how many.
        """
        queue, shown = self._queue, 0
        if self.due == inf:
            return 0
        # What falls due at the same moment is shown before more is read: a reader who was here then has seen it so.
        if queue.waiting and self.due == self._ready_at:
            shown = queue.show(frames, most, self.due)
        elif not queue.waiting and self.text.is_uncut:
            queue.add(self.text.cut_slice())
        elif self.due == self._ready_at and self._end is not None:
            frames.append(self._finish(self._end))
            shown = 1
        elif self.due == self.text.held_until:
            queue.add(self.text.let_go())
        else:
            at, fact = self._take_entry()
            if self._is_raw and type(fact) is str and fact and self.text.is_live:
                frames.append(queue.pass_on(at, fact))
                shown = 1
            else:
                self._read(at, fact)
        self._plan()
        return shown

    def _plan(self) -> None:
        """Work out when the next step is due: once a step, because it is asked for more often."""
        queue = self._queue
        if queue.waiting:
            at = queue.due()
        elif self.is_finished:
            self.due = inf
            return
        elif self.text.is_uncut:
            at = queue.shown_at
        elif self._end is not None:
            at = max(queue.shown_at, self._ended_at)
        else:
            at = inf
        self._ready_at = at
        if self._next_at < at:
            at = self._next_at
        held_until = self.text.held_until
        self.due = at if at < held_until else held_until

    # Reading entries.

    def _take_entry(self) -> Entry:
        entry = self._inbox[self._inbox_first]
        self._inbox_first += 1
        if self._inbox_first == len(self._inbox):
            self._inbox, self._inbox_first = [], 0
        self._look_ahead()
        return entry

    def _look_ahead(self) -> None:
        self._next_at = self._inbox[self._inbox_first][0] if self._inbox else inf

    def _read(self, at: float, fact: Fact) -> None:
        match fact:
            case str():
                self._answering(at)
                self._queue.add(self.text.add(at, fact))
            case Started():
                self.started_at = at
            case Answer(text=text):
                self._answering(at)
                self.text.take_whole(text)
            case ToolCall() | ToolResult() | Media():
                self._queue.add(self.text.flush(at))
                self._queue.add(as_it_is(at, payload) for payload in report_payloads(fact))
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
            self._queue.add(self.text.flush(at))
            self._queue.show_all_by(at)
            self.user_time.asked(at)
        elif isinstance(fact, QuestionExpired) or fact.request_id is not None:
            self.user_time.closed(at)
        self._queue.add((as_it_is(at, interaction_payload(fact)),))

    def _answering(self, at: float) -> None:
        if self.answered_at is None:
            self.answered_at, self._queue.answer_due_by = at, at + ANSWER_SECONDS
            seconds = self._elapsed(at) - self.user_time.until(at)
            self._queue.add((as_it_is(at, processed_payload(self._lang, seconds=seconds)),))

    def _ending(self, at: float, ended: Ended) -> None:
        self._ended_at = at
        self.text.end()
        if ended.cause == "complete":
            self._is_counted = True
            self._answering(at)
        if ended.cause == "cancelled":
            self._drop_rest()
        elif self.text.is_live:
            self._queue.add(self.text.flush(at))
        if ended.cause in ("error", "timeout"):
            # A reader who waits for an error sentence has waited enough.
            self._queue.hurry()
        self._end = ended

    def _elapsed(self, at: float) -> float:
        """Seconds since the function began."""
        return at - (self.started_at or 0.0)

    def _drop_rest(self) -> None:
        self._queue.drop()
        self.text.drop()

    def _finish(self, ended: Ended) -> Frame:
        queue = self._queue
        queue.shown_at = self._ready_at
        queue.number += 1
        self.is_finished = True
        payload = end_payload(ended, self._lang, elapsed_seconds=self._elapsed(self._ended_at))
        if payload["status"] == "complete" and self._style.tells_total_time:
            payload = {**payload, "total_time": round(queue.shown_at, 1)}
        if self.usage is not None:
            payload = {**payload, "usage": token_counts(self.usage, is_complete=self._is_counted)}
        return Frame(payload, queue.number, is_terminal=True)
