"""What it costs to relay a model's tokens: streamchat's /v1 beside LiteLLM's proxy, in front of the same upstream.

    python bench/relay.py [--rounds 3] [--streams 20,50] [--rate 25]

Makes its environments in build/. The relay has one core; the upstream and the load share another. CPU is the kernel's
count for the relay's process, a token's age is how long ago the upstream has written it when the client has it.
Everything listens on loopback; a run takes about ten seconds, and LiteLLM's start as long again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.environment import machine, made_of, ready_litellm, ready_python, versions
from bench.relay_plan import Relayed, RelayPlan
from bench.servers import PEERS, TOKEN, cores, on_core

_LOAD = Path(__file__).resolve().parent / "relay_load.py"
_SECONDS = 8.0
_MODEL = "steady"
_GOALS = (("CPU a token", 0.08, 0), ("age of a token p99", 0.1, 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """What stands between the model and its clients; ``model`` is what it calls the one model it has."""

    label: str
    command: tuple[str, ...]
    model: str


def main() -> None:
    options = _options()
    ours, litellm = ready_python(), ready_litellm()
    relays = (
        Relay(
            label="streamchat",
            command=(str(ours), str(PEERS / "ours.py"), "--max-running", "100"),
            model="VitalikButerin",
        ),
        Relay(
            label="LiteLLM proxy",
            command=(str(litellm), str(PEERS / "litellm_proxy.py"), "--model", _MODEL),
            model=_MODEL,
        ),
    )
    runs: dict[tuple[str, int], list[Relayed]] = {}
    for number in range(1, options.rounds + 1):
        for streams in options.streams:
            for relay in relays:
                print(f"round {number}: {streams} streams, {relay.label}", file=sys.stderr, flush=True)
                runs.setdefault((relay.label, streams), []).append(_run(ours, relay, streams, options.rate))
    print(f"{machine()}; {made_of(ours)}, {versions(ours, ['uvloop', 'pycurl'])}, {versions(litellm, ['litellm'])}")
    for line in _report(relays, runs, options.rate):
        print(line)


def _run(python: Path, relay: Relay, streams: int, rate: float) -> Relayed:
    relay_core, load_core = cores()
    with (
        _started((str(python), str(PEERS / "token_upstream.py")), load_core) as (_, upstream_port),
        _started((*relay.command, "--upstream", f"http://127.0.0.1:{upstream_port}/v1"), relay_core) as (pid, port),
    ):
        plan = RelayPlan(
            port=port,
            server_pid=pid,
            model=relay.model,
            key=TOKEN,
            streams=streams,
            tokens=round(_SECONDS * rate),
            gap_seconds=1.0 / rate,
        )
        _load(python, replace(plan, streams=5, tokens=20), load_core)
        measured = _load(python, plan, load_core)
    if measured.tokens != measured.expected:
        raise RuntimeError(f"{relay.label}: {measured.tokens} of {measured.expected} tokens arrived")
    return measured


def _load(python: Path, plan: RelayPlan, core: int) -> Relayed:
    with on_core(core):
        done = subprocess.run(
            [str(python), str(_LOAD)], input=plan.to_json(), stdout=subprocess.PIPE, text=True, check=True
        )
    return Relayed.from_json(done.stdout)


@contextmanager
def _started(command: tuple[str, ...], core: int) -> Iterator[tuple[int, int]]:
    """The process id and the port of a server that is ended afterwards."""
    with on_core(core):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"does not start: {' '.join(command)}")
        yield process.pid, int(line)
    finally:
        process.kill()
        process.wait()


def _figures(run: Relayed) -> tuple[float, ...]:
    """µs of CPU a token, and in ms: age p50 and p99, first token p50 and p99."""
    times = [*run.age_seconds, *run.first_seconds]
    return run.cpu_seconds / run.tokens * 1e6, *(1e3 * seconds for seconds in times)


def _report(relays: tuple[Relay, ...], runs: dict[tuple[str, int], list[Relayed]], rate: float) -> Iterator[str]:
    yield f"\n{rate:g} tokens a second in each stream, all streams opened at once\n"
    yield "| relay | streams | CPU a token, µs | age p50, ms | age p99, ms | first token p50 | first token p99 |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for (label, streams), measured in runs.items():
        figures = (median(values) for values in zip(*map(_figures, measured), strict=True))
        yield f"| {label} | {streams} | " + " | ".join(f"{figure:,.1f}" for figure in figures) + " |"
    yield "\n| goal | streams | bound | measured | met |\n|---|---:|---|---|---|"
    ours, other = (relay.label for relay in relays)
    for title, bound, column in _GOALS:
        for streams in dict.fromkeys(streams for _, streams in runs):
            pairs = zip(runs[ours, streams], runs[other, streams], strict=True)
            ratio = median(_figures(mine)[column] / _figures(its)[column] for mine, its in pairs)
            yield f"| {title} | {streams} | ≤ {bound:g} x | {ratio:.3f} x | {'yes' if ratio <= bound else '**no**'} |"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="figures are medians of so many rounds (default 3)")
    parser.add_argument("--streams", type=_numbers, default=(20, 50), help="numbers of streams, by comma (20,50)")
    parser.add_argument("--rate", type=float, default=25.0, help="tokens a second in each stream (default 25)")
    return parser.parse_args()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


if __name__ == "__main__":
    main()
