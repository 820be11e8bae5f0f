"""The load generator: one thread, one epoll, plain sockets; notes when each frame arrives and parses nothing else.

Runs in a process of its own: a Plan on standard input, a Measured on standard output. Knows no server but by its port
and, for the accounting, its process id.
"""

from __future__ import annotations

import gc
import re
import select
import socket
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.accounting import cpu_seconds, percentile, resident_bytes
from bench.plan import Measured, Plan

_FRAME = b"data: {"
_CHUNK = b'"status":"streaming"'
_PROCESSED = b'"status":"processing_complete"'
_END = b'"is_complete":true'
_STAMP = re.compile(rb'"data":"(\d{10}\.\d{6}) ')
# A mark may lie across two reads: so much of the last one is looked at again.
_CARRY = max(len(_FRAME), len(_CHUNK), len(_PROCESSED), len(_END)) - 1
_READ_BYTES = 65_536


class Stream:
    """One connection and what has arrived on it."""

    __slots__ = (
        "chunk_times",
        "first_frame_at",
        "frames",
        "has_failed",
        "is_over",
        "opened_at",
        "processed_at",
        "rest",
        "sock",
        "stamp",
    )

    def __init__(self, port: int) -> None:
        self.sock = socket.socket()
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.opened_at = time.monotonic()
        self.sock.connect_ex(("127.0.0.1", port))
        self.rest = b""
        self.frames = 0
        self.first_frame_at = self.processed_at = self.stamp = 0.0
        self.chunk_times: list[float] = []
        self.is_over = self.has_failed = False

    def take(self, data: bytes, now: float) -> None:
        """Count the marks that are complete with ``data`` and were not before."""
        rest = self.rest
        text = rest + data
        self.has_failed |= not rest and not data.startswith(b"HTTP/1.1 200")
        frames = _new(text, rest, _FRAME)
        if frames:
            self.first_frame_at = self.first_frame_at or now
            self.frames += frames
        chunks = _new(text, rest, _CHUNK)
        if chunks:
            self.chunk_times += [now] * chunks
        if not self.processed_at and _PROCESSED in text:
            self.processed_at = now
        if not self.stamp and self.processed_at and (found := _STAMP.search(text)):
            self.stamp = float(found[1])
        self.is_over = _END in text
        self.rest = text[-_CARRY:]


def _new(text: bytes, rest: bytes, mark: bytes) -> int:
    return text.count(mark) - rest.count(mark)


class Load:
    """Carries out one plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._request = plan.request.encode()
        self._epoll = select.epoll()
        self._open: dict[int, Stream] = {}
        self._streams: list[Stream] = []
        self._give_up_at = time.monotonic() + plan.limit_seconds

    def run(self) -> Measured:
        plan = self._plan
        empty = resident_bytes(plan.server_pid)
        self._start()
        self._open_all()
        self._serve_until(lambda: all(stream.first_frame_at or stream.is_over for stream in self._streams))
        if plan.window_seconds:
            self._serve_for(plan.settle_seconds)
            self._start()
            self._serve_for(plan.window_seconds)
        else:
            self._serve_until(lambda: not self._open)
        return self._measured(empty)

    def _start(self) -> None:
        self._frames_before = sum(stream.frames for stream in self._streams)
        self._own = time.process_time()
        self._begin = time.monotonic()
        self._cpu = cpu_seconds(self._plan.server_pid)

    def _measured(self, empty: int) -> Measured:
        plan, streams = self._plan, self._streams
        cpu, own = cpu_seconds(plan.server_pid) - self._cpu, time.process_time() - self._own
        wall = time.monotonic() - self._begin
        windows = [[at for at in stream.chunk_times if at >= self._begin] for stream in streams]
        return Measured(
            streams=len(streams),
            failed=sum(stream.has_failed for stream in streams),
            frames=sum(stream.frames for stream in streams) - self._frames_before,
            chunks=sum(map(len, windows)),
            cpu_seconds=cpu,
            wall_seconds=wall,
            bytes_a_stream=(resident_bytes(plan.server_pid) - empty) / len(streams),
            load_share=own / wall,
            first_frame=_spread([each.first_frame_at - each.opened_at for each in streams if each.first_frame_at]),
            first_chunk=_spread([each.chunk_times[0] - each.opened_at for each in streams if each.chunk_times]),
            gap_error=_spread([abs(gap - plan.gap_seconds) for times in windows for gap in _gaps(times)]),
            handover=_spread([each.processed_at - each.stamp for each in streams if each.stamp]),
        )

    def _open_all(self) -> None:
        plan, begin = self._plan, time.monotonic()
        for number in range(plan.streams):
            self._serve(0.0)
            self._serve_for(begin + plan.opening_seconds * number / plan.streams - time.monotonic())
            stream = Stream(plan.port)
            self._streams.append(stream)
            self._open[stream.sock.fileno()] = stream
            self._epoll.register(stream.sock, select.EPOLLOUT)

    def _serve_until(self, is_done: Callable[[], bool]) -> None:
        while not is_done():
            if time.monotonic() > self._give_up_at:
                raise TimeoutError(f"the plan took longer than {self._plan.limit_seconds} s")
            self._serve_for(0.05)

    def _serve_for(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._serve(left)

    def _serve(self, timeout: float) -> None:
        for descriptor, event in self._epoll.poll(timeout, 1_024):
            stream = self._open[descriptor]
            if event & select.EPOLLOUT:
                self._epoll.modify(descriptor, select.EPOLLIN)
                stream.sock.send(self._request)
            else:
                self._read(descriptor, stream)

    def _read(self, descriptor: int, stream: Stream) -> None:
        try:
            data = stream.sock.recv(_READ_BYTES)
        except OSError:
            data = b""
        if data:
            stream.take(data, time.monotonic())
        if not data or stream.is_over:
            stream.has_failed |= not stream.is_over
            stream.is_over = True
            self._epoll.unregister(descriptor)
            del self._open[descriptor]
            stream.sock.close()


def _gaps(times: list[float]) -> list[float]:
    return [after - before for before, after in pairwise(times)]


def _spread(values: list[float]) -> dict[str, float]:
    return {name: percentile(values, float(name[1:])) for name in ("p50", "p99", "p99.9")}


if __name__ == "__main__":
    # A collection here would look like the server's jitter; nothing in here makes cycles.
    gc.disable()
    print(Load(Plan.from_json(sys.stdin.read())).run().to_json())
