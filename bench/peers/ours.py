"""streamchat itself, the whole contract on: ids, log, resume, metrics, log lines, keep-alive, stored conversations.

The question says what to answer: ``{"frames": 200, "size": 20, "hold": 0.0, "live": false}`` is a text of 200 chunks of
20 characters, returned after 0 seconds; a live one says one piece and is silent from then on. Every answer begins with
the moment of its return, in seconds of the monotonic clock that all processes share.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

from streamchat import make_app
from streamchat.handlers.logs import set_up_logging
from streamchat.presenting import timeline
from streamchat.serving.collector import settle_collector
from streamchat.serving.server import Server
from streamchat.turns.process_query import ProcessQuery

TOKEN = "bench-secret"
# No sentence ends in it: each chunk is followed by the plain pause of its length.
_LETTERS = "a quick brown fox jumps over the lazy dog and naps "


def process_query(message: str, cancelled: Any) -> str | Iterator[str]:
    wanted = json.loads(message)
    if wanted["live"]:
        return _silent(cancelled)
    length = wanted["frames"] * wanted["size"]
    text = (_LETTERS * (length // len(_LETTERS) + 1))[:length]
    if wanted["hold"]:
        time.sleep(wanted["hold"])
    return (f"{time.monotonic():017.6f} {text}")[:length]


def _silent(cancelled: Any) -> Iterator[str]:
    yield "Listen "
    while not cancelled.is_set():
        time.sleep(0.1)


def relay_of(upstream: str) -> ProcessQuery:
    """The shipped backend in front of this model; it reads where that is when it is imported."""
    os.environ |= {"STREAMCHAT_OPENAI_BASE_URL": upstream, "STREAMCHAT_OPENAI_MODEL": "steady"}
    from streamchat.backends.openai import process_query as relay

    return relay


async def open_server(
    folder: str, *, max_running: int, answer_seconds: float, backend: ProcessQuery = process_query
) -> Server:
    """The server as the command line makes it, but for its backend, its limits and where it stores."""
    set_up_logging("text", "info")
    # An answer is shown within ten seconds; where streams must be held open for longer, that limit alone is lifted.
    timeline.ANSWER_SECONDS = max(timeline.ANSWER_SECONDS, answer_seconds)
    return await make_app(
        backend,
        port=0,
        token=(f"bench={TOKEN}",),
        database_url=f"sqlite:///{folder}/bench.db",
        max_running=max_running,
        max_queued=20_000,
        process_timeout=600.0,
    )


async def main(options: argparse.Namespace, folder: str) -> None:
    server = await open_server(
        folder,
        max_running=options.max_running,
        answer_seconds=options.answer_seconds,
        backend=relay_of(options.upstream) if options.upstream else process_query,
    )
    settle_collector()
    print(server.port, flush=True)
    await asyncio.Event().wait()


def loop_factory(name: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The loop that the command line takes when uvloop is installed, or asyncio's own."""
    if name == "asyncio":
        return None
    import uvloop

    return uvloop.new_event_loop


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loop", choices=["uvloop", "asyncio"], default="uvloop")
    parser.add_argument("--max-running", type=int, default=32)
    parser.add_argument("--upstream", help="relay this model instead, as the shipped backend does")
    parser.add_argument("--answer-seconds", type=float, default=10.0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=loop_factory(chosen.loop)) as runner:
        runner.run(main(chosen, folder))
