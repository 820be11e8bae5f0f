"""What a client sees, one step before the wire: a payload and its place among the durable ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from streamchat.presenting.permille import permille_of

Payload = dict[str, Any]


class Frame(NamedTuple):
    """One frame. ``number`` counts the durable frames so far, this one included.

    A transient frame (``is_durable`` false) repeats the number of the last durable one, 0 before the
    first: whoever resumes after it is given everything that is durable, once.
    """

    payload: Payload
    number: int
    is_durable: bool = True
    is_terminal: bool = False
    is_keepalive: bool = False


class Chunk(NamedTuple):
    """A frame with a piece of the answer, in its parts: nearly all frames are such, and a wire writes them as it likes.

    ``chunk_number`` counts the pieces from 1. ``position`` is where the piece ends and ``total`` the length of the
    answer, in code points; ``total`` is None while it is unknown. ``fields`` names what the style tells of this.
    """

    text: str
    number: int
    chunk_number: int
    position: int
    total: int | None
    fields: tuple[str, ...]

    @property
    def is_durable(self) -> bool:
        """Always: the pieces are the answer."""
        return True

    @property
    def is_terminal(self) -> bool:
        """Never: the end says nothing of the answer."""
        return False

    @property
    def is_keepalive(self) -> bool:
        """Never."""
        return False

    @property
    def percent(self) -> float | None:
        """How much of the answer has been shown, this piece included; None while that is unknown."""
        return None if self.total is None else permille_of(self.position, self.total) / 10

    @property
    def payload(self) -> Payload:
        """The piece as any other frame has it."""
        told = {
            "progress": self.percent,
            "streaming_progress": self.percent,
            "chunk_number": self.chunk_number,
            "is_complete": False,
            "total_length": self.total,
            "current_position": self.position,
        }
        return {"success": True, "data": self.text, "status": "streaming", **{name: told[name] for name in self.fields}}


AnyFrame = Frame | Chunk

# Makes a Chunk of its fields in their order; calling the class takes a call in Python more, for nearly every frame.
make_chunk: Callable[[tuple[str, int, int, int, int | None, tuple[str, ...]]], Chunk] = partial(tuple.__new__, Chunk)


def keepalive(number: int) -> Frame:
    """A sign of life without content."""
    return Frame({}, number, is_durable=False, is_keepalive=True)
