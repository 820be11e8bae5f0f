"""What shows an answer while it arrives: the seam between the stream and a terminal, a pipe, or lines of JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from streamchat.client.frames import Frame
from streamchat.client.happenings import Happening
from streamchat.client.reading import Reading


class View(Protocol):
    """One answer at a time, between ``begin`` and ``end``; ``say`` may come at any time, with any text."""

    def begin(self, reading: Reading, started: float) -> None:
        """A question was asked at ``started`` of the monotonic clock; ``reading`` will learn of its answer."""

    def show(self, frame: Frame, happenings: Sequence[Happening]) -> None:
        """A frame came, and told this."""

    def say(self, sentence: str) -> None:
        """Something about the connection, a file, or the end."""

    def end(self) -> None:
        """No more comes, or the user is asked something now; what is known stays on the screen."""
