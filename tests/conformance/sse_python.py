"""httpx-sse and sseclient-py, parsers of events over an HTTP client, and lines without a parser, as many read them.

All leave the coming back to their user.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import httpx
import httpx_sse
import requests
import sseclient

from tests.conformance.client import Dialect
from tests.conformance.seen import Errand, Seen

DOOR = "/api/stream_chat_smart"
CANNOT = {"stay": "only an EventSource comes back by itself", "whole": "reads events only"}


@dataclass(slots=True)
class Reading:
    """What a reader of our frames has seen, and what it needs to go on after a cut."""

    errand: Errand
    seen: Seen = field(default_factory=Seen)
    stream_id: str = ""
    last_event_id: str = ""

    @property
    def rest(self) -> str:
        """Where the rest of the stream is."""
        return f"{self.errand.url}/api/streams/{self.stream_id}"

    def begin(self, stream_id: str) -> None:
        self.stream_id = stream_id or self.stream_id

    def take(self, data: str, event_id: str | None, status: int) -> bool:
        """One event; whether its user wants more."""
        self.last_event_id = event_id or self.last_event_id
        if not data:
            # The standard knows none such.
            self.seen.remark = "tells of a comment as an event without data, to be passed over"
            return True
        self.seen.show(json.loads(data), status if status >= 400 else None)
        if self.errand.act == "stop" and self.seen.text:
            self.seen.end = "stopped"
        return not self.seen.end


class HttpxSse:
    """``httpx_sse.aconnect_sse``, which is stopped by leaving its block."""

    key = "httpx-sse"
    name = "httpx-sse"
    dialect: Dialect = "events"
    cannot = CANNOT

    def version(self) -> str:
        return version("httpx-sse")

    async def run(self, errand: Errand) -> Seen:
        reading = Reading(errand)
        async with httpx.AsyncClient(headers=errand.headers) as client:
            try:
                await self._read(client, reading, "POST", errand.url + DOOR, json=errand.body)
            except httpx.TransportError:
                if errand.act != "resume":
                    raise
                back = {"Last-Event-ID": reading.last_event_id}
                await self._read(client, reading, "GET", reading.rest, headers=back)
        return reading.seen

    async def _read(self, client: httpx.AsyncClient, reading: Reading, method: str, url: str, **more: Any) -> None:
        async with httpx_sse.aconnect_sse(client, method, url, **more) as source:
            reading.begin(source.response.headers.get("X-Stream-Id", ""))
            async for event in source.aiter_sse():
                if not reading.take(event.data, event.id, source.response.status_code):
                    return


class HttpxLines:
    """``httpx``'s own lines, which end at every sign that Unicode knows; those that begin with ``data: `` are JSON."""

    key = "httpx-lines"
    name = "httpx, iter_lines"
    dialect: Dialect = "events"
    cannot = CANNOT

    def version(self) -> str:
        return version("httpx")

    async def run(self, errand: Errand) -> Seen:
        return await asyncio.to_thread(self._run, errand)

    def _run(self, errand: Errand) -> Seen:
        reading = Reading(errand)
        with httpx.Client(headers=errand.headers) as client:
            try:
                self._read(client, reading, "POST", errand.url + DOOR, json=errand.body)
            except httpx.TransportError:
                if errand.act != "resume":
                    raise
                back = {"Last-Event-ID": reading.last_event_id}
                self._read(client, reading, "GET", reading.rest, headers=back)
        return reading.seen

    def _read(self, client: httpx.Client, reading: Reading, method: str, url: str, **more: Any) -> None:
        with client.stream(method, url, **more) as response:
            reading.begin(response.headers.get("X-Stream-Id", ""))
            for line in response.iter_lines():
                name, _, value = line.partition(": ")
                if name == "id":
                    reading.last_event_id = value
                if name == "data" and not reading.take(value, None, response.status_code):
                    return


class SseclientPy:
    """``sseclient.SSEClient`` over requests, as its documentation has it; ``close`` stops it."""

    key = "sseclient-py"
    name = "sseclient-py"
    dialect: Dialect = "events"
    cannot = CANNOT

    def version(self) -> str:
        return version("sseclient-py")

    async def run(self, errand: Errand) -> Seen:
        return await asyncio.to_thread(self._run, errand)

    def _run(self, errand: Errand) -> Seen:
        reading = Reading(errand)
        with requests.Session() as session:
            session.headers.update(errand.headers)
            try:
                self._read(session, reading, "POST", errand.url + DOOR, json=errand.body)
            except requests.RequestException:
                if errand.act != "resume":
                    raise
                back = {"Last-Event-ID": reading.last_event_id}
                self._read(session, reading, "GET", reading.rest, headers=back)
        return reading.seen

    def _read(self, session: requests.Session, reading: Reading, method: str, url: str, **more: Any) -> None:
        response = session.request(method, url, stream=True, **more)
        reading.begin(response.headers.get("X-Stream-Id", ""))
        client = sseclient.SSEClient(response)
        for event in client.events():
            if not reading.take(event.data, event.id, response.status_code):
                break
        client.close()
