"""Room for bodies that are longer than --max-body-bytes, while they are read: all of them together have a bound."""

from __future__ import annotations

MAX_BYTES = 256_000_000


class LargeBodies:
    """Counts bytes of bodies that are being read."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._left = max_bytes

    def enter(self, size: int) -> bool:
        """Take room for a body; False when there is none."""
        if size > self._left:
            return False
        self._left -= size
        return True

    def leave(self, size: int) -> None:
        """Give the room back."""
        self._left += size
