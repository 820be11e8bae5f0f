"""A loop's connections to every server: kept for the next request, and closed with the loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pycurl

_kept: dict[asyncio.AbstractEventLoop, tuple[pycurl.AsyncCurlMulti, AsyncGenerator[None, None]]] = {}


async def connections() -> pycurl.AsyncCurlMulti:
    """The running loop's connections to every server: kept for the next request, and closed with the loop."""
    loop = asyncio.get_running_loop()
    if loop not in _kept or _kept[loop][0].closed:
        opened = pycurl.AsyncCurlMulti()
        # What asyncio.run does for every loop at its end, it closes its asynchronous generators, closes them.
        life = _life_of(opened, loop)
        _kept[loop] = opened, life
        await anext(life)
    return _kept[loop][0]


async def _life_of(opened: pycurl.AsyncCurlMulti, loop: asyncio.AbstractEventLoop) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        # Others may be open in their place by now.
        if loop in _kept and _kept[loop][0] is opened:
            del _kept[loop]
        await opened.aclose()
