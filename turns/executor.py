"""The seam between a turn and whatever runs its function: threads, processes, one day a fleet."""

from __future__ import annotations

from typing import Protocol

from streamchat.turns.inputs import Given
from streamchat.turns.work_queue import ExecutorStatistics, Job


class Executor(Protocol):
    """Runs jobs within its bounds. Called on the loop only."""

    def submit(self, job: Job) -> None:
        """Run the job now or later; TooBusy when the queue is full."""

    def interrupt(self, job: Job) -> None:
        """Make the job stop as far as that is possible here. ``job.returned`` is called once it has."""

    def hand_in(self, job: Job, given: Given) -> None:
        """Give the job's function what its user says; nothing happens when it is not running."""

    def statistics(self) -> ExecutorStatistics:
        """How many run, wait and were left behind."""

    def stop(self) -> bool:
        """Take nothing more and let go of the workers; True when all of them are idle or dead."""
