"""Who is told what happens to turns and streams: metrics, the stage log, the conversation record.

Three verbs. An observer never changes a turn, and one that fails must not hurt it: ``Observers`` logs
the failure and goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from streamchat.turns.log_line import log_line

if TYPE_CHECKING:
    from streamchat.turns.turn import Turn

Stage = Literal["accepted", "queued", "processing"]
Leaving = Literal["finished", "client_gone", "stalled", "failed"]

# An answer that is sent in less than this is sent at once: what it is divided by would be the loop's own time.
LEAST_SECONDS = 0.05
GAP_SECONDS: tuple[float, ...] = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)

_logger = logging.getLogger("streamchat.turns")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What one reader was given, measured where the bytes left. Times in seconds.

    ``end`` is the status of the terminal frame it saw and ``code`` its error code, "" when it left before or there was
    none. The two first-… times count from the request, None when there was none. ``gaps`` counts the times between
    chunks: those not above each of GAP_SECONDS but above the one before, then the longer ones.
    """

    door: str
    resumed: bool
    leaving: Leaving
    end: str
    code: str
    first_frame_seconds: float | None
    first_chunk_seconds: float | None
    streaming_seconds: float
    total_seconds: float
    chunks: int
    characters: int
    frames: int
    gaps: Sequence[int] = ()

    @property
    def characters_per_second(self) -> float | None:
        """The speed of the answer; None for what was over too quickly to have one."""
        return self.characters / self.streaming_seconds if self.streaming_seconds >= LEAST_SECONDS else None

    @property
    def chunks_per_second(self) -> float | None:
        """The same in chunks."""
        return self.chunks / self.streaming_seconds if self.streaming_seconds >= LEAST_SECONDS else None


class Observer(Protocol):
    """Told of every stage a turn leaves, of its end, and of every reader that is done."""

    def stage_left(self, turn: Turn, stage: Stage, seconds: float) -> None:
        """``turn`` spent ``seconds`` in ``stage``."""

    def turn_ended(self, turn: Turn) -> None:
        """The turn has its one end, in ``turn.ended``."""

    def delivered(self, turn: Turn, delivery: Delivery) -> None:
        """A reader of ``turn`` is done."""


class Observers:
    """Tells several observers, in order."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)

    def stage_left(self, turn: Turn, stage: Stage, seconds: float) -> None:
        for observer in self._observers:
            try:
                observer.stage_left(turn, stage, seconds)
            except Exception as error:  # noqa: BLE001 - it is logged
                _log_failure(observer, turn, error)

    def turn_ended(self, turn: Turn) -> None:
        for observer in self._observers:
            try:
                observer.turn_ended(turn)
            except Exception as error:  # noqa: BLE001 - it is logged
                _log_failure(observer, turn, error)

    def delivered(self, turn: Turn, delivery: Delivery) -> None:
        for observer in self._observers:
            try:
                observer.delivered(turn, delivery)
            except Exception as error:  # noqa: BLE001 - it is logged
                _log_failure(observer, turn, error)


def _log_failure(observer: Observer, turn: Turn, error: Exception) -> None:
    log_line(_logger, logging.ERROR, turn, "an observer failed: %s", type(observer).__name__, error=error)
