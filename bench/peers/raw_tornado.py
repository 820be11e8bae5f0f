"""Tornado as its documentation shows streaming: write, await flush, for every frame."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from tornado.httpserver import HTTPServer
from tornado.iostream import StreamClosedError
from tornado.web import Application, RequestHandler
from workload import CONTENT_TYPE, HEADERS, events_of, framed, listening_socket, wanted_of


class StreamHandler(RequestHandler):
    """One stream."""

    async def get(self) -> None:
        wanted = wanted_of(self.request.query)
        self.set_header("Content-Type", CONTENT_TYPE)
        for name, value in HEADERS.items():
            self.set_header(name, value)
        with suppress(StreamClosedError):
            for event in events_of(wanted):
                self.write(framed(event))
                await self.flush()
                await asyncio.sleep(wanted.gap)


async def main() -> None:
    HTTPServer(Application([(r"/stream", StreamHandler)], log_function=lambda _: None)).add_socket(listening_socket())
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
