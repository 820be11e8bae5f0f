"""An executor that does nothing by itself: the test starts, feeds and ends its jobs."""

from __future__ import annotations

from streamchat.turns.events import Ended
from streamchat.turns.inputs import Given
from streamchat.turns.work_queue import ExecutorLimits, ExecutorStatistics, Job, TooBusy

COMPLETE = Ended(cause="complete", code="complete")
CANCELLED = Ended(cause="cancelled", code="cancelled")


class ScriptedExecutor:
    """An Executor in the test's hands.

    ``holds_back``: jobs wait until the test starts them. ``is_obedient``: a function that is interrupted
    returns at once; otherwise it goes on until the test finishes it.
    """

    def __init__(self, *, holds_back: bool = False, is_obedient: bool = False) -> None:
        self.holds_back = holds_back
        self.is_obedient = is_obedient
        self.is_full = False
        self.waiting: list[Job] = []
        self.running: list[Job] = []
        self.interrupted: list[Job] = []
        self.ever_started: list[Job] = []
        self.handed_in: list[tuple[Job, Given]] = []

    def submit(self, job: Job) -> None:
        if self.is_full:
            raise TooBusy(3.0)
        self.waiting.append(job)
        if not self.holds_back:
            self.start(job)

    def start(self, job: Job) -> float:
        """Begin to run the job; returns its deadline."""
        self.waiting.remove(job)
        self.running.append(job)
        self.ever_started.append(job)
        return job.started()

    def finish(self, job: Job, ended: Ended = COMPLETE) -> None:
        """The function comes to its end."""
        self.running.remove(job)
        job.returned(ended)

    def interrupt(self, job: Job) -> None:
        self.interrupted.append(job)
        if job in self.waiting:
            self.waiting.remove(job)
            job.returned(CANCELLED)
        elif job in self.running and self.is_obedient:
            self.finish(job, CANCELLED)

    def hand_in(self, job: Job, given: Given) -> None:
        self.handed_in.append((job, given))

    def statistics(self) -> ExecutorStatistics:
        return ExecutorStatistics(
            busy=len(self.running), queued=len(self.waiting), abandoned=0, free=0, limits=ExecutorLimits()
        )

    def stop(self) -> bool:
        return not self.running
