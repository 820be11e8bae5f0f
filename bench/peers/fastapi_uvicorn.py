"""What people have today: FastAPI's StreamingResponse over an async generator, on uvicorn with uvloop and httptools."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from workload import CONTENT_TYPE, HEADERS, Wanted, events_of, framed, listening_socket

app = FastAPI()


@app.get("/stream")
async def stream(frames: int, gap: float, size: int) -> StreamingResponse:
    return StreamingResponse(_frames(Wanted(frames, gap, size)), media_type=CONTENT_TYPE, headers=HEADERS)


async def _frames(wanted: Wanted) -> AsyncIterator[bytes]:
    for event in events_of(wanted):
        yield framed(event)
        await asyncio.sleep(wanted.gap)


if __name__ == "__main__":
    config = uvicorn.Config(app, loop="uvloop", http="httptools", access_log=False, log_level="warning")
    uvicorn.Server(config).run(sockets=[listening_socket()])
