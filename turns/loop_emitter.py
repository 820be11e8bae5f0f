"""The way out of a function that never blocks: nothing is handed over, because it runs on the loop itself."""

from __future__ import annotations

from threading import get_ident

from streamchat.turns.cancellation import QueryCancelled
from streamchat.turns.emitter import Emitter
from streamchat.turns.events import Fact, Notice
from streamchat.turns.work_queue import Job


class LoopEmitter:
    """Takes facts from a task on the loop, where nothing has to wait; ``elsewhere`` takes those from its threads."""

    __slots__ = ("_elsewhere", "_job", "_loop_thread", "cancelled", "deadline", "mailbox")

    def __init__(self, elsewhere: Emitter, job: Job) -> None:
        self.cancelled = elsewhere.cancelled
        self.deadline = elsewhere.deadline
        self.mailbox = elsewhere.mailbox
        self._elsewhere = elsewhere
        self._job = job
        self._loop_thread = get_ident()

    def emit(self, fact: Fact) -> None:
        if get_ident() != self._loop_thread:
            self._elsewhere.emit(fact)
            return
        if self.cancelled.is_set():
            raise QueryCancelled
        self._job.record(fact)

    def notify(self, notice: Notice) -> None:
        self._elsewhere.notify(notice)
