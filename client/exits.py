"""The exit statuses: what a script that runs the client can tell apart."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """How it ended; docs/client.md explains each."""

    COMPLETE = 0
    REFUSED = 1
    USAGE = 2
    LOST = 3
    TIMEOUT = 4
    CANCELLED = 5
    UNAUTHORIZED = 6
    NEEDS_ANSWER = 7
    NOT_SAVED = 8
    INTERRUPTED = 130
    UNREAD = 141
    TERMINATED = 143


_OF_STATUS = {"complete": Exit.COMPLETE, "timeout": Exit.TIMEOUT, "cancelled": Exit.CANCELLED}


def exit_of(status: str, code: str) -> Exit:
    """The exit status for a terminal frame; an unknown status is a failure."""
    return Exit.UNAUTHORIZED if code == "unauthorized" else _OF_STATUS.get(status, Exit.REFUSED)


class CannotGoOn(Exception):
    """It ends here: one sentence for the user, and the exit status."""

    def __init__(self, sentence: str, exit_status: Exit) -> None:
        super().__init__(sentence)
        self.exit_status = exit_status
