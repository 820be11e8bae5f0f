"""What many connections are to be sent, together. Knows no frame and no socket."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

_logger = logging.getLogger("streamchat.doors")


class Outbox:
    """Calls in the loop's next round whoever has something to send; one that fails is logged, and keeps nobody else.

    When many streams are due at once, all are presented and then all are sent: turn by turn, each of the two would
    find the other's code in the processor's caches, and a frame would cost a tenth more.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._sends: list[Callable[[], None]] = []

    def put(self, send: Callable[[], None]) -> None:
        """Call ``send`` soon, in the order of the calls."""
        if not self._sends:
            self._loop.call_soon(self._send_all)
        self._sends.append(send)

    def _send_all(self) -> None:
        sends, self._sends = self._sends, []
        for send in sends:
            try:
                send()
            except Exception:
                _logger.exception("a stream could not be sent to")
