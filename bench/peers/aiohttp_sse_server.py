"""aiohttp with aiohttp-sse's response, on asyncio's own loop."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from aiohttp import web
from aiohttp_sse import sse_response
from workload import HEADERS, events_of, listening_socket, wanted_of


async def stream(request: web.Request) -> web.StreamResponse:
    wanted = wanted_of(request.query_string)
    async with sse_response(request, headers=HEADERS) as response:
        with suppress(ConnectionResetError):
            for event in events_of(wanted):
                await response.send(event.data, id=event.id)
                await asyncio.sleep(wanted.gap)
    return response


if __name__ == "__main__":
    app = web.Application()
    app.router.add_get("/stream", stream)
    web.run_app(app, sock=listening_socket(), access_log=None, print=None)
