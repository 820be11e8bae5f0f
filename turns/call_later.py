"""The one timer that turns are handed: the event loop's in production, a hand-moved clock's in a test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class CallLater(Protocol):
    """``IOLoop.call_later`` in production. Returns what has a ``cancel`` method."""

    def __call__(self, delay: float, callback: Callable[[], None], /) -> Any:  # noqa: ANN401
        """Call back once, ``delay`` seconds from now."""
