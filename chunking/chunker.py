"""What every chunking strategy is: text goes in as it arrives, chunks come out as they are decided.

A decision reads only what has arrived, and is never taken back: so the same text fed in any pieces gives
the same chunks, and ``"".join(chunks)`` is the text. Knows no strategy, no pace and no clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol


class Chunker(Protocol):
    """One text being cut; made new for every text."""

    def feed(self, text: str) -> Iterable[str]:
        """Take the next piece of the text and return the chunks that are now decided, none of them empty."""

    def flush(self) -> Iterable[str]:
        """Return the rest of the text as chunks; afterwards the chunker is spent."""
