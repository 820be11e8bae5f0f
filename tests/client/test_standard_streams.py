import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.scripted_server import STREAM_ID, Scene, ScriptedServer, answer, chat, running, sse

CLIENT = Path(__file__).parents[2] / "test_streaming_client.py"
FULL = Path("/dev/full")

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="no file that is always full")


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with running() as scripted:
        yield scripted


def run(server: ScriptedServer, redirection: str, *options: str) -> subprocess.CompletedProcess[str]:
    """The client as a shell starts it with this redirection."""
    arguments = ["VitalikButerin", "hi", "--token", "secret", "--url", server.url, *options]
    shell = ["sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, str(CLIENT), *arguments]
    return subprocess.run(shell, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_full_disk_is_said_and_stops_the_work(server: ScriptedServer, options: list[str]) -> None:
    server.scenes = [Scene(pieces=[sse(chat(["first"])[:4])], ending="hang")]
    ended = run(server, "> /dev/full", *options)
    assert ended.returncode == 8
    assert "cannot write the answer: No space left on device" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr
    assert server.requests("DELETE", f"/api/streams/{STREAM_ID}")


def test_a_list_that_cannot_be_written_is_said_too(server: ScriptedServer) -> None:
    server.profiles = answer({"profiles": [{"username": "A"}]})
    ended = run(server, "> /dev/full", "--profiles")
    assert (ended.returncode, ended.stderr) == (8, "cannot read or write: No space left on device\n")


def test_where_nothing_can_be_said_the_exit_status_says_it(server: ScriptedServer) -> None:
    server.scenes = [Scene(pieces=[sse(chat(["first"])[:4])], ending="hang")]
    assert run(server, "2> /dev/full").returncode == 8
    assert server.requests("DELETE", f"/api/streams/{STREAM_ID}")
