import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.scripted_server import STREAM_ID, Scene, ScriptedServer, chat, running, sse

CLIENT = Path(__file__).parents[2] / "test_streaming_client.py"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with running() as scripted:
        yield scripted


@pytest.fixture
def process(server: ScriptedServer) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, CLIENT, "VitalikButerin", "hi", "secret", "--url", server.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as started:
        yield started
        started.kill()


def test_each_chunk_is_printed_when_it_comes_and_ctrl_c_cancels_on_the_server(
    server: ScriptedServer, process: subprocess.Popen[bytes]
) -> None:
    server.scenes = [Scene(pieces=[sse(chat(["first"])[:4])], ending="hang")]
    assert process.stdout
    assert process.stdout.read(5) == b"first"
    process.send_signal(signal.SIGINT)
    _, shown = process.communicate(timeout=20)
    assert process.returncode == 130
    assert server.wait_for("DELETE").path == f"/api/streams/{STREAM_ID}"
    assert server.wait_for("DELETE").headers["authorization"] == "Bearer secret"
    assert b"the server says cancelled: stopped; the function has ended" in shown
    assert b"Traceback" not in shown


def test_ctrl_c_before_any_frame_cancels_the_stream_that_the_header_names(
    server: ScriptedServer, process: subprocess.Popen[bytes]
) -> None:
    keep_alive = b"data: {}\n\n"
    server.scenes = [Scene(headers={"X-Stream-Id": "named"}, pieces=[keep_alive, noticed()], ending="hang")]
    assert process.stderr
    assert b"noticed" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert server.wait_for("DELETE").path == "/api/streams/named"


def noticed() -> bytes:
    return b'data: {"status": "processing", "message": "noticed"}\n\n'


def test_ctrl_c_while_the_client_is_being_loaded_prints_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "httpx.py").write_text("import signal\n\nsignal.raise_signal(signal.SIGINT)\n")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    ended = subprocess.run([sys.executable, CLIENT, "A", "hi", "t"], env=environment, capture_output=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, b"", b"")


def test_a_second_ctrl_c_ends_at_once(server: ScriptedServer, process: subprocess.Popen[bytes]) -> None:
    server.scenes = [Scene(pieces=[sse(chat(["first"])[:4])], ending="hang")]
    server.deleted = Scene(ending="hang")
    assert process.stdout
    assert process.stdout.read(5) == b"first"
    process.send_signal(signal.SIGINT)
    server.wait_for("DELETE")
    process.send_signal(signal.SIGINT)
    _, shown = process.communicate(timeout=20)
    assert process.returncode == 130
    assert b"Traceback" not in shown


def test_a_server_that_cannot_be_told_is_said(server: ScriptedServer, process: subprocess.Popen[bytes]) -> None:
    server.scenes = [Scene(pieces=[sse(chat(["first"])[:4])], ending="hang")]
    server.deleted = Scene(status=502, content_type="text/html")
    assert process.stdout
    assert process.stdout.read(5) == b"first"
    process.send_signal(signal.SIGINT)
    _, shown = process.communicate(timeout=20)
    assert process.returncode == 130
    assert b"the server could not be told (HTTP 502: Scripted)" in shown


def test_whoever_is_terminated_leaves_in_order(server: ScriptedServer, process: subprocess.Popen[bytes]) -> None:
    server.scenes = [Scene(pieces=[sse(chat(["first"])[:4])], ending="hang")]
    assert process.stdout
    assert process.stdout.read(5) == b"first"
    process.send_signal(signal.SIGTERM)
    _, shown = process.communicate(timeout=20)
    assert process.returncode == 143
    assert b"Traceback" not in shown
    assert not server.requests("DELETE")


def test_a_reader_that_has_seen_enough_ends_the_client(
    server: ScriptedServer, process: subprocess.Popen[bytes]
) -> None:
    server.scenes = [Scene(pieces=[sse(chat(["first"])[:4])], held=True, later=[sse(chat(["x" * 99_999])[3:])])]
    assert process.stdout
    assert process.stdout.read(5) == b"first"
    process.stdout.close()
    server.release()
    assert process.wait(20) == 141
    assert process.stderr
    assert b"Traceback" not in process.stderr.read()
