"""Where a frame's time goes: our server in this process under a job of the bench, the load on the other core.

    python bench/profile_frame.py [--job paced-1000] [--streams 300] [--rounds 3] [--calls]

Prints microseconds of server CPU a frame: by module, by function, and by function with all that it calls. --calls
prints calls a frame instead, from cProfile, which slows the server down but counts exactly. The checkout runs in plain
Python: of compiled modules the functions could not be told apart.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import os
import pstats
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.environment import ready_python
from bench.jobs import JOBS, WARM_UP, Job
from bench.plan import Measured
from bench.sampler import Sampler
from bench.servers import SERVERS, Running, cores, on_core, raise_file_limit

_LOAD = Path(__file__).resolve().parent / "load.py"
_LINES = 30


def main() -> None:
    options = _options()
    python = ready_python()
    if Path(sys.prefix) != python.parents[1]:
        # Our code needs the environment's packages.
        os.execv(python, [str(python), *sys.argv])
    job = next(job for job in JOBS if job.name == options.job)
    job = replace(job, streams=options.streams or job.streams)
    raise_file_limit()
    os.sched_setaffinity(0, {cores()[0]})
    from bench.peers.ours import loop_factory

    sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - the server's log, to the end of the process
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=loop_factory(options.loop)) as runner:
        runner.run(_profile(job, folder, options))


async def _profile(job: Job, folder: str, options: argparse.Namespace) -> None:
    from bench.peers.ours import open_server

    answer_seconds = job.frames * job.gap_seconds
    server = await open_server(folder, max_running=job.max_running, answer_seconds=answer_seconds)
    target = Running(server=SERVERS[0], pid=os.getpid(), port=server.port)
    await _load(target, WARM_UP)
    sampler, counter = Sampler(), cProfile.Profile()
    start, stop = (counter.enable, counter.disable) if options.calls else (sampler.start, sampler.stop)
    frames, seconds = 0, 0.0
    for _ in range(options.rounds):
        asyncio.get_running_loop().call_later(_window_begin(job), start)
        measured = await _load(target, job)
        stop()
        frames, seconds = frames + measured.frames, seconds + measured.cpu_seconds
    print(f"{job.title}: {frames} frames, {seconds / frames * 1e6:.1f} µs a frame")
    if options.calls:
        _print_calls(counter, frames)
    else:
        _print_shares(sampler, seconds / frames)
    await server.drain()
    await server.close()


def _window_begin(job: Job) -> float:
    return job.opening_seconds + job.settle_seconds if job.window_seconds else 0.0


async def _load(target: Running, job: Job) -> Measured:
    plan = job.plan(port=target.port, pid=target.pid, request=target.request_for(job))
    with on_core(cores()[-1]):
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(_LOAD), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
    answer, _ = await process.communicate(plan.to_json().encode())
    return Measured.from_json(answer.decode())


def _print_shares(sampler: Sampler, seconds_a_frame: float) -> None:
    microseconds = seconds_a_frame * 1e6 / max(sampler.samples, 1)
    print(f"{sampler.samples} samples")
    ours = Counter({name: count for name, count in sampler.total.items() if name.startswith("streamchat.")})
    tables = {"module": sampler.modules, "function itself": sampler.own, "function with what it calls": ours}
    for title, counts in tables.items():
        print(f"\n{'µs/frame':>9}  {title}")
        for name, count in counts.most_common(_LINES):
            print(f"{count * microseconds:9.2f}  {name}")


def _print_calls(counter: cProfile.Profile, frames: int) -> None:
    print("\n    calls/frame  function")
    rows = [(calls, where) for where, (_, calls, _, _, _) in pstats.Stats(counter).stats.items()]  # type: ignore[attr-defined]
    for calls, (path, line, name) in sorted(rows, reverse=True)[: _LINES * 2]:
        print(f"{calls / frames:15.2f}  {'/'.join(Path(path).parts[-2:])}:{line} {name}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--job", choices=[job.name for job in JOBS if not job.is_silent], default="paced-1000")
    parser.add_argument("--streams", type=int, help="instead of the job's own number")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--loop", choices=["asyncio", "uvloop"], default="asyncio", help="uvloop hides its own time")
    parser.add_argument("--calls", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
