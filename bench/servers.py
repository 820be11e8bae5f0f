"""The servers that are measured: how each one is started, pinned and asked. Every one listens on loopback only."""

from __future__ import annotations

import http.client
import json
import os
import resource
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.environment import CHECKOUT
from bench.jobs import Job

PEERS = Path(__file__).resolve().parent / "peers"
TOKEN = "bench-secret"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A script under ``peers/`` and how it is called in the table. ``packages`` are those whose versions matter.

    ``is_plain``: the checkout itself, not what is installed of it, so nothing of it is compiled.
    """

    name: str
    label: str
    script: str
    packages: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    is_ours: bool = False
    is_plain: bool = False


SERVERS = (
    Server(name="ours", label="streamchat (uvloop)", script="ours.py", packages=("uvloop",), is_ours=True),
    Server(
        name="ours-asyncio",
        label="streamchat (asyncio)",
        script="ours.py",
        arguments=("--loop", "asyncio"),
        is_ours=True,
    ),
    Server(
        name="ours-plain",
        label="streamchat (uvloop, plain Python)",
        script="ours.py",
        is_ours=True,
        is_plain=True,
    ),
    Server(name="bare", label="bare asyncio", script="bare_asyncio.py"),
    Server(name="tornado", label="Tornado write+flush", script="raw_tornado.py", packages=("tornado",)),
    Server(
        name="fastapi",
        label="FastAPI StreamingResponse",
        script="fastapi_uvicorn.py",
        packages=("fastapi", "starlette", "uvicorn", "uvloop"),
    ),
    Server(
        name="sse-starlette",
        label="sse-starlette",
        script="sse_starlette_server.py",
        packages=("sse-starlette", "starlette", "uvicorn", "uvloop"),
    ),
    Server(
        name="aiohttp-sse", label="aiohttp-sse", script="aiohttp_sse_server.py", packages=("aiohttp", "aiohttp-sse")
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that listens."""

    server: Server
    pid: int
    port: int

    def request_for(self, job: Job) -> str:
        """The bytes of the HTTP request that opens one stream of ``job``."""
        if not self.server.is_ours:
            target = f"/stream?frames={job.frames}&gap={job.gap_seconds}&size={job.chunk_characters}"
            return f"GET {target} HTTP/1.1\r\nHost: bench\r\n\r\n"
        if job.is_silent:
            return f"GET /api/streams/{self._silent_turn()} HTTP/1.1\r\nHost: bench\r\n{_AUTHORIZED}\r\n"
        return _chat_request(job)

    def _silent_turn(self) -> str:
        """The id of a live turn that has said one piece and goes on without a word, whoever reads it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        body = _question(frames=1, size=20, hold=0.0, live=True) | {"on_disconnect": "continue"}
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        connection.request("POST", "/api/stream_chat", json.dumps(body), headers)
        stream_id = connection.getresponse().headers["X-Stream-Id"]
        connection.close()
        return str(stream_id)


@contextmanager
def running(server: Server, job: Job, *, python: Path, core: int) -> Iterator[Running]:
    """Start ``server`` on ``core`` for ``job`` and end it afterwards."""
    command = [
        str(python),
        str(PEERS / server.script),
        *server.arguments,
        *(job.our_arguments if server.is_ours else ()),
    ]
    with on_core(core):
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)} if server.is_plain else None,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"{server.label} does not start: {' '.join(command)}")
        yield Running(server=server, pid=process.pid, port=int(line))
    finally:
        process.kill()
        process.wait()


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """What is started within runs on this core alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def raise_file_limit() -> None:
    """Each stream is an open file, here and in every process that is started from here."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def cores() -> Sequence[int]:
    """One core for the server and another for the load; the same one twice where there is only one."""
    available = sorted(os.sched_getaffinity(0))
    return available[0], available[-1]


_AUTHORIZED = f"Authorization: Bearer {TOKEN}\r\n"


def _chat_request(job: Job) -> str:
    body = _question(frames=job.frames, size=job.chunk_characters, hold=job.hold_seconds, live=False)
    body |= {"pace": "natural" if job.gap_seconds else "none"}
    body |= {"chunking": {"strategy": "characters", "size": job.chunk_characters}}
    text = json.dumps(body)
    head = f"POST /api/stream_chat HTTP/1.1\r\nHost: bench\r\n{_AUTHORIZED}Content-Type: application/json\r\n"
    return f"{head}Content-Length: {len(text)}\r\n\r\n{text}"


def _question(**wanted: object) -> dict[str, object]:
    return {"username": "VitalikButerin", "message": json.dumps(wanted)}
