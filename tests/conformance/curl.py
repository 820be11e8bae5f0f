"""The curl of the system. It parses nothing: its user reads the lines that it prints."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
from asyncio import StreamReader
from asyncio.subprocess import PIPE, Process

from tests.conformance.client import Dialect, Missing
from tests.conformance.seen import Errand, Seen
from tests.conformance.sse_python import DOOR, Reading

CANNOT = {"stay": "only an EventSource comes back by itself"}

# What it ends with when the other side has broken off.
_CUT = 18


class Curl:
    """``curl -N``, stopped by Ctrl-C."""

    key = "curl"
    name = "curl"
    dialect: Dialect = "events"
    cannot = CANNOT

    def version(self) -> str:
        if shutil.which("curl") is None:
            raise Missing("curl is not installed")
        return subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]

    async def run(self, errand: Errand) -> Seen:
        if errand.act == "whole":
            return await self._whole(errand)
        reading = Reading(errand)
        exit_status = await self._read(reading, errand.url + DOOR, "--json", json.dumps(errand.body))
        if errand.act == "resume" and exit_status == _CUT:
            await self._read(reading, reading.rest, "-H", f"Last-Event-ID: {reading.last_event_id}")
        return reading.seen

    async def _whole(self, errand: Errand) -> Seen:
        process = await _start(errand, f"{errand.url}/api/chat", "--json", json.dumps(errand.body))
        printed, _ = await process.communicate()
        answer = json.loads(printed)
        return Seen(text=answer["data"], end=answer["status"])

    async def _read(self, reading: Reading, url: str, *options: str) -> int:
        """Read to the end, or until no more is wanted; the exit status of curl."""
        process = await _start(reading.errand, url, "--include", *options)
        assert process.stdout is not None
        head = await _block(process.stdout)
        reading.begin(_value(head, "X-Stream-Id: "))
        status = int(head[0].split()[1])
        while block := await _block(process.stdout):
            if (data := _value(block, "data: ")) and not reading.take(data, _value(block, "id: "), status):
                if reading.seen.end == "stopped":
                    process.send_signal(signal.SIGINT)
                break
        return await _exit_status(process)


async def _block(printed: StreamReader) -> list[str]:
    """The lines up to the next blank one; none at the end. The standard's ends of lines, and no others."""
    lines = []
    while line := (await printed.readline()).decode().rstrip("\r\n"):
        lines.append(line)
    return lines


def _value(lines: list[str], name: str) -> str:
    return next((line.removeprefix(name) for line in lines if line.startswith(name)), "")


async def _exit_status(process: Process) -> int:
    await process.communicate()
    assert process.returncode is not None
    return process.returncode


async def _start(errand: Errand, url: str, *options: str) -> Process:
    token = f"Authorization: Bearer {errand.token}"
    # Lines may be longer than asyncio takes by default.
    return await asyncio.create_subprocess_exec(
        "curl", "--silent", "--no-buffer", "-H", token, *options, url, stdout=PIPE, limit=2**24
    )
