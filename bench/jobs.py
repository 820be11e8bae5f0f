"""What is measured: every job, as data. The same streams for every server.

Ours is asked on the basic door, by characters: its pause after a chunk is 0.05 s and 0.002 s a character, so 25
characters a chunk make 10 frames a second and 225 make two. The opening and closing frames that ours adds are counted
as frames too; gaps are taken between chunks only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bench.plan import Plan

_CHUNK_SECONDS = 0.05
_CHARACTER_SECONDS = 0.002
# Ours shows an answer within ten seconds: streams that must be held open for longer need that limit lifted.
_OUR_ANSWER_SECONDS = 9.9
# Where figures of few and of many streams are compared, both have answers of the same length: memory holds them.
_GROWTH_SECONDS = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """``streams`` opened within ``opening_seconds``, each ``frames`` long; a paced one is watched for a window."""

    name: str
    title: str
    streams: int
    frames: int
    opening_seconds: float = 0.5
    gap_seconds: float = 0.0
    settle_seconds: float = 0.0
    window_seconds: float = 0.0
    hold_seconds: float = 0.0
    max_running: int = 32
    is_silent: bool = False
    is_ours_only: bool = False

    @property
    def chunk_characters(self) -> int:
        """20, or as many as make our pause as long as the gap."""
        if not self.gap_seconds or self.is_silent:
            return 20
        return round((self.gap_seconds - _CHUNK_SECONDS) / _CHARACTER_SECONDS)

    @property
    def our_arguments(self) -> tuple[str, ...]:
        """What our server is started with for this job."""
        return ("--max-running", str(self.max_running), "--answer-seconds", str(self.frames * self.gap_seconds))

    def plan(self, *, port: int, pid: int, request: str) -> Plan:
        """The load generator's part of the job."""
        return Plan(
            port=port,
            server_pid=pid,
            request=request,
            streams=self.streams,
            opening_seconds=self.opening_seconds,
            settle_seconds=self.settle_seconds,
            window_seconds=self.window_seconds,
            gap_seconds=self.gap_seconds,
        )


def paced(
    name: str,
    streams: int,
    *,
    rate: float = 10.0,
    opening_seconds: float,
    window_seconds: float = 5.0,
    lasting: float = _OUR_ANSWER_SECONDS,
) -> Job:
    """``rate`` frames a second and stream, watched while all streams are open; each lasts for ``lasting`` seconds."""
    gap = 1.0 / rate
    return Job(
        name=name,
        title=f"{streams:,} streams, {rate:g} frames/s each",
        streams=streams,
        frames=round(lasting / gap),
        opening_seconds=opening_seconds,
        gap_seconds=gap,
        settle_seconds=1.0,
        window_seconds=window_seconds,
    )


def _burst(name: str, *, frames: int) -> Job:
    """50 streams that are open side by side: spread over a while, each would be over before the next one begins."""
    title = f"50 streams x {frames:,} frames at once, as fast as possible"
    return Job(name=name, title=title, streams=50, frames=frames, opening_seconds=0.0)


WARM_UP = Job(name="warm-up", title="warm-up", streams=10, frames=50)

JOBS = (
    _burst("burst", frames=200),
    _burst("long-burst", frames=2_000),
    Job(name="opening", title="1,000 streams of one frame", streams=1_000, frames=1, opening_seconds=4.0),
    paced("paced-50", 50, opening_seconds=1.0, lasting=_GROWTH_SECONDS),
    paced("paced-1000", 1_000, opening_seconds=2.0),
    paced("paced-5000", 5_000, opening_seconds=15.0, lasting=_GROWTH_SECONDS),
    paced("slow-50", 50, rate=2.0, opening_seconds=1.0, lasting=_GROWTH_SECONDS),
    paced("slow-5000", 5_000, rate=2.0, opening_seconds=15.0, lasting=_GROWTH_SECONDS),
    Job(
        name="idle",
        title="10,000 silent streams",
        streams=10_000,
        frames=2,
        opening_seconds=20.0,
        gap_seconds=3_600.0,
        settle_seconds=2.0,
        window_seconds=16.0,
        is_silent=True,
    ),
    Job(
        name="handover",
        title="200 running turns",
        streams=200,
        frames=2,
        opening_seconds=2.0,
        hold_seconds=3.0,
        max_running=200,
        is_ours_only=True,
    ),
)


def quick(job: Job) -> Job:
    """The same job, small: to see that everything works, not to learn numbers from."""
    streams = min(job.streams, 100)
    return replace(
        job,
        title=f"{job.title} (quick: {streams} streams)",
        streams=streams,
        opening_seconds=min(job.opening_seconds, 1.0),
        settle_seconds=min(job.settle_seconds, 0.5),
        window_seconds=min(job.window_seconds, 2.0),
    )
