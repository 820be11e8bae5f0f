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
from streamchat.presenting.frames import AnyFrame, Frame, Payload, make_chunk
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
        "_ready_first",
        "_shown_at",
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
        # Queues, each with the place of its first: an empty deque would be a kilobyte for each open stream.
        self._inbox: list[Entry] = []
        self._inbox_first = 0
        self._ready: list[Waiting | str] = []
        self._ready_first = 0
        self._chunks = 0
        self._position = 0
        self._shown_at = 0.0
        self._free_at = 0.0
        self._ready_at = inf
        self._end: Payload | None = None
        self._ended_at = 0.0

    def feed(self, entries: Iterable[Entry]) -> None:
        """Take the next entries of the log."""
        self._inbox.extend(entries)
        self._plan()

    def step(self) -> AnyFrame | None:
        """Take one step: show what is ready, chunk a slice, or read an entry."""
        frame = None
        # What falls due at the same moment is shown before more is read: a reader who was here then has seen it so.
        if self._ready and self.due == self._ready_at:
            frame = self._show()
        elif not self._ready and self.text.is_uncut:
            self._ready.extend(self.text.cut_slice())
        elif self.due == self._ready_at:
            frame = None if self._end is None else self._finish(self._end)
        elif self.due == self.text.held_until:
            self._ready.extend(self.text.let_go())
        else:
            self._read(self._take_entry())
        self._plan()
        return frame

    def _plan(self) -> None:
        """Work out when the next step is due: once a step, because it is asked for more often."""
        if self._ready:
            item, at = self._ready[self._ready_first], self._free_at
            if not isinstance(item, str):
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
                self._ready.extend(self.text.add(at, text))
            case ToolCall() | ToolResult() | Media():
                self._ready.extend(self.text.flush(at))
                self._ready.extend(as_it_is(at, payload) for payload in report_payloads(fact))
            case InputRequired() | InputReceived() | QuestionExpired():
                self._interact(at, fact)
            case Usage():
                self.usage, self.usage_at = fact, at
            case Ended():
                self._ending(at, fact)
            case Withdrawn(cause=cause, code=code):
                self._drop_rest()
                self._ended_at = at
                self._end = self._end_of(Ended(cause=cause, code=code), at)

    def _interact(self, at: float, fact: InteractionFact) -> None:
        if isinstance(fact, InputRequired):
            # Whoever is asked has read what was said before: it is not paced any more.
            self._ready.extend(self.text.flush(at))
            self._show_all_by(at)
            self.user_time.asked(at)
        elif isinstance(fact, QuestionExpired) or fact.request_id is not None:
            self.user_time.closed(at)
        self._ready.append(as_it_is(at, interaction_payload(fact)))

    def _show_all_by(self, at: float) -> None:
        waiting = self._ready[self._ready_first :]
        self._ready = [
            item if isinstance(item, str) else item._replace(latest_at=min(item.latest_at, at)) for item in waiting
        ]
        self._ready_first = 0

    def _answering(self, at: float) -> None:
        if self.answered_at is None:
            self.answered_at = at
            seconds = self._elapsed(at) - self.user_time.until(at)
            self._ready.append(as_it_is(at, processed_payload(self._lang, seconds=seconds)))

    def _ending(self, at: float, ended: Ended) -> None:
        self._ended_at = at
        self.text.end()
        if ended.cause == "complete":
            self._is_counted = True
            self._answering(at)
        if ended.cause == "cancelled":
            self._drop_rest()
        elif self.text.is_live:
            self._ready.extend(self.text.flush(at))
        if ended.cause in ("error", "timeout"):
            self._hurry()
        self._end = self._end_of(ended, at)

    def _end_of(self, ended: Ended, at: float) -> Payload:
        return end_payload(ended, self._lang, elapsed_seconds=self._elapsed(at))

    def _elapsed(self, at: float) -> float:
        """Seconds since the function began."""
        return at - (self.started_at or 0.0)

    def _drop_rest(self) -> None:
        self._ready, self._ready_first = [], 0
        self.text.drop()

    def _hurry(self) -> None:
        """Show at once what is left: a reader who waits for an error sentence has waited enough."""
        self._pace = NO_PACE
        self._free_at = self._shown_at

    # Showing frames.

    def _show(self) -> AnyFrame:
        ready, first = self._ready, self._ready_first
        item = ready[first]
        if first + 1 < len(ready):
            self._ready_first = first + 1
        else:
            self._ready, self._ready_first = [], 0
        self._shown_at = at = self._ready_at
        self.number = number = self.number + 1
        if isinstance(item, str):
            text = item
        elif item.payload is not None:
            self._free_at = max(self._free_at, at)
            return Frame(item.payload, number)
        else:
            text = item.chunk
        size = len(text)
        self._free_at = at if self._pace is NO_PACE else at + self._pause_after(text, size)
        self._chunks = chunks = self._chunks + 1
        self._position = position = self._position + size
        return make_chunk((text, number, chunks, position, self.text.total, self._style.chunk_fields))

    def _pause_after(self, chunk: str, size: int) -> float:
        answer = self.text
        natural, left = self._pace.pause_after(chunk), answer.arrived - self._position
        if answer.is_live:
            return pause_behind_source(natural, size, left)
        seconds_left = (self.answered_at or 0.0) + ANSWER_SECONDS - self._shown_at
        return pause_in_answer(natural, size, left, seconds_left)

    def _finish(self, payload: Payload) -> Frame:
        self._shown_at = self._ready_at
        self.number += 1
        self.is_finished = True
        if payload["status"] == "complete" and self._style.tells_total_time:
            payload = {**payload, "total_time": round(self._shown_at, 1)}
        if self.usage is not None:
            payload = {**payload, "usage": token_counts(self.usage, is_complete=self._is_counted)}
        return Frame(payload, self.number, is_terminal=True)
