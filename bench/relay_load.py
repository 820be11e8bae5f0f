"""The load generator of the relay bench: opens streams at once, and notes when each token arrives and how old it is.

Runs in a process of its own: a RelayPlan on standard input, a Relayed on standard output.
"""

from __future__ import annotations

import gc
import json
import re
import select
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.accounting import cpu_seconds, percentile
from bench.relay_plan import Relayed, RelayPlan

_TOKEN = re.compile(rb'"content": ?"(\d{10}\.\d{6}) "')
_END = b"data: [DONE]"
_LIMIT_SECONDS = 120.0


class Stream:
    """One request on a connection of its own."""

    def __init__(self, plan: RelayPlan) -> None:
        self.opened_at = time.monotonic()
        self.first_at: float | None = None
        self.rest = b""
        self.sock = socket.create_connection(("127.0.0.1", plan.port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.sendall(_request(plan))
        self.sock.setblocking(False)


def run(plan: RelayPlan) -> Relayed:
    """Every stream to its end."""
    ages: list[float] = []
    cpu, begin = cpu_seconds(plan.server_pid), time.monotonic()
    streams = [Stream(plan) for _ in range(plan.streams)]
    epoll, open_ = select.epoll(), {stream.sock.fileno(): stream for stream in streams}
    for descriptor in open_:
        epoll.register(descriptor, select.EPOLLIN)
    while open_:
        if time.monotonic() > begin + _LIMIT_SECONDS:
            raise TimeoutError(f"{len(open_)} streams have no end after {_LIMIT_SECONDS} s")
        for descriptor, _ in epoll.poll(1.0):
            if _read(open_[descriptor], ages):
                epoll.unregister(descriptor)
                open_.pop(descriptor).sock.close()
    return Relayed(
        tokens=len(ages),
        expected=plan.streams * plan.tokens,
        cpu_seconds=cpu_seconds(plan.server_pid) - cpu,
        first_seconds=[percentile(_first(streams), percent) for percent in (50, 99)],
        age_seconds=[percentile(ages, percent) for percent in (50, 99)],
    )


def _read(stream: Stream, ages: list[float]) -> bool:
    """Take what has arrived; True at the stream's end."""
    data = stream.sock.recv(65_536)
    now = time.monotonic()
    text, at = stream.rest + data, 0
    for token in _TOKEN.finditer(text):
        stream.first_at = stream.first_at or now
        ages.append(now - float(token[1]))
        at = token.end()
    stream.rest = text[at:]
    return not data or _END in stream.rest


def _first(streams: list[Stream]) -> list[float]:
    return [stream.first_at - stream.opened_at for stream in streams if stream.first_at is not None]


def _request(plan: RelayPlan) -> bytes:
    question = json.dumps({"tokens": plan.tokens, "gap": plan.gap_seconds})
    body = json.dumps({"model": plan.model, "stream": True, "messages": [{"role": "user", "content": question}]})
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {plan.key}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


if __name__ == "__main__":
    # A collection here would look like the server's delay.
    gc.disable()
    print(run(RelayPlan.from_json(sys.stdin.read())).to_json())
