"""Examples: streams as the presenter and the wires make them, of one made-up turn."""

from __future__ import annotations

from functools import partial
from math import inf
from typing import Any

from streamchat.chunking.registry import Registry, shipped
from streamchat.presenting.frames import AnyFrame
from streamchat.presenting.presenter import Presenter
from streamchat.presenting.styles import QUIET, UI_MESSAGES, StreamStyle
from streamchat.presenting.timeline import Timeline
from streamchat.turns.events import Answer, Ended, Entry, Started
from streamchat.wire.openai import Completion, CompletionWire
from streamchat.wire.sse import SseWire
from streamchat.wire.ui_messages import UiMessageWire
from streamchat.wire.wire import Wire

STREAM_ID = "st_2Zkz"
ASKED = {"username": "VitalikButerin", "message": "What is a rollup?", "lang": "en"}
ANSWER = "A rollup is a chain that keeps its data on another one. So it is as safe as that."
COMPLETION: dict[str, Any] = {"id": f"chatcmpl-{STREAM_ID}", "model": "VitalikButerin", "created": 1_795_000_000}

_LOG: tuple[Entry, ...] = (
    (0.0, Started()),
    (3.5, Answer(text=ANSWER)),
    (3.5, Ended(cause="complete", code="complete")),
)


def stream(style: StreamStyle) -> str:
    """The whole stream of a streaming door."""
    return _encoded(style, SseWire(STREAM_ID))


def resumed_stream(style: StreamStyle, seen: int) -> str:
    """What is left of it for who has seen so many durable frames."""
    frames = [frame for frame in _shown(style) if frame.is_durable and frame.number > seen]
    return SseWire(STREAM_ID).encode(frames).decode()


def completion_chunks() -> str:
    """The stream of a chat completion."""
    return _encoded(QUIET, CompletionWire(Completion(**COMPLETION)))


def ui_message() -> str:
    """The stream of a UI message."""
    return _encoded(UI_MESSAGES, UiMessageWire(STREAM_ID, {"stream_id": STREAM_ID, "conversation_id": "chat_fZQh"}))


def _encoded(style: StreamStyle, wire: Wire) -> str:
    return wire.encode(_shown(style)).decode()


def _shown(style: StreamStyle) -> list[AnyFrame]:
    strategies = Registry(shipped())
    chunker = None if style.strategy is None else partial(strategies.chunker, style.strategy, style.size)
    timeline = Timeline(style=style, pace=style.pace, make_chunker=chunker, lang="en")
    presenter = Presenter(timeline, style=style, lang="en", keepalive_seconds=inf)
    frames: list[AnyFrame] = []
    for at, fact in _LOG:
        while presenter.due < at:
            frames += presenter.take(max(0.0, presenter.due))
        presenter.feed([(at, fact)])
    while not presenter.is_finished:
        frames += presenter.take(max(_LOG[-1][0], presenter.due))
    return frames
