"""Room for bodies that are longer than --max-body-bytes, while they are read: all of them together have a bound.

One caller may have half of it, so that slow uploads of one do not shut out the others. Messages of WebSockets are not
counted: they are bounded by their own length and by --max-connections.
"""

from __future__ import annotations

from collections import Counter

from streamchat.handlers.errors import RETRY_AFTER_SECONDS, Refused

MAX_BYTES = 256_000_000


class LargeBodies:
    """Counts bytes of bodies that are being read. ``free_bytes`` is what nobody has."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.free_bytes = max_bytes
        self._share_bytes = max_bytes // 2
        self._taken_by: Counter[str] = Counter()

    def enter(self, caller: str, size: int) -> None:
        """Take room for a body or a piece of one. Raises Refused when there is none, or the caller has their half.

        A single body may be longer than that: whoever has nothing yet may take what there is.
        """
        if size > self.free_bytes:
            raise Refused("overloaded")
        taken = self._taken_by[caller]
        if taken and taken + size > self._share_bytes:
            told = f"{self._share_bytes} bytes of long bodies at a time"
            raise Refused("rate_limited", retry_after=RETRY_AFTER_SECONDS, limit=told)
        self.free_bytes -= size
        self._taken_by[caller] += size

    def leave(self, caller: str, size: int) -> None:
        """Give the room back."""
        self.free_bytes += size
        self._taken_by[caller] -= size
        if not self._taken_by[caller]:
            del self._taken_by[caller]
