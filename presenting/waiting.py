"""What has been read of a log and waits for its time to be shown."""

from __future__ import annotations

from math import inf
from typing import final

from streamchat.presenting.frames import Payload


@final
class Waiting:
    """A frame to be: a chunk of a live source, or a payload that is shown as it is.

    ``latest_at`` is when it is shown even if the pace would have it wait. A chunk of an answer that was given at once
    waits as its bare length: for the pace alone.
    """

    __slots__ = ("arrived_at", "chunk", "latest_at", "payload")

    def __init__(self, arrived_at: float, latest_at: float, chunk: str, payload: Payload | None = None) -> None:
        self.arrived_at = arrived_at
        self.latest_at = latest_at
        self.chunk = chunk
        self.payload = payload


def as_it_is(at: float, payload: Payload) -> Waiting:
    """A payload that no pace holds up."""
    return Waiting(at, -inf, "", payload)
