import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from streamchat.client.command import main
from tests.client.real_server import ALICE, PROFILE, serving
from tests.client.screen import CLIENT
from tests.handlers.house import Gate, saying
from tests.serving import served

ANSWER = "# 标题\r\n\r\n你好，世界。 An answer with   spaces, 👨‍👩‍👧 and a line\u2028separator.\n"


def run(url: str, *options: str, message: str = "hi") -> Result:
    return CliRunner().invoke(main, [PROFILE, message, ALICE, "--url", url, "--pace", "none", *options])


@pytest.mark.parametrize("door", ["smart", "basic", "advanced"])
def test_the_answer_of_every_door_arrives_to_the_byte(door: str) -> None:
    with serving(saying(ANSWER)) as url:
        result = run(url, "--door", door)
    assert (result.exit_code, result.stdout_bytes.decode()) == (0, ANSWER)


def test_the_three_doors_are_compared() -> None:
    with serving(saying("word " * 40)) as url:
        result = run(url, "--door", "all")
    assert result.exit_code == 0
    assert "end\tcomplete\tcomplete\tcomplete" in result.stdout
    assert "characters\t200\t200\t200" in result.stdout


def test_tools_media_and_stages_are_told(tmp_path: Path) -> None:
    def busy(message: str, progress: Any, tool_call: Any, tool_result: Any, media: Any) -> str:
        progress("looking around", 40)
        tool_result(tool_call("search", {"q": "以太坊"}), "search", ["two", "hits"])
        media("image/png", content="cGljdHVyZQ==", alt="a chart")
        return "done"

    with serving(busy) as url:
        result = run(url, "--media-dir", str(tmp_path))
    assert result.stdout == "done"
    assert 'tool search: {"q": "以太坊"}' in result.stderr
    assert 'tool search says: ["two", "hits"]' in result.stderr
    assert (tmp_path / "1.png").read_bytes() == b"picture"


@pytest.mark.parametrize("arguments", [[PROFILE, "hi"], ["--profiles"]])
def test_an_address_below_the_servers_own_is_no_chat_server(arguments: list[str]) -> None:
    with serving(saying(ANSWER)) as url:
        result = CliRunner().invoke(main, [*arguments, "--token", ALICE, "--url", f"{url}/nothing"])
    assert result.exit_code == 3
    assert "no chat server answered: HTTP 404" in result.stderr


def test_a_wrong_token_is_exit_status_6() -> None:
    with serving(saying(ANSWER)) as url:
        result = CliRunner().invoke(main, [PROFILE, "hi", "wrong", "--url", url, "--lang", "en"])
    assert result.exit_code == 6
    assert "no token, or not a valid one" in result.stderr


def test_a_timeout_is_exit_status_4() -> None:
    gate = Gate()
    with serving(gate) as url:
        result = run(url, "--timeout", "0.1", "--lang", "en")
        gate.opened.set()
    assert result.exit_code == 4
    assert "timeout: Processing timed out" in result.stderr


def test_a_function_that_fails_is_exit_status_1(caplog: pytest.LogCaptureFixture) -> None:
    with serving(saying(None)) as url:
        result = run(url, "--lang", "en")
    assert result.exit_code == 1
    assert "not text" in result.stderr


def test_a_question_of_the_function_that_nobody_can_answer_is_exit_status_7() -> None:
    def curious(message: str, ask: Any) -> str:
        return str(ask("Which year?"))

    with serving(curious) as url:
        result = run(url)
    assert result.exit_code == 7
    assert "Which year?" in result.stderr


def test_a_conversation_goes_on_from_question_to_question() -> None:
    def remembers(message: str, history: list[dict[str, str]]) -> str:
        return f"{len(history)}\n"

    with serving(remembers) as url:
        arguments = [PROFILE, "--token", ALICE, "--url", url, "--pace", "none"]
        result = CliRunner().invoke(main, arguments, input="one\n/history\ntwo\n/new\nthree\n/retry\n/quit\nnever\n")
    assert result.stdout == "0\n2\n0\n2\n"
    assert "> one\n0\n" in result.stderr


def test_profiles_of_the_server_are_listed() -> None:
    with serving(saying(ANSWER)) as url:
        result = CliRunner().invoke(main, ["--profiles", "--token", ALICE, "--url", url])
    assert PROFILE in [line.split("\t")[0] for line in result.stdout.splitlines()]


def test_ctrl_c_stops_the_function_and_says_when_it_still_runs() -> None:
    gate = Gate()
    with serving(gate) as url:
        command = [sys.executable, CLIENT, PROFILE, "hi", ALICE, "--url", url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert gate.begun.wait(20)
            assert process.stderr
            # Until the first line is here it may not know the stream yet.
            process.stderr.readline()
            process.send_signal(signal.SIGINT)
            _, shown = process.communicate(timeout=20)
        gate.opened.set()
    assert process.returncode == 130
    assert b"the server says cancelling: stopped for you; the function still runs" in shown


def test_a_server_that_is_killed_and_started_again_has_forgotten_the_stream_and_that_is_said(tmp_path: Path) -> None:
    folder = served.users_folder(tmp_path)
    options = ("--process-query", "answers:wait_at_the_gate")
    saved = tmp_path / "saved.md"
    with served.serving(folder, *options) as first:
        port = first.url.rpartition(":")[2]
        command = [sys.executable, CLIENT, PROFILE, "hi", served.TOKEN, "--url", first.url, "--save", saved]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert first.read_line() == "at the gate"
            assert process.stderr
            process.stderr.readline()
            first.signal(signal.SIGKILL)
            first.exit_status()
            with served.serving(folder, *options, "--port", port):
                shown = process.communicate(timeout=served.PATIENCE_SECONDS)[1]
    assert process.returncode == 3
    assert "attempt 1 of 5" in shown
    assert "the server knows this stream no more" in shown
    assert not saved.exists()


def test_frames_come_as_they_are_on_the_wire() -> None:
    with serving(saying(ANSWER)) as url:
        lines = run(url, "--json").stdout.split("\n")
    frames = [json.loads(line) for line in lines if line]
    assert frames[0]["status"] == "initializing"
    assert "".join(frame["data"] for frame in frames if frame["status"] == "streaming") == ANSWER
    assert frames[-1]["is_complete"] is True
