"""Stops a turn for its owner, and says truly what there was left to stop."""

from __future__ import annotations

import sys

from streamchat.handlers.following import fast_forward
from streamchat.handlers.rooms import Rooms
from streamchat.handlers.views import presenter_of
from streamchat.turns.turn import TrueState, Turn


async def stop(rooms: Rooms, turn: Turn) -> TrueState:
    """Stop the work itself; of an answer that is still being shown, withhold what is not due yet.

    What is due has been shown, though a client that reads slowly may not have it yet: its stream goes on to the end
    that was due. So the answer here and the stream's terminal frame never contradict each other.
    """
    if turn.ended is not None and turn.reader_count and await _is_all_due(rooms, turn):
        return turn.true_state
    return await turn.cancel()


async def _is_all_due(rooms: Rooms, turn: Turn) -> bool:
    reader = turn.open_reader()
    try:
        presenter = presenter_of(rooms, turn, with_opening=False)
        await fast_forward(reader, presenter, sys.maxsize)
        return presenter.is_finished
    finally:
        reader.close()
