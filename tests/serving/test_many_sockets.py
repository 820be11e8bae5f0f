"""A thousand idle WebSockets and two hundred that stream: each gets its answer, and memory stays as it is."""

from __future__ import annotations

import asyncio
import re
import resource
from contextlib import AsyncExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from tests.handlers.socket_client import Socket, answer_of
from tests.serving.served import TOKEN, Served, serving

pytestmark = pytest.mark.slow

IDLE, STREAMING, ROUNDS = 1_000, 200, 5
# Bounds with room: measured were 19 kB for an idle socket, and 1 MB more from the second round to the last.
IDLE_BYTES = 60_000
GROWTH_BYTES = 12_000_000
MESSAGE = "A sentence of some words. " * 10


def resident_bytes(served: Served) -> float:
    text = httpx.get(f"{served.url}/metrics").text
    found = re.search(r"^process_resident_memory_bytes (\S+)$", text, re.MULTILINE)
    assert found is not None
    return float(found[1])


async def ask_all(sockets: list[Socket]) -> None:
    async def one(socket: Socket) -> None:
        stream_id = await socket.ask(message=MESSAGE, pace="natural")
        assert answer_of(await socket.read_stream(stream_id)) == f"handled: {MESSAGE} by the metrics of the user"

    async with asyncio.TaskGroup() as tasks:
        for socket in sockets:
            tasks.create_task(one(socket))


async def scenario(served: Served) -> tuple[float, list[float]]:
    """Bytes an idle socket, and what the process holds after each round."""
    house: Any = SimpleNamespace(port=int(served.url.rpartition(":")[2]))
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(Socket(house, token=TOKEN)) for _ in range(STREAMING)]
        await ask_all(sockets)
        before = await asyncio.to_thread(resident_bytes, served)
        for _ in range(IDLE):
            await stack.enter_async_context(Socket(house, token=TOKEN))
        rounds = [await asyncio.to_thread(resident_bytes, served)]
        for _ in range(ROUNDS):
            await ask_all(sockets)
            rounds.append(await asyncio.to_thread(resident_bytes, served))
        assert "streamchat_websockets 1200.0" in (await asyncio.to_thread(httpx.get, f"{served.url}/metrics")).text
    return (rounds[0] - before) / IDLE, rounds


def test_a_thousand_idle_sockets_and_two_hundred_that_stream_leave_memory_as_it_is(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 4_000:
        pytest.skip("this process may not open as many files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4_000), hard))
    (tmp_path / "answers.py").write_text(ANSWERS)
    options = ["--process-query", "answers:answer", "--max-queued", "400", "--remember", "1"]
    # Nobody reads what it logs.
    options += ["--log-level", "error"]
    with serving(tmp_path, *options) as served:
        idle_bytes, rounds = asyncio.run(scenario(served))
    print(f"{idle_bytes:,.0f} bytes an idle socket; after each round {[f'{size:,.0f}' for size in rounds]}")
    assert idle_bytes < IDLE_BYTES
    assert rounds[-1] - rounds[2] < GROWTH_BYTES


ANSWERS = """
def answer(message):
    return f"handled: {message} by the metrics of the user"
"""
