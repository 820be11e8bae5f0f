"""Observers that remember what they were told, or fail."""

from __future__ import annotations

from streamchat.turns.events import Ended
from streamchat.turns.observer import Delivery, Stage
from streamchat.turns.turn import Turn


class RecordingObserver:
    """Remembers everything, in order."""

    def __init__(self) -> None:
        self.stages: list[tuple[Stage, float]] = []
        self.ended: list[Ended] = []
        self.deliveries: list[Delivery] = []

    def stage_left(self, turn: Turn, stage: Stage, seconds: float) -> None:
        self.stages.append((stage, seconds))

    def turn_ended(self, turn: Turn) -> None:
        assert turn.ended is not None
        self.ended.append(turn.ended)

    def delivered(self, turn: Turn, delivery: Delivery) -> None:
        self.deliveries.append(delivery)


class FailingObserver:
    """Fails at everything."""

    def stage_left(self, turn: Turn, stage: Stage, seconds: float) -> None:
        raise OSError("the disk is full")

    def turn_ended(self, turn: Turn) -> None:
        raise OSError("the disk is full")

    def delivered(self, turn: Turn, delivery: Delivery) -> None:
        raise OSError("the disk is full")
