"""Remembers how long queries took to their answer, for the progress of the next ones. An observer."""

from __future__ import annotations

from streamchat.presenting.progress import Calibration
from streamchat.turns.observer import Delivery, Stage
from streamchat.turns.turn import Turn


class Calibrator:
    """Feeds a Calibration, by backend and profile."""

    def __init__(self, calibration: Calibration, backend: str) -> None:
        self._calibration = calibration
        self._backend = backend

    def stage_left(self, turn: Turn, stage: Stage, seconds: float) -> None:
        if stage == "processing" and turn.answered_at is not None:
            self._calibration.record((self._backend, turn.query.username), seconds)

    def turn_ended(self, turn: Turn) -> None:
        """Nothing is learned from an end."""

    def delivered(self, turn: Turn, delivery: Delivery) -> None:
        """Nothing is learned from a reader."""
