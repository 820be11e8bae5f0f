"""What one client sees of one turn: log entries and the time in, frames and the next due time out.

Pure: no loop, no clock, no socket. The durable frames come from the timeline; what is added here is
transient, said for the moment and to this reader only: the opening, the queue, progress, keep-alives.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from streamchat.presenting.frames import AnyFrame, Frame, Payload, keepalive
from streamchat.presenting.payloads import error_payload, usage_payload
from streamchat.presenting.progress import LAST_PERCENT, Durations, percent_done, remaining_seconds
from streamchat.presenting.sentences import Language, sentence
from streamchat.presenting.styles import Opening, StreamStyle
from streamchat.presenting.timeline import Timeline
from streamchat.turns.events import Dismissed, Entry, Notice, Progress, Queued, Usage

# In one ``take``: bounds how long a catch-up holds the loop. A step of the timeline without a frame, which may chunk a
# slice of text, counts as some.
FRAMES_PER_TAKE = 256
_SILENT_STEP = 4
# And text that it reads: a step that reads costs as much as the text is long.
CHARACTERS_PER_TAKE = 4_096
# A backend that reports more often than this is shown its latest word only.
REPORT_SECONDS = 0.1


class Presenter:
    """Shows a turn in a style. ``skip`` durable frames were seen before and are left out.

    A new client is given the opening; one that resumes is given no old progress. ``due`` is when to take again,
    unless the log grows first. ``is_finished``: the terminal frame has been given, or was seen before.
    """

    __slots__ = (
        "_came_at",
        "_durations",
        "_has_begun",
        "_is_dismissed",
        "_is_news",
        "_is_open",
        "_keepalive_seconds",
        "_lang",
        "_message_index",
        "_notice",
        "_percent",
        "_said_at",
        "_sent_at",
        "_skip",
        "_style",
        "_timeline",
        "_usage",
        "_with_opening",
        "due",
        "is_finished",
    )

    def __init__(
        self,
        timeline: Timeline,
        *,
        style: StreamStyle,
        lang: Language,
        durations: Durations = (),
        keepalive_seconds: float = 15.0,
        skip: int = 0,
        with_opening: bool = True,
    ) -> None:
        self._timeline = timeline
        self._style = style
        self._lang: Language = lang
        self._durations = durations
        self._keepalive_seconds = keepalive_seconds
        self._skip = skip
        self._with_opening = with_opening
        self._is_open = False
        self._is_dismissed = False
        self._has_begun = False
        self._notice: Notice | None = None
        self._is_news = False
        self._said_at = -inf
        self._sent_at = 0.0
        self._message_index = 0
        self._percent = 0.0
        self._usage: Usage | None = None
        self._came_at = -inf
        self.due = -inf
        self.is_finished = False

    @property
    def number(self) -> int:
        """How many durable frames there have been, the skipped ones included."""
        return self._timeline.number

    def feed(self, entries: Sequence[Entry], notice: Notice | None = None) -> None:
        """Take new entries of the log, and the latest notice if it is a new one."""
        if entries:
            self._timeline.feed(entries)
        if notice is not None:
            self._notice = notice
            self._is_news = True
            self._is_dismissed = isinstance(notice, Dismissed)
        self._plan()

    def take(self, now: float) -> list[AnyFrame]:
        """The frames that are due at ``now``; when ``due`` is not later than that, there are more."""
        if self._is_dismissed:
            return self._goodbye()
        frames: list[AnyFrame] = []
        if not self._is_open:
            self._open(now, frames)
        timeline = self._timeline
        if timeline.due <= now:
            frames += self._advance(now)
        if timeline.answered_at is None and self._transient_due <= now:
            frames.append(self._transient(now))
        if frames:
            self._sent_at = now
        elif not timeline.is_finished and now >= self._sent_at + self._keepalive_seconds:
            self._sent_at = now
            frames.append(keepalive(self.number))
        self._plan()
        return frames

    def _plan(self) -> None:
        timeline = self._timeline
        if self.is_finished or timeline.is_finished:
            self.is_finished, self.due = True, inf
        elif self._is_dismissed or not self._is_open:
            self.due = -inf
        else:
            due, keepalive_at = timeline.due, self._sent_at + self._keepalive_seconds
            if timeline.answered_at is None:
                due = min(due, self._transient_due)
            else:
                self._durations = ()  # nothing is foretold any more
            self.due = due if due < keepalive_at else keepalive_at

    def _goodbye(self) -> list[AnyFrame]:
        """The one frame that is not the log's: it ends this reading, not the stream. Who comes back misses nothing."""
        if self.is_finished:
            return []
        self.is_finished = True
        self._plan()
        payload = error_payload(sentence("shutting_down", self._lang), "shutting_down")
        return [Frame(payload, max(self.number, self._skip), is_durable=False, is_terminal=True)]

    def _open(self, now: float, frames: list[AnyFrame]) -> None:
        self._is_open = True
        self._sent_at = now
        if not self._with_opening:
            self._came_at = now
        elif self._style.connecting is not None:
            frames.append(self._opening(self._style.connecting))

    def _advance(self, now: float) -> list[AnyFrame]:
        """Take what is due, one step at least."""
        timeline, text, frames = self._timeline, self._timeline.text, list[AnyFrame]()
        before, enough, left = timeline.number, text.arrived + CHARACTERS_PER_TAKE, FRAMES_PER_TAKE
        while left > 0:
            shown = timeline.step(frames, left)
            if not shown:
                self._announce(now, frames)
            left -= shown or _SILENT_STEP
            if timeline.due > now or text.arrived >= enough:
                break
        if before >= self._skip:
            return frames
        return [frame for frame in frames if frame.number > self._skip or not frame.is_durable]

    def _announce(self, now: float, frames: list[AnyFrame]) -> None:
        """Say for the moment what a step has brought: that the work has begun, or a count of tokens."""
        if self._timeline.started_at is not None and not self._has_begun:
            self._begin(now, frames)
        elif self._timeline.usage is not self._usage:
            self._count(frames)

    def _begin(self, now: float, frames: list[AnyFrame]) -> None:
        """The work begins. Whoever has been here from the start sees it said, even if the answer is here too."""
        self._has_begun = True
        self._said_at = -inf
        if self._with_opening and self._style.processing is not None:
            frames.append(self._opening(self._style.processing))
            frames.append(self._progress(now))

    def _count(self, frames: list[AnyFrame]) -> None:
        """A new count of tokens. One that was said before a reader came back is old: the end tells it."""
        usage = self._usage = self._timeline.usage
        if usage is not None and self._timeline.usage_at > self._came_at:
            frames.append(self._transient_frame(usage_payload(usage)))

    # What is said for the moment.

    @property
    def _transient_due(self) -> float:
        if self._timeline.answered_at is not None or self._timeline.is_finished or not self._is_open:
            return inf
        if not self._style.tells_progress:
            return inf
        if self._timeline.user_time.open:
            return inf  # the user's turn: what the work does is no news to them now
        if not self._has_begun and not isinstance(self._notice, Queued):
            return inf
        wait = REPORT_SECONDS if self._is_news else self._style.interval_seconds
        return self._said_at + wait

    def _transient(self, now: float) -> Frame:
        if not self._has_begun and isinstance(self._notice, Queued):
            return self._queued(now, self._notice)
        return self._progress(now)

    def _queued(self, now: float, queued: Queued) -> Frame:
        self._is_news = False
        self._said_at = now
        return self._transient_frame(
            {
                "success": True,
                "data": "",
                "status": "queued",
                "message": sentence("queued", self._lang, ahead=queued.position - 1),
                "position": queued.position,
                "estimated_wait": queued.estimated_wait,
            }
        )

    def _progress(self, now: float) -> Frame:
        self._is_news = False
        self._said_at = now
        elapsed = max(0.0, now - (self._timeline.started_at or 0.0))
        worked = max(0.0, elapsed - self._timeline.user_time.until(now))
        percent, remaining = percent_done(worked, self._durations), remaining_seconds(worked, self._durations)
        if isinstance(self._notice, Progress):
            message = self._notice.message
            percent = percent if self._notice.percent is None else min(self._notice.percent, LAST_PERCENT)
        else:
            message = sentence(self._style.messages[self._message_index], self._lang)
            self._message_index = (self._message_index + 1) % len(self._style.messages)
        self._percent = max(self._percent, round(percent, 1))
        payload: Payload = {"success": True, "data": "", "status": "processing", "message": message}
        payload |= {"progress": self._percent, "elapsed_time": round(elapsed, 1)}
        if remaining is not None:
            payload["remaining_time"] = round(remaining, 1)
        return self._transient_frame(payload)

    def _opening(self, opening: Opening) -> Frame:
        payload: Payload = {"success": True, "data": "", "status": opening.status}
        if opening.sentence is not None:
            payload["message"] = sentence(opening.sentence, self._lang)
        if opening.percent is not None:
            payload["progress"] = opening.percent
        return self._transient_frame(payload)

    def _transient_frame(self, payload: Payload) -> Frame:
        # A reader that skips has seen the skipped frames: their count is the place it would resume from.
        return Frame(payload, max(self.number, self._skip), is_durable=False)
