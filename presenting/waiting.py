"""What has been read of a log and waits for its time to be shown."""

from __future__ import annotations

from math import inf
from typing import NamedTuple, final

from streamchat.presenting.frames import Payload


@final
class Waiting(NamedTuple):
    """A frame to be: a chunk of a live source, or a payload that is shown as it is.

    A chunk of an answer that was given at once waits as its bare length: for the pace alone.
    """

    arrived_at: float
    latest_at: float  # when it is shown even if the pace would have it wait
    chunk: str
    payload: Payload | None = None


def as_it_is(at: float, payload: Payload) -> Waiting:
    """A payload that no pace holds up."""
    return Waiting(at, -inf, "", payload)
