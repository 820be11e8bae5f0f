"""How a turn is to be shown: written into its rules when it is opened, read again at every resume."""

from __future__ import annotations

import random
from functools import partial

from streamchat.chunking.registry import Registry
from streamchat.handlers.chat_request import ChatRequest
from streamchat.handlers.rooms import Rooms
from streamchat.presenting.pacing import NO_PACE
from streamchat.presenting.presenter import Presenter
from streamchat.presenting.sentences import Language
from streamchat.presenting.styles import STYLES, StreamStyle
from streamchat.presenting.timeline import Timeline
from streamchat.turns.query import View
from streamchat.turns.turn import Turn

# Keep-alives of streams that were opened together must not fall due together.
_KEEPALIVE_JITTER = 0.2


def view_of(request: ChatRequest, style: StreamStyle, lang: Language, strategies: Registry) -> View:
    """The view a request asks for; UnknownStrategy or BadSize when its chunking can't be had."""
    chunking = request.chunking
    strategy, size = style.strategy, style.size
    if chunking is not None:
        strategy, size = chunking.strategy, chunking.size
        strategies.chunker(strategy, size)
    return View(style=style.name, lang=lang, pace=request.pace or "natural", strategy=strategy, size=size)


def presenter_of(rooms: Rooms, turn: Turn, *, skip: int = 0, with_opening: bool = True) -> Presenter:
    """A presenter that shows ``turn`` as it was asked to be shown."""
    view = turn.rules.view
    style = STYLES[view.style]
    timeline = Timeline(
        style=style,
        pace=NO_PACE if view.pace == "none" else style.pace,
        make_chunker=None if view.strategy is None else partial(rooms.strategies.chunker, view.strategy, view.size),
        lang=view.lang,
        # Whoever asks for a strategy of their own wants its units whole; the doors' own must not trail the source.
        lets_go=view.pace != "none" and view.strategy == style.strategy,
    )
    return Presenter(
        timeline,
        style=style,
        lang=view.lang,
        durations=rooms.calibration.durations((rooms.backend, turn.query.username)),
        keepalive_seconds=rooms.limits.keepalive_seconds * (1.0 - _KEEPALIVE_JITTER * random.random()),
        skip=skip,
        with_opening=with_opening,
    )
