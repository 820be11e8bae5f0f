"""What becomes of a log: the durable frames of one style, each at its own time.

Runs in the log's time, not the reader's: when a frame is due follows from the entries alone. So every
reading of a log gives the same frames with the same times in them, however late or often it is read, and
what is overdue, as after a resume, is not paced again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import NamedTuple

from streamchat.chunking.chunker import Chunker
from streamchat.chunking.clusters import settled_end
from streamchat.presenting.frames import AnyFrame, Chunk, Frame, Payload
from streamchat.presenting.pacing import (
    ANSWER_SECONDS,
    NO_PACE,
    TRAIL_SECONDS,
    Pace,
    pause_behind_source,
    pause_in_answer,
)
from streamchat.presenting.payloads import error_payload, interaction_payload, report_payloads, token_counts
from streamchat.presenting.sentences import Language, has_sentence, sentence
from streamchat.presenting.styles import StreamStyle
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

# How much of a long answer is chunked in one step: a fraction of a millisecond of work, and seconds of showing. What is
# chunked and not shown yet is the largest thing that an open stream holds in memory.
SLICE_CHARACTERS = 256


class _Item(NamedTuple):
    """A frame that waits for its time: a chunk of a live source, or a payload that is shown as it is.

    A chunk of an answer that was given at once waits as bare text: for the pace alone.
    """

    arrived_at: float
    latest_at: float  # when it is shown even if the pace would have it wait
    chunk: str
    payload: Payload | None = None


def _as_it_is(at: float, payload: Payload) -> _Item:
    return _Item(at, -inf, "", payload)


class Timeline:
    """Takes entries, gives frames. ``due`` says when the next ``step`` is to be taken; inf: never, so far.

    ``lets_go``: what the chunker holds back of a live source is shown after TRAIL_SECONDS, though a better cut may
    come; without it a sentence, a link or a table row stays whole however slow the source is.
    All times are seconds since the turn was accepted.
    """

    __slots__ = (
        "_chunker",
        "_chunks",
        "_end",
        "_ended_at",
        "_free_at",
        "_held",
        "_held_until",
        "_inbox",
        "_inbox_first",
        "_is_counted",
        "_is_live",
        "_lang",
        "_lets_go",
        "_make_chunker",
        "_pace",
        "_position",
        "_ready",
        "_ready_at",
        "_ready_first",
        "_shown_at",
        "_sliced",
        "_source",
        "_style",
        "_total",
        "_waited",
        "_waiting_since",
        "answered_at",
        "arrived",
        "due",
        "is_finished",
        "number",
        "open_questions",
        "started_at",
        "usage",
        "usage_at",
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
        self.number = 0
        self.open_questions = 0
        self.is_finished = False
        self.due = inf
        self.usage: Usage | None = None  # the latest count of tokens, and when it was said
        self.usage_at = -inf
        self._is_counted = False  # whether no other count can follow
        self._style = style
        self._pace = pace
        self._make_chunker = make_chunker
        self._chunker = make_chunker() if make_chunker else None
        self._lang = lang
        self._lets_go = lets_go
        # Queues, each with the place of its first: an empty deque would be a kilobyte for each open stream.
        self._inbox: list[Entry] = []
        self._inbox_first = 0
        self._ready: list[_Item | str] = []
        self._ready_first = 0
        self._source = ""  # an answer that was given at once, and how far it has been chunked
        self._sliced = 0
        self._is_live = False
        self._held = 0  # characters that the chunker of a live source holds back, and until when it may
        self._held_until = inf
        self.arrived = 0  # characters of the answer known so far, shown or not
        self._total: int | None = None
        self._chunks = 0
        self._position = 0
        self._shown_at = 0.0
        self._free_at = 0.0
        self._ready_at = inf
        self._end: Payload | None = None
        self._ended_at = 0.0
        self._waited = 0.0
        self._waiting_since = 0.0

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
        elif not self._ready and self._sliced < len(self._source):
            self._slice()
        elif self.due == self._ready_at:
            frame = None if self._end is None else self._finish(self._end)
        elif self.due == self._held_until:
            self._let_go(self._held_until)
        else:
            self._read(self._take_entry())
        self._plan()
        return frame

    def _plan(self) -> None:
        """Work out when the next step is due: once a step, because it is asked for more often."""
        if self.is_finished:
            self.due = inf
            return
        if self._ready:
            item, at = self._ready[self._ready_first], self._free_at
            if not isinstance(item, str):
                at = max(item.arrived_at, min(at, item.latest_at))
            self._ready_at = at = at if at > self._shown_at else self._shown_at
        elif self._sliced < len(self._source):
            self._ready_at = at = self._shown_at
        elif self._end is not None:
            self._ready_at = at = max(self._shown_at, self._ended_at)
        else:
            self._ready_at = at = inf
        if self._inbox and self._inbox[self._inbox_first].at < at:
            at = self._inbox[self._inbox_first].at
        self.due = at if at < self._held_until else self._held_until

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
                self._source, self._total, self.arrived = text, len(text), len(text)
            case Text(text=text):
                self._answering(at)
                self._is_live = True
                self.arrived += len(text)
                self._hold(at, text, self._chunker.feed(text) if self._chunker else [text])
            case ToolCall() | ToolResult() | Media():
                self._flush(at)
                self._ready.extend(_as_it_is(at, payload) for payload in report_payloads(fact))
            case InputRequired() | InputReceived() | QuestionExpired():
                self._interact(at, fact)
            case Usage():
                self.usage, self.usage_at = fact, at
            case Ended():
                self._ending(at, fact)
            case Withdrawn(cause=cause, code=code):
                self._drop_rest()
                self._ended_at = at
                self._end = self._end_payload(Ended(cause=cause, code=code), at)

    def _interact(self, at: float, fact: InteractionFact) -> None:
        if isinstance(fact, InputRequired):
            # Whoever is asked has read what was said before: it is not paced any more.
            self._flush(at)
            self._show_all_by(at)
            if not self.open_questions:
                self._waiting_since = at
            self.open_questions += 1
        elif isinstance(fact, QuestionExpired) or fact.request_id is not None:
            waited = self.waited_until(at)
            self.open_questions -= 1
            self._waited, self._waiting_since = waited, at
        self._ready.append(_as_it_is(at, interaction_payload(fact)))

    def _show_all_by(self, at: float) -> None:
        waiting = self._ready[self._ready_first :]
        self._ready = [
            item._replace(latest_at=min(item.latest_at, at)) if isinstance(item, _Item) else item for item in waiting
        ]
        self._ready_first = 0

    def waited_until(self, at: float) -> float:
        """How long a question has been open; that is time of the user's, not of the function's."""
        return self._waited + (at - self._waiting_since if self.open_questions else 0.0)

    def _answering(self, at: float) -> None:
        if self.answered_at is None:
            self.answered_at = at
            self._ready.append(_as_it_is(at, self._processed(at)))

    def _add_chunks(self, at: float, chunks: Iterable[str]) -> None:
        # The first of them may begin with text that has been held back for a while already.
        latest_at = at + TRAIL_SECONDS
        for chunk in filter(None, chunks):
            self._ready.append(_Item(at, min(latest_at, self._held_until), chunk))
            self._held_until = inf

    def _slice(self) -> None:
        start, self._sliced = self._sliced, self._sliced + SLICE_CHARACTERS
        if self._chunker is None:
            self._sliced = len(self._source)
            self._ready.append(self._source)
            return
        chunks = self._chunker.feed(self._source[start : self._sliced])
        if self._sliced >= len(self._source):
            chunks = [*chunks, *self._chunker.flush()]
            self._source = ""
        # A strategy of somebody's own may give empty ones; a frame without text is none.
        self._ready.extend(filter(None, chunks))

    def _hold(self, at: float, text: str, chunks: Sequence[str]) -> None:
        """Queue the chunks, and set the time until which the rest may be held back for the sake of a good cut."""
        held_until = self._held_until
        self._add_chunks(at, chunks)
        self._held += len(text) - sum(map(len, chunks))
        if not self._held or not self._lets_go:
            self._held_until = inf
        elif self._held > len(text) and held_until < inf:
            self._held_until = held_until
        else:
            self._held_until = at + TRAIL_SECONDS

    def _let_go(self, at: float) -> None:
        """Show what a source that has gone quiet, or is slow, has left in the chunker: all but a torn cluster."""
        assert self._chunker is not None
        assert self._make_chunker is not None
        held = "".join(self._chunker.flush())
        end = settled_end(held)
        self._chunker = self._make_chunker()
        self._held, self._held_until = 0, inf
        if end:
            self._ready.append(_Item(at, at, held[:end]))
        if end < len(held):
            self._hold(inf, held[end:], self._chunker.feed(held[end:]))

    def _flush(self, at: float) -> None:
        if self._chunker is not None and self._make_chunker is not None:
            self._add_chunks(at, self._chunker.flush())
            self._chunker = self._make_chunker()
        self._held, self._held_until = 0, inf

    def _ending(self, at: float, ended: Ended) -> None:
        self._ended_at = at
        self._total = self.arrived
        if ended.cause == "complete":
            self._is_counted = True
            self._answering(at)
        if ended.cause == "cancelled":
            self._drop_rest()
        elif self._is_live:
            self._flush(at)
        if ended.cause in ("error", "timeout"):
            self._hurry()
        self._end = self._end_payload(ended, at)

    def _drop_rest(self) -> None:
        self._ready, self._ready_first = [], 0
        self._source, self._sliced = "", 0
        self._held_until = inf

    def _hurry(self) -> None:
        """Show at once what is left: a reader who waits for an error sentence has waited enough."""
        self._pace = NO_PACE
        self._free_at = self._shown_at

    # Showing frames.

    def _show(self) -> AnyFrame:
        item = self._ready[self._ready_first]
        self._ready_first += 1
        if self._ready_first == len(self._ready):
            self._ready, self._ready_first = [], 0
        self._shown_at = self._ready_at
        self.number += 1
        if isinstance(item, str):
            text = item
        elif item.payload is not None:
            return Frame(item.payload, self.number)
        else:
            text = item.chunk
        self._free_at = self._shown_at + self._pause_after(text)
        self._chunks += 1
        self._position += len(text)
        return Chunk(text, self.number, self._chunks, self._position, self._total, self._style.chunk_fields)

    def _pause_after(self, chunk: str) -> float:
        if self._pace is NO_PACE:
            return 0.0
        natural, size = self._pace.pause_after(chunk), len(chunk)
        left = self.arrived - self._position
        if self._is_live:
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

    def _processed(self, at: float) -> Payload:
        seconds = round(at - (self.started_at or 0.0) - self.waited_until(at), 1)
        return {
            "success": True,
            "data": "",
            "status": "processing_complete",
            "progress": 100,
            "message": sentence("processed", self._lang, seconds=seconds),
            "total_processing_time": seconds,
        }

    def _end_payload(self, ended: Ended, at: float) -> Payload:
        if ended.cause == "complete":
            return {"success": True, "data": "", "status": "complete", "is_complete": True}
        name = ended.reason if has_sentence(ended.reason) else ended.code
        error = sentence(name, self._lang)
        if ended.cause == "timeout":
            elapsed = round(at - (self.started_at or 0.0), 1)
            return error_payload(error, ended.code, status="timeout", elapsed_time=elapsed)
        if ended.cause == "cancelled":
            return error_payload(error, ended.code, status="cancelled", worker=ended.worker)
        return error_payload(error, ended.code)
