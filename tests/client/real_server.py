"""The project's own server on a loopback port, in a thread of its own, for the length of a block."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.handlers.house import ALICE, PROFILE, House, with_server

__all__ = ["ALICE", "PROFILE", "serving"]


@contextmanager
def serving(process_query: Callable[..., Any], **settings: Any) -> Iterator[str]:
    """The address of a server that answers with this function."""
    started, addresses, leaves = threading.Event(), list[str](), list[Callable[[], object]]()

    async def until_left(house: House) -> None:
        left, loop = asyncio.Event(), asyncio.get_running_loop()
        leaves.append(lambda: loop.call_soon_threadsafe(left.set))
        addresses.append(f"http://127.0.0.1:{house.port}")
        started.set()
        await left.wait()

    thread = threading.Thread(target=with_server, args=(process_query, until_left), kwargs=settings, name="real server")
    thread.start()
    assert started.wait(20)
    try:
        yield addresses[0]
    finally:
        leaves[0]()
        thread.join()
