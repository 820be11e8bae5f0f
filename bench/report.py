"""The results as markdown: what each server needed, and our goals as ratios. Figures are medians over the rounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from bench.jobs import Job
from bench.plan import Measured
from bench.servers import Server

Results = dict[tuple[str, str], list[Measured]]
Figure = Callable[[Measured], float]


def cpu_a_frame(run: Measured) -> float:
    """Server CPU, in microseconds."""
    return run.cpu_seconds / max(run.frames, 1) * 1e6


def cpu_a_stream(run: Measured) -> float:
    """Server CPU, in microseconds."""
    return run.cpu_seconds / run.streams * 1e6


def kilobytes_a_stream(run: Measured) -> float:
    return run.bytes_a_stream / 1e3


def milliseconds(field: str, percent: str) -> Figure:
    """A percentile of a field of Measured."""
    return lambda run: float(getattr(run, field)[percent]) * 1e3


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table: one figure of one job."""

    title: str
    job: str
    figure: Figure
    digits: int = 0


CPU_COLUMNS = (
    Column(title="50 x 200 unpaced", job="burst", figure=cpu_a_frame, digits=1),
    Column(title="50 x 2,000 unpaced", job="long-burst", figure=cpu_a_frame, digits=1),
    Column(title="50 at 10/s", job="paced-50", figure=cpu_a_frame, digits=1),
    Column(title="1,000 at 10/s", job="paced-1000", figure=cpu_a_frame, digits=1),
    Column(title="5,000 at 10/s", job="paced-5000", figure=cpu_a_frame, digits=1),
    Column(title="frames/s there", job="paced-5000", figure=lambda run: run.frames / run.wall_seconds),
    Column(title="50 at 2/s", job="slow-50", figure=cpu_a_frame, digits=1),
    Column(title="5,000 at 2/s", job="slow-5000", figure=cpu_a_frame, digits=1),
    Column(title="a stream of one frame", job="opening", figure=cpu_a_stream),
)
WAITING_COLUMNS = (
    *(
        Column(title=f"first frame {name}", job="paced-1000", figure=milliseconds("first_frame", name), digits=1)
        for name in ("p50", "p99")
    ),
    Column(title="first chunk p99", job="paced-1000", figure=milliseconds("first_chunk", "p99"), digits=1),
    *(
        Column(title=f"gap error {name}", job="paced-1000", figure=milliseconds("gap_error", name), digits=1)
        for name in ("p50", "p99", "p99.9")
    ),
    Column(title="first frame of a burst p99", job="burst", figure=milliseconds("first_frame", "p99"), digits=1),
)
MEMORY_COLUMNS = tuple(
    Column(title=title, job=job, figure=kilobytes_a_stream, digits=1)
    for title, job in (
        ("50 at 10/s", "paced-50"),
        ("1,000 at 10/s", "paced-1000"),
        ("5,000 at 10/s", "paced-5000"),
        ("5,000 at 2/s", "slow-5000"),
        ("10,000 silent", "idle"),
    )
)
HANDOVER_COLUMNS = tuple(
    Column(
        title=f"return to processing_complete {name}", job="handover", figure=milliseconds("handover", name), digits=2
    )
    for name in ("p50", "p99")
)
TABLES = (
    ("Server CPU, µs a frame (last column: µs a stream)", CPU_COLUMNS),
    ("Waiting, ms (1,000 streams opened within 2 s, 10 frames a second each; last column: 50 bursts)", WAITING_COLUMNS),
    ("Memory, kB an open stream", MEMORY_COLUMNS),
    ("Handover, ms (200 running turns)", HANDOVER_COLUMNS),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """Our figure, over another server's or another job's of ours when there is one, is to be at most ``bound``."""

    title: str
    bound: float
    figure: Figure
    job: str
    over: str | None = None
    over_job: str | None = None
    unit: str = "x"


_GAP = milliseconds("gap_error", "p99.9")
GOALS = (
    *(
        Goal(title=f"CPU unpaced, {frames} frames / {label}", bound=bound, figure=cpu_a_frame, job=job, over=name)
        for frames, job in (("200", "burst"), ("2,000", "long-burst"))
        for name, label, bound in (("bare", "bare asyncio", 0.5), ("sse-starlette", "sse-starlette", 0.2))
    ),
    Goal(title="CPU paced / bare asyncio", bound=1.0, figure=cpu_a_frame, job="paced-1000", over="bare"),
    Goal(title="CPU paced / FastAPI", bound=0.75, figure=cpu_a_frame, job="paced-1000", over="fastapi"),
    Goal(title="CPU paced / sse-starlette", bound=0.55, figure=cpu_a_frame, job="paced-1000", over="sse-starlette"),
    Goal(
        title="first frame p99 / FastAPI",
        bound=0.3,
        figure=milliseconds("first_frame", "p99"),
        job="paced-1000",
        over="fastapi",
    ),
    Goal(title="gap error p99.9", bound=20.0, figure=_GAP, job="paced-1000", unit="ms"),
    *(
        Goal(title=f"gap error p99.9 / {label}", bound=1.0, figure=_GAP, job="paced-1000", over=name)
        for name, label in (
            ("tornado", "Tornado"),
            ("fastapi", "FastAPI"),
            ("sse-starlette", "sse-starlette"),
            ("aiohttp-sse", "aiohttp-sse"),
        )
    ),
    Goal(title="memory a paced stream", bound=25.0, figure=kilobytes_a_stream, job="paced-1000", unit="kB"),
    Goal(
        title="memory a paced stream / sse-starlette",
        bound=0.5,
        figure=kilobytes_a_stream,
        job="paced-1000",
        over="sse-starlette",
    ),
    Goal(
        title="return to processing_complete p99",
        bound=5.0,
        figure=milliseconds("handover", "p99"),
        job="handover",
        unit="ms",
    ),
    *(
        Goal(title=f"{what}, 5,000 / 50 streams at {rate}", bound=1.15, figure=figure, job=many, over_job=few)
        for what, figure in (("CPU a frame", cpu_a_frame), ("memory a stream", kilobytes_a_stream))
        for rate, many, few in (("10/s", "paced-5000", "paced-50"), ("2/s", "slow-5000", "slow-50"))
    ),
)


def report(results: Results, servers: Sequence[Server], jobs: Sequence[Job], heading: str) -> Iterator[str]:
    """The lines of the whole report."""
    yield heading
    for title, columns in TABLES:
        known = [column for column in columns if any((server.name, column.job) in results for server in servers)]
        if known:
            yield from ("", f"**{title}**", "", *_table(results, servers, known))
    if goals := list(_goal_rows(results)):
        yield from ("", "**Goals** (median of the rounds' ratios)", "", "| goal | bound | measured | met |")
        yield from ("|---|---|---|---|", *goals)
    yield from ("", *_warnings(results, jobs))


def _table(results: Results, servers: Sequence[Server], columns: Sequence[Column]) -> Iterator[str]:
    yield "| " + " | ".join(["server", *(column.title for column in columns)]) + " |"
    yield "|---" + "|---:" * len(columns) + "|"
    for server in servers:
        cells = [_cell(results.get((server.name, column.job), []), column) for column in columns]
        if any(cells):
            yield "| " + " | ".join([server.label, *cells]) + " |"


def _cell(runs: Iterable[Measured], column: Column) -> str:
    values = [column.figure(run) for run in runs]
    return f"{median(values):,.{column.digits}f}" if values else ""


def _goal_rows(results: Results) -> Iterator[str]:
    for goal in GOALS:
        ours = results.get(("ours", goal.job), [])
        others = results.get((goal.over or "ours", goal.over_job or goal.job), [])
        is_ratio = goal.over is not None or goal.over_job is not None
        pairs = zip(ours, others, strict=False)
        values = [goal.figure(run) / (goal.figure(other) if is_ratio else 1.0) for run, other in pairs]
        if values:
            value = median(values)
            met = "yes" if value <= goal.bound else "**no**"
            yield f"| {goal.title} | ≤ {goal.bound:g} {goal.unit} | {value:.2f} {goal.unit} | {met} |"


def _warnings(results: Results, jobs: Sequence[Job]) -> Iterator[str]:
    titles = {job.name: job.title for job in jobs}
    for (server, job), runs in results.items():
        failed, share = max(run.failed for run in runs), max(run.load_share for run in runs)
        if failed:
            yield f"- {server}, {titles[job]}: {failed} streams failed."
        if share > 0.9:
            yield f"- {server}, {titles[job]}: the load generator was busy {share:.0%} of the time."
