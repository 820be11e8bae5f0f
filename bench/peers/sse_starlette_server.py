"""sse-starlette's EventSourceResponse with its own ping, on uvicorn with uvloop and httptools."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import uvicorn
from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route
from workload import HEADERS, Wanted, events_of, listening_socket, wanted_of


async def stream(request: Request) -> EventSourceResponse:
    return EventSourceResponse(_events(wanted_of(request.url.query)), headers=HEADERS)


async def _events(wanted: Wanted) -> AsyncIterator[dict[str, str]]:
    for event in events_of(wanted):
        yield {"data": event.data, "id": event.id}
        await asyncio.sleep(wanted.gap)


if __name__ == "__main__":
    app = Starlette(routes=[Route("/stream", stream)])
    config = uvicorn.Config(app, loop="uvloop", http="httptools", access_log=False, log_level="warning")
    uvicorn.Server(config).run(sockets=[listening_socket()])
