"""Whoever watches a presenter: plays the reader's and the door's part, with a plain number as the clock."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import inf
from typing import Any, NamedTuple

from streamchat.presenting.frames import Frame, Payload
from streamchat.presenting.pacing import NO_PACE, Pace
from streamchat.presenting.presenter import Presenter
from streamchat.presenting.styles import StreamStyle
from streamchat.presenting.timeline import Timeline
from streamchat.turns.events import Entry, Notice
from tests.fakes.chunkers import every


class Seen(NamedTuple):
    """A frame, and when it was given."""

    at: float
    frame: Frame

    @property
    def payload(self) -> Payload:
        return self.frame.payload

    @property
    def status(self) -> str:
        return str(self.frame.payload.get("status", ""))


def timeline_of(style: StreamStyle, *, size: int | None = 3, lang: Any = "zh", pace: Pace | None = None) -> Timeline:
    """A timeline of the style; its chunks have ``size`` characters, None for no chunker."""
    return Timeline(
        style=style,
        pace=style.pace if pace is None else pace,
        make_chunker=None if size is None else partial(every, size),
        lang=lang,
    )


def presenter_of(
    style: StreamStyle, *, size: int | None = 3, lang: Any = "zh", is_paced: bool = True, **more: Any
) -> Presenter:
    """A presenter of the style; its chunks have ``size`` characters."""
    timeline = timeline_of(style, size=size, lang=lang, pace=None if is_paced else NO_PACE)
    return Presenter(timeline, style=style, lang=lang, **more)


def watch(
    presenter: Presenter, log: Sequence[Entry], notices: Sequence[tuple[float, Notice]] = (), *, until: float = 1e9
) -> list[Seen]:
    """Everything the presenter gives for the log and the notices, as each of them happens, up to ``until``."""
    entries, said, seen, now = list(log), list(notices), list[Seen](), 0.0
    while now <= until:
        fresh = [entries.pop(0) for _ in range(sum(at <= now for at, _ in entries))]
        notice = [said.pop(0) for _ in range(sum(at <= now for at, _ in said))][-1:]
        presenter.feed(fresh, notice[0][1] if notice else None)
        seen += [Seen(now, frame) for frame in presenter.take(now)]
        if presenter.is_finished:
            return seen
        happening = min([presenter.due, *(at for at, _ in entries[:1]), *(at for at, _ in said[:1])])
        if happening == inf:
            return seen
        now = max(now, happening)
    return seen


def durable(seen: Sequence[Seen]) -> list[Frame]:
    """The frames that count."""
    return [each.frame for each in seen if each.frame.is_durable]


def text_of(frames: Sequence[Frame]) -> str:
    """The answer, as a client puts it together."""
    return "".join(frame.payload["data"] for frame in frames if frame.payload.get("status") == "streaming")
