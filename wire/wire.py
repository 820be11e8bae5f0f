"""The seam of every dialect: frames in, bytes out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from streamchat.presenting.frames import AnyFrame


class Wire(Protocol):
    """Encodes what a presenter shows, for one stream."""

    def encode(self, frames: Iterable[AnyFrame]) -> bytes:
        """The bytes of these frames, in order."""
