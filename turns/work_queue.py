"""Who may run now, who waits, who is refused: the bounded queue in front of every executor.

Pure counting over jobs; it starts nothing itself but calls ``launch``, and knows no threads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass
from typing import Protocol

from streamchat.turns.events import Ended, Fact, Notice, Queued
from streamchat.turns.query import Query

# Near the front each position is told; further back, each tenth of the line that has gone. A long line would otherwise
# cost a frame to everybody in it whenever a worker is free.
_EVERY_POSITION = 32
_SHARE_LEFT = 0.9


class TooBusy(Exception):
    """Every worker is busy and the queue is full. ``retry_after`` is in seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("every worker is busy and the queue is full")
        self.retry_after = retry_after


class Job(Protocol):
    """What an executor sees of a turn. Every method is called on the loop."""

    query: Query
    context: Context

    def started(self) -> float:
        """A worker begins now; returns the deadline, in time.monotonic() seconds."""

    def record(self, fact: Fact) -> None:
        """The function has produced something."""

    def notify(self, notice: Notice) -> None:
        """How things stand has changed."""

    def returned(self, ended: Ended) -> None:
        """The function is over and its worker free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorLimits:
    """How many functions run, wait, and may be left behind. Counts of turns."""

    max_running: int = 32
    max_queued: int = 128
    max_abandoned: int = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorStatistics:
    """One reading of an executor, for metrics and readiness. Counts of turns.

    ``places`` are the workers there may be now: those for running functions, and the abandoned ones.
    """

    busy: int
    queued: int
    abandoned: int
    free: int
    limits: ExecutorLimits

    @property
    def places(self) -> int:
        return self.limits.max_running + min(self.abandoned, self.limits.max_abandoned)


@dataclass(slots=True)
class _Waiting:
    job: Job
    told: int


class WorkQueue:
    """First come, first served. A job is waiting, running or abandoned, or it is not in here."""

    def __init__(self, limits: ExecutorLimits, *, launch: Callable[[Job], None], clock: Callable[[], float]) -> None:
        self._limits = limits
        self._launch = launch
        self._clock = clock
        self._waiting: dict[int, _Waiting] = {}
        self._running: dict[int, float] = {}
        self._abandoned: set[int] = set()
        self._recent_seconds: deque[float] = deque(maxlen=20)

    def submit(self, job: Job) -> None:
        """Start the job, or let it wait; TooBusy when there is room for neither."""
        if self._free > 0 and not self._waiting:
            self._start(job)
            return
        if self._places <= 0 or len(self._waiting) >= self._limits.max_queued:
            raise TooBusy(self._estimated_wait(1, self._mean_seconds()) or 1.0)
        waiting = self._waiting[id(job)] = _Waiting(job, 0)
        self._tell_position(waiting, len(self._waiting), self._mean_seconds())

    def withdraw(self, job: Job) -> bool:
        """Take a job that has not begun out of the queue; False when it was not waiting."""
        if self._waiting.pop(id(job), None) is None:
            return False
        self._tell_positions()
        return True

    def abandon(self, job: Job) -> None:
        """The turn is over but its worker is not: count it apart, so that others can have its place."""
        if self._running.pop(id(job), None) is not None:
            self._abandoned.add(id(job))
            self._fill()
            if self._places <= 0:
                self._give_up_waiting()

    def release(self, job: Job) -> None:
        """The worker is free."""
        self._abandoned.discard(id(job))
        begun = self._running.pop(id(job), None)
        if begun is not None:
            self._recent_seconds.append(self._clock() - begun)
        self._fill()

    def statistics(self) -> ExecutorStatistics:
        return ExecutorStatistics(
            busy=len(self._running),
            queued=len(self._waiting),
            abandoned=len(self._abandoned),
            free=max(0, self._free),
            limits=self._limits,
        )

    @property
    def _places(self) -> int:
        # Abandoned workers are replaced up to a limit; past it, each one takes a place away.
        return self._limits.max_running - max(0, len(self._abandoned) - self._limits.max_abandoned)

    @property
    def _free(self) -> int:
        return self._places - len(self._running)

    def _give_up_waiting(self) -> None:
        """Every place is lost to a function that does not come back: nobody can say when the next one is free."""
        while self._waiting:
            job = self._waiting.pop(next(iter(self._waiting))).job
            job.returned(Ended(cause="error", code="overloaded", reason="no_worker"))

    def _fill(self) -> None:
        moved = False
        while self._waiting and self._free > 0:
            self._start(self._waiting.pop(next(iter(self._waiting))).job)
            moved = True
        if moved:
            self._tell_positions()

    def _start(self, job: Job) -> None:
        self._running[id(job)] = self._clock()
        try:
            self._launch(job)
        except Exception as error:  # noqa: BLE001 - no thread or process to be had: the end of this job only
            del self._running[id(job)]
            detail = f"no worker could be started: {error!r}"
            job.returned(Ended(cause="error", code="overloaded", reason="no_worker", detail=detail))

    def _tell_positions(self) -> None:
        mean_seconds = self._mean_seconds()
        for position, waiting in enumerate(self._waiting.values(), 1):
            far_enough = waiting.told - 1 if position <= _EVERY_POSITION else waiting.told * _SHARE_LEFT
            if position <= far_enough:
                self._tell_position(waiting, position, mean_seconds)

    def _tell_position(self, waiting: _Waiting, position: int, mean_seconds: float | None) -> None:
        waiting.told = position
        waiting.job.notify(Queued(position=position, estimated_wait=self._estimated_wait(position, mean_seconds)))

    def _mean_seconds(self) -> float | None:
        """How long functions lately took, None when none is over yet."""
        recent = self._recent_seconds
        return sum(recent) / len(recent) if recent else None

    def _estimated_wait(self, position: int, mean_seconds: float | None) -> float | None:
        """Seconds until the job at ``position`` starts, if functions take as long as they lately did."""
        return None if mean_seconds is None else round(mean_seconds * position / self._limits.max_running, 1)
