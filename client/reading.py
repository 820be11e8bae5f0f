"""What is known of one answer: frames in, happenings out. Pure: no socket, no clock, no screen.

Frames with an unknown status and unknown fields are ignored, as the contract asks of every client.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from streamchat.client.frames import Frame, number_in, text_in
from streamchat.client.happenings import (
    Asked,
    Ended,
    Happening,
    MediaCame,
    QuestionClosed,
    Said,
    Stage,
    ToolCalled,
    ToolReturned,
    Waiting,
)

_STAGES = ("connecting", "initializing", "processing", "processing_complete")
_COUNTS = ("prompt_tokens", "completion_tokens")


@dataclass(slots=True)
class Reading:
    """One answer so far. ``now`` and all times are seconds since the question was asked."""

    stage: Stage = field(default_factory=Stage)
    pieces: list[str] = field(default_factory=list)
    characters: int = 0
    first_frame_at: float | None = None
    processed_at: float | None = None
    processing_seconds: float | None = None
    first_text_at: float | None = None
    ended_at: float | None = None
    usage: dict[str, int] = field(default_factory=dict)
    end: Ended | None = None
    _parts: list[str] = field(default_factory=list)

    @property
    def answer(self) -> str:
        """The answer so far, to the byte."""
        return "".join(self.pieces)

    def take(self, frame: Frame, now: float) -> list[Happening]:
        """Learn from the next frame; what it tells, in order."""
        if self.first_frame_at is None:
            self.first_frame_at = now
        happenings = list(self._told(frame, now))
        if frame.get("is_complete") is True:
            self.ended_at = now
            self._count(frame.get("usage"))
            self.end = _end(frame)
            happenings.append(self.end)
        return happenings

    def _told(self, frame: Frame, now: float) -> Iterator[Happening]:
        status = text_in(frame, "status")
        if status in _STAGES:
            yield self._staged(frame, now, is_processed=status == "processing_complete")
        elif status == "streaming":
            yield self._said(frame, now)
        elif status == "media":
            yield from self._media(frame)
        elif status == "usage":
            self._count(frame)
        elif status in _PLAIN:
            yield _PLAIN[status](frame)

    def _staged(self, frame: Frame, now: float, *, is_processed: bool) -> Stage:
        if is_processed:
            self.processed_at = now
            self.processing_seconds = number_in(frame, "total_processing_time")
        sentence = text_in(frame, "message") or self.stage.sentence
        percent, remaining = number_in(frame, "progress"), number_in(frame, "remaining_time")
        if percent is None:
            percent = self.stage.percent
        self.stage = Stage(sentence=sentence, percent=percent, remaining=remaining, at=now)
        return self.stage

    def _said(self, frame: Frame, now: float) -> Said:
        text = text_in(frame, "data")
        self.pieces.append(text)
        self.characters += len(text)
        if self.first_text_at is None:
            self.first_text_at = now
        percent = number_in(frame, "streaming_progress")
        self.stage = Stage(percent=number_in(frame, "progress") if percent is None else percent, at=now)
        return Said(text=text)

    def _media(self, frame: Frame) -> Iterator[MediaCame]:
        """The media once all its parts are here."""
        if number_in(frame, "part") in (None, 1):
            self._parts.clear()
        self._parts.append(text_in(frame, "content"))
        if len(self._parts) >= (number_in(frame, "parts") or 1):
            content, url = "".join(self._parts), text_in(frame, "url")
            self._parts.clear()
            yield MediaCame(
                media_type=text_in(frame, "media_type"),
                url=url,
                content=None if url else _decoded(content),
                alt=text_in(frame, "alt"),
            )

    def _count(self, counts: object) -> None:
        if isinstance(counts, dict):
            known = {name: number_in(counts, name) for name in _COUNTS}
            self.usage |= {name: int(count) for name, count in known.items() if count is not None}


def _waiting(frame: Frame) -> Waiting:
    position = number_in(frame, "position")
    return Waiting(
        sentence=text_in(frame, "message"),
        position=None if position is None else int(position),
        wait=number_in(frame, "estimated_wait"),
    )


def _asked(frame: Frame) -> Asked:
    return Asked(
        request_id=text_in(frame, "request_id"),
        question=text_in(frame, "question"),
        schema=frame.get("schema"),
        expires_in=number_in(frame, "expires_in"),
    )


def _closed(frame: Frame) -> QuestionClosed:
    return QuestionClosed(
        request_id=text_in(frame, "request_id"), is_answered=text_in(frame, "status") == "input_received"
    )


def _returned(frame: Frame) -> ToolReturned:
    is_error = frame.get("is_error") is True
    return ToolReturned(name=text_in(frame, "name"), result=frame.get("result"), is_error=is_error)


_PLAIN: dict[str, Callable[[Frame], Happening]] = {
    "queued": _waiting,
    "tool_call": lambda frame: ToolCalled(name=text_in(frame, "name"), arguments=frame.get("arguments")),
    "tool_result": _returned,
    "input_required": _asked,
    "input_received": _closed,
    "input_expired": _closed,
}


def _end(frame: Frame) -> Ended:
    fields = {name: text_in(frame, name) for name in ("status", "error", "code", "worker")}
    return Ended(**fields)


def _decoded(content: str) -> bytes | None:
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        return None
