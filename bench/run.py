"""streamchat beside the servers that people would pick, the same jobs, as a markdown table.

    python bench/run.py [--quick] [--rounds 3] [--jobs burst,paced-1000] [--servers ours,bare]

Makes its own environment in build/bench-env. The server has one core, the load another; CPU is the kernel's count for
the server's process. Everything listens on loopback and is bounded in time: a whole run takes about 20 minutes a round.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.environment import CHECKOUT, machine, made_of, ready_python, versions
from bench.jobs import JOBS, WARM_UP, Job, quick
from bench.plan import Measured
from bench.report import Results, report
from bench.servers import SERVERS, Running, Server, cores, on_core, raise_file_limit, running

_LOAD = Path(__file__).resolve().parent / "load.py"
_RAW_RESULTS = CHECKOUT / "build" / "bench-results.json"


def main() -> None:
    options = _options()
    # The servers are ended on the way out, also when this is ended from outside.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    jobs = [job for job in JOBS if not options.jobs or job.name in options.jobs]
    servers = [server for server in SERVERS if not options.servers or server.name in options.servers]
    raise_file_limit()
    python = ready_python()
    peers = versions(python, (name for server in servers for name in server.packages))
    heading = f"{machine()}; {made_of(python)}, {peers}"
    shown = [quick(job) for job in jobs] if options.quick else jobs
    results = measure(python, servers, shown, rounds=1 if options.quick else options.rounds)
    _RAW_RESULTS.write_text(json.dumps([[*key, *map(asdict, runs)] for key, runs in results.items()]), encoding="utf-8")
    for line in report(results, servers, shown, heading):
        print(line)


def measure(python: Path, servers: list[Server], jobs: list[Job], *, rounds: int) -> Results:
    """Every job on every server. A round takes them all in turn: what slows the machine down slows all of them."""
    results: Results = {}
    for number in range(1, rounds + 1):
        for job in jobs:
            for server in servers:
                if job.is_ours_only and not server.is_ours:
                    continue
                print(f"round {number}: {job.name}, {server.name}", file=sys.stderr, flush=True)
                try:
                    measured = _run(python, server, job)
                except RuntimeError as error:
                    print(f"left out: {error}", file=sys.stderr)
                else:
                    results.setdefault((server.name, job.name), []).append(measured)
    return results


def _run(python: Path, server: Server, job: Job) -> Measured:
    """One job on a fresh server that has been warmed up."""
    server_core, load_core = cores()
    with running(server, job, python=python, core=server_core) as target:
        _load(python, target, WARM_UP, load_core)
        return _load(python, target, job, load_core)


def _load(python: Path, target: Running, job: Job, core: int) -> Measured:
    plan = job.plan(port=target.port, pid=target.pid, request=target.request_for(job))
    with on_core(core):
        process = subprocess.Popen([str(python), str(_LOAD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    answer, _ = process.communicate(plan.to_json())
    if process.returncode:
        raise RuntimeError(f"the load generator failed on {target.server.label}, {job.name}")
    return Measured.from_json(answer)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ", ".join(job.name for job in JOBS)
    parser.add_argument("--quick", action="store_true", help="one small round: to see that everything works")
    parser.add_argument("--rounds", type=int, default=3, help="figures are medians of so many rounds (default 3)")
    parser.add_argument("--jobs", type=_names, default=(), help=f"only these, by comma: {names}")
    parser.add_argument("--servers", type=_names, default=(), help="only these, by comma")
    return parser.parse_args()


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


if __name__ == "__main__":
    main()
