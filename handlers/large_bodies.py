"""Room for what is longer than --max-body-bytes while it is read, bodies and messages of WebSockets: it has a bound.

One caller may have half of it, so that slow uploads of one do not shut out the others.
"""

from __future__ import annotations

from collections import Counter

from streamchat.handlers.errors import RETRY_AFTER_SECONDS, Refused

MAX_BYTES = 256_000_000
# What is read may take as long as the server says, and longer ones a second for each so many bytes.
_USUAL_SECONDS = 60.0
_SLOWEST_BYTES = 65_536


class LargeBodies:
    """Counts bytes of what is being read. ``free_bytes`` is what nobody has."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.free_bytes = max_bytes
        self._max_bytes = max_bytes
        self._share_bytes = max_bytes // 2
        self._taken_by: Counter[str] = Counter()

    @property
    def taken_bytes(self) -> int:
        """What somebody has."""
        return self._max_bytes - self.free_bytes

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


def reading_seconds(max_bytes: int) -> float:
    """How long may be read where so many bytes are taken: nobody has room for ever."""
    return _USUAL_SECONDS + max_bytes / _SLOWEST_BYTES
