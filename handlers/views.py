"""How a turn is to be shown: written into its rules when it is opened, read again at every resume."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from streamchat.chunking.chunker import Chunker
from streamchat.handlers.chat_request import ChatRequest
from streamchat.handlers.rooms import Rooms
from streamchat.presenting.pacing import NO_PACE
from streamchat.presenting.presenter import Presenter
from streamchat.presenting.styles import STYLES, StreamStyle
from streamchat.presenting.timeline import Timeline
from streamchat.turns.turn import Turn

# Keep-alives of streams that were opened together must not fall due together.
_KEEPALIVE_JITTER = 0.2


def view_of(request: ChatRequest, style: StreamStyle, lang: str, strategies: Any) -> Mapping[str, Any]:  # noqa: ANN401
    """The view a request asks for; UnknownStrategy or BadSize when its chunking can't be had."""
    chunking = request.chunking
    strategy, size = (style.strategy, style.size) if chunking is None else (chunking.strategy, chunking.size)
    if chunking is not None:
        strategies.chunker(strategy, size)
    return {"style": style.name, "lang": lang, "pace": request.pace or "natural", "strategy": strategy, "size": size}


def presenter_of(rooms: Rooms, turn: Turn, *, skip: int = 0, with_opening: bool = True) -> Presenter:
    """A presenter that shows ``turn`` as it was asked to be shown."""
    view = turn.rules.view
    style = STYLES[view["style"]]
    timeline = Timeline(
        style=style,
        pace=NO_PACE if view["pace"] == "none" else style.pace,
        make_chunker=_chunker_maker(rooms, view),
        lang=view["lang"],
        # Whoever asks for a strategy of their own wants its units whole; the doors' own must not trail the source.
        lets_go=view["pace"] != "none" and view["strategy"] == style.strategy,
    )
    return Presenter(
        timeline,
        style=style,
        lang=view["lang"],
        durations=rooms.calibration.durations((rooms.backend, turn.query.username)),
        keepalive_seconds=rooms.limits.keepalive_seconds * (1.0 - _KEEPALIVE_JITTER * random.random()),
        skip=skip,
        with_opening=with_opening,
    )


def _chunker_maker(rooms: Rooms, view: Mapping[str, Any]) -> Callable[[], Chunker] | None:
    if view["strategy"] is None:
        return None
    return lambda: rooms.strategies.chunker(view["strategy"], view["size"])
