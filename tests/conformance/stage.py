"""What the function of a scenario waits for: what the client does, and what goes over the wire to it meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable
from threading import Event

from tests.handlers.raw_client import PATIENCE_SECONDS

# An answer in two pieces. Doors that cut at words keep the end of the first back until they know that it is one.
FIRST = "One. Two"
SHOWN_AT_ONCE = ("One. ", "One. Two")
SECOND = " and three."

# As they look in every dialect.
COMMENT = rb"\n:"
FIRST_SAID = rb'"One\. '


class Stage:
    """One scenario's, for one client. ``watch`` is called on the loop, the rest by the function in its thread."""

    def __init__(self) -> None:
        self.stopped = Event()  # the function was told so
        self.is_cutting = False  # the connection breaks after the first piece
        self.was_cut = False
        self.cut: Callable[[], None]
        self._said = bytearray()
        self._wanted: re.Pattern[bytes] | None = None
        self._is_said = Event()
        self._has_returned = Event()

    def watch(self, said: bytes) -> None:
        """The server has said this to the client, with what is HTTP's own."""
        self._said += said
        if self.was_cut:
            self._has_returned.set()
        elif self.is_cutting and re.search(FIRST_SAID, self._said):
            self.was_cut = True
            self.cut()
        self._look()

    def has_said(self, *words: bytes) -> bool:
        """Whether the client has been sent these patterns, one after the other."""
        return _in_order(words).search(self._said) is not None

    def wait_until_said(self, *words: bytes) -> None:
        """Until it has."""
        self._is_said.clear()
        self._wanted = _in_order(words)
        self._look()
        assert self._is_said.wait(PATIENCE_SECONDS)

    def wait_for_return(self) -> None:
        """Until the client, which was cut off, has come back and was answered."""
        assert self._has_returned.wait(PATIENCE_SECONDS)

    def wait_for_stop(self, cancelled: Event) -> None:
        """Until the function is told that it is to stop; it is the one who remembers."""
        if cancelled.wait(PATIENCE_SECONDS):
            self.stopped.set()

    def _look(self) -> None:
        if self._wanted is not None and self._wanted.search(self._said):
            self._is_said.set()


def _in_order(words: tuple[bytes, ...]) -> re.Pattern[bytes]:
    return re.compile(rb"(?s:.*?)".join(words))
