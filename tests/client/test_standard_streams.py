import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.scripted_server import STREAM_ID, Scene, ScriptedServer, answer, chat, running, sse

CLIENT = Path(__file__).parents[2] / "test_streaming_client.py"
with_full_disk = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no file that is always full")


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with running() as scripted:
        yield scripted


def run(server: ScriptedServer, redirection: str, *options: str) -> subprocess.CompletedProcess[str]:
    """The client as a shell starts it with this redirection."""
    arguments = ["VitalikButerin", "hi", "--token", "secret", "--url", server.url, *options]
    shell = ["sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, str(CLIENT), *arguments]
    # Unbuffered, nothing would be left to write at exit.
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.run(shell, env=buffered, capture_output=True, text=True, timeout=30, check=False)


@with_full_disk
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_full_disk_is_said_and_stops_the_work(server: ScriptedServer, options: list[str]) -> None:
    server.scenes = [Scene(pieces=[sse(chat(["first"])[:4])], ending="hang")]
    ended = run(server, "> /dev/full", *options)
    assert ended.returncode == 8
    assert "cannot write the answer: No space left on device" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr
    assert server.requests("DELETE", f"/api/streams/{STREAM_ID}")


@with_full_disk
def test_a_list_that_cannot_be_written_is_said_too(server: ScriptedServer) -> None:
    server.profiles = answer({"profiles": [{"username": "A"}]})
    ended = run(server, "> /dev/full", "--profiles")
    assert (ended.returncode, ended.stderr) == (8, "cannot read or write: No space left on device\n")


@with_full_disk
def test_where_nothing_can_be_said_the_exit_status_says_it(server: ScriptedServer) -> None:
    server.scenes = [Scene(pieces=[sse(chat(["first"])[:4])], ending="hang")]
    assert run(server, "2> /dev/full").returncode == 8
    assert server.requests("DELETE", f"/api/streams/{STREAM_ID}")


def test_a_closed_output_keeps_nothing_and_a_closed_input_is_empty(server: ScriptedServer, tmp_path: Path) -> None:
    for redirection, shown in (("<&-", "whole"), (">&-", ""), (">&- 2>&-", ""), ("<&- >&- 2>&-", "")):
        server.scenes = [Scene(pieces=[sse(chat(["whole"]))])]
        ended = run(server, redirection, "--save", str(tmp_path / "a.md"))
        assert (ended.returncode, ended.stdout) == (0, shown), redirection
        assert "Traceback" not in ended.stderr
        assert (tmp_path / "a.md").read_text() == "whole"
