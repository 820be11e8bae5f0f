"""The way out of a worker, and what comes back in: what a running function has of its executor."""

from __future__ import annotations

from typing import Protocol

from streamchat.turns.cancellation import Cancellation
from streamchat.turns.events import Fact, Notice
from streamchat.turns.mailbox import Mailbox


class Emitter(Protocol):
    """Every call may block (backpressure) or raise QueryCancelled. ``mailbox`` has what the user says."""

    cancelled: Cancellation
    deadline: float
    mailbox: Mailbox

    def emit(self, fact: Fact) -> None:
        """Hand a fact to the turn."""

    def notify(self, notice: Notice) -> None:
        """Show how things stand; an older notice that was not shown yet is dropped."""
