"""A server in a process of its own, started the way a user starts it, and asked over its loopback port.

The user's folder has modules with the names of our rooms, as users' folders do. Its functions wait at a named pipe
that the test opens, so nothing here sleeps.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

CHECKOUT = Path(__file__).resolve().parents[2]
TOKEN = "secret-a"
# Longer than a start or a stop takes on a busy machine, shorter than the drain that a second Ctrl-C cuts off.
PATIENCE_SECONDS = 30.0

USERS_MODULES = {
    "metrics.py": "NAME = 'the metrics of the user'\n",
    "handlers.py": "def handled(text):\n    return f'handled: {text}'\n",
    "turns.py": "WHOSE = 'turns of the user'\n",
    "answers.py": """
import logging
import os
import sys
import threading
import time

import handlers
import metrics

logging.getLogger("users.own").info("loaded")


def answer(message):
    return f"{handlers.handled(message)} by {metrics.NAME}"


def wait_at_the_gate(message):
    print("at the gate", flush=True)
    with open("gate") as gate:
        return gate.read()


def tell_the_log(message):
    logging.getLogger("users.own").info("it is asked: %s", message)
    logging.getLogger("users.own").debug("nobody wants to know")
    return "told"


def hang(message):
    print("at the gate", flush=True)
    time.sleep(3_600)


def leave_a_thread(message):
    threading.Thread(target=time.sleep, args=[3_600]).start()
    return "left one"


def close_output(message):
    sys.stdout.close()
    sys.stderr.close()
    return "closed"


def wait_and_tell(message):
    if message == "who":
        return str(os.getpid())
    print("at the gate", os.getpid(), flush=True)
    time.sleep(3_600)
""",
}


@dataclass(frozen=True, slots=True)
class Served:
    """A running server: its process, and what it said when it started."""

    process: subprocess.Popen[str]
    folder: Path
    start_lines: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        found = re.search(r"http://127\.0\.0\.1:\d+", self.start_lines[0])
        assert found is not None, self.start_lines
        return found[0]

    def read_line(self) -> str:
        """The next line that the server or its function prints."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the server has ended"
        return line.rstrip("\n")

    def read_error_line(self, start: str) -> str:
        """The next line on standard error that starts like this."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if line.startswith(start):
                return line
        raise AssertionError(f"the server ended without saying {start!r}")

    def post(self, **fields: Any) -> httpx.Response:
        """Ask the smart door and read to the end."""
        body = {"username": "VitalikButerin", "message": "hi", "pace": "none"} | fields
        return httpx.post(f"{self.url}/api/stream_chat_smart", json=body, headers=HEADERS, timeout=PATIENCE_SECONDS)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def exit_status(self) -> int:
        """Wait for the end."""
        return self.process.wait(PATIENCE_SECONDS)


HEADERS = {"Authorization": f"Bearer {TOKEN}"}


def users_folder(folder: Path) -> Path:
    """Fill the folder with the user's own modules and a gate."""
    for name, text in USERS_MODULES.items():
        (folder / name).write_text(text)
    os.mkfifo(folder / "gate")
    return folder


@contextmanager
def serving(
    folder: Path,
    *options: str,
    command: tuple[str, ...] = (sys.executable, str(CHECKOUT / "streamchat.py")),
    environment: Mapping[str, str] | None = None,
    with_token: bool = True,
) -> Iterator[Served]:
    """Run the command in the folder until the end of the block; it listens when the block begins."""
    settings = ["--port", "0", "--database-url", f"sqlite:///{folder}/test.db"]
    settings += ["--token", f"alice={TOKEN}"] if with_token else []
    process = subprocess.Popen(
        [*command, *settings, *options],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        served = Served(process, folder)
        try:
            _read_start_lines(served)
            yield served
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()


def _read_start_lines(served: Served) -> None:
    assert served.process.stdout is not None
    for line in served.process.stdout:
        served.start_lines.append(line.rstrip("\n"))
        if line.lstrip().startswith("try "):
            return
    assert served.process.stderr is not None
    raise AssertionError(f"it did not start: {served.process.stderr.read()}")


def frames_of(text: str) -> list[dict[str, Any]]:
    """The payloads of an event stream."""
    return [json.loads(line.removeprefix("data: ")) for line in text.split("\n") if line.startswith("data: ")]


def answer_in(response: httpx.Response) -> str:
    return "".join(frame["data"] for frame in frames_of(response.text) if frame["status"] == "streaming")
