"""A server in a process of its own, from a folder whose modules have the names of our rooms."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.serving.served import CHECKOUT, HEADERS, TOKEN, Served, answer_in, serving, users_folder

pytestmark = pytest.mark.slow

ANSWER = "handled: hi by the metrics of the user"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return users_folder(tmp_path)


def test_the_script_of_a_checkout_serves_a_users_function_beside_modules_of_our_names(folder: Path) -> None:
    with serving(folder, "--process-query", "answers:answer") as served:
        assert answer_in(served.post()) == ANSWER


def test_python_dash_m_does_the_same(folder: Path) -> None:
    command = (sys.executable, "-m", "streamchat")
    path = {"PYTHONPATH": str(CHECKOUT)}
    with serving(folder, "--process-query", "answers:answer", command=command, environment=path) as served:
        assert answer_in(served.post()) == ANSWER


def test_a_program_that_imports_streamchat_does_the_same(folder: Path) -> None:
    (folder / "program.py").write_text("import streamchat\n\nif __name__ == '__main__':\n    streamchat.main()\n")
    command = (sys.executable, "program.py")
    path = {"PYTHONPATH": str(CHECKOUT)}
    with serving(folder, "--process-query", "answers:answer", command=command, environment=path) as served:
        assert answer_in(served.post()) == ANSWER


def test_processes_run_the_users_function_from_the_users_folder(folder: Path) -> None:
    with serving(folder, "--process-query", "answers:answer", "--workers", "processes") as served:
        assert answer_in(served.post()) == ANSWER


def test_a_process_past_its_deadline_is_dead(folder: Path) -> None:
    with serving(folder, "--process-query", "answers:wait_and_tell", "--workers", "processes") as served:
        # From its begin, however long the child took until then: it says its number, and is gone when the stream ends.
        response = served.post(timeout=1)
        assert '"status":"timeout"' in response.text
        number = int(served.read_line().removeprefix("at the gate "))
        for _ in range(10):
            worker = answer_in(served.post(message="who"))
            assert int(worker) != number
        assert not Path(f"/proc/{number}").exists()


def test_the_start_lines_say_what_runs_and_give_a_curl_line_that_works(folder: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    with serving(folder, "--process-query", "answers:answer", "--max-running", "3") as served:
        said = "\n".join(served.start_lines)
        for word in ("answers:answer", f"sqlite:///{folder}/test.db", "3 running", "128 queued", "150 s"):
            assert word in said
        assert TOKEN not in said
        line = served.start_lines[-1].strip().removeprefix("try").strip().replace("YOUR_TOKEN", TOKEN)
        asked = subprocess.run(shlex.split(line), capture_output=True, text=True, timeout=30, check=True)
        assert '"status":"complete"' in asked.stdout


def test_without_a_token_the_curl_line_has_the_one_that_was_made(folder: Path) -> None:
    with serving(folder, "--process-query", "answers:answer", with_token=False) as served:
        made = re.search(r"Bearer ([\w-]{32,})", served.start_lines[-1])
        assert made is not None, served.start_lines
        response = httpx.get(f"{served.url}/api/profiles", headers={"Authorization": f"Bearer {made[1]}"})
        assert response.status_code == 200
        assert httpx.get(f"{served.url}/api/profiles", headers=HEADERS).status_code == 401


def test_the_curl_line_works_with_any_name_of_a_profile(folder: Path) -> None:
    (folder / "ofelia.yaml").write_text('username: "O\'Felia 小"\n')
    url = f"sqlite:///{folder}/test.db"
    script = (sys.executable, str(CHECKOUT / "streamchat.py"), "--database-url", url)
    subprocess.run([*script, "profiles", "import", "ofelia.yaml"], cwd=folder, check=True, capture_output=True)
    with serving(folder, "--process-query", "answers:answer") as served:
        line = served.start_lines[-1].strip().removeprefix("try").strip().replace("YOUR_TOKEN", TOKEN)
        asked = subprocess.run(shlex.split(line), capture_output=True, text=True, timeout=30, check=True)
        assert '"status":"complete"' in asked.stdout


def test_settings_come_from_the_environment_and_a_file_too(folder: Path) -> None:
    (folder / "settings.yaml").write_text("max-running: 7\nmax-queued: 8\nprocess-query: answers:answer\n")
    with serving(folder, "--config", "settings.yaml", environment={"STREAMCHAT_MAX_QUEUED": "9"}) as served:
        assert any("7 running" in line and "9 queued" in line for line in served.start_lines)
        assert answer_in(served.post()) == ANSWER


def test_logs_go_to_standard_error_with_the_requests_id(folder: Path) -> None:
    with serving(folder, "--process-query", "answers:answer", "--log-format", "json") as served:
        request = {**HEADERS, "X-Request-Id": "trace-1"}
        body = {"username": "VitalikButerin", "message": "a-private-question", "pace": "none"}
        httpx.post(f"{served.url}/api/stream_chat_smart", json=body, headers=request)
        served.process.terminate()
        _, errors = served.process.communicate(timeout=30)
    assert '"request_id": "trace-1"' in errors
    assert "a-private-question" not in errors
    assert TOKEN not in errors


@pytest.mark.parametrize("workers", ["threads", "processes"])
def test_log_lines_of_the_users_function_look_alike_wherever_it_runs(folder: Path, workers: str) -> None:
    options = ("--process-query", "answers:tell_the_log", "--log-format", "json", "--workers", workers)
    with serving(folder, *options, "--max-running", "1") as served:
        for number in (1, 2):
            body = {"username": "VitalikButerin", "message": f"question {number}", "pace": "none"}
            request = {**HEADERS, "X-Request-Id": f"trace-{number}"}
            httpx.post(f"{served.url}/api/stream_chat_smart", json=body, headers=request)
        served.process.terminate()
        _, errors = served.process.communicate(timeout=30)
    lines = [json.loads(line) for line in errors.splitlines()]
    told = [(one["level"], one["request_id"], one["message"]) for one in lines if one["logger"] == "users.own"]
    assert told[-2:] == [("INFO", f"trace-{number}", f"it is asked: question {number}") for number in (1, 2)]
    # Once where the server has looked at it, and once in the worker process.
    assert told[:-2] == [("INFO", "-", "loaded")] * (2 if workers == "processes" else 1)


def check_still_serving(served: Served) -> None:
    assert httpx.get(f"{served.url}/healthz").json() == {"status": "ok"}


def test_the_port_is_free_again_at_once(folder: Path) -> None:
    with serving(folder, "--process-query", "answers:answer") as first:
        served_at = first.url
        answer_in(first.post())
        first.process.terminate()
        assert first.exit_status() == 0
    port = served_at.rpartition(":")[2]
    with serving(folder, "--process-query", "answers:answer", "--port", port) as second:
        assert second.url == served_at
        check_still_serving(second)
        assert os.path.exists(folder / "test.db")
