"""SIGTERM and Ctrl-C: running turns finish or are told, the exit status is 0, and nobody waits for a hung function."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.serving.served import answer_in, frames_of, serving, users_folder

pytestmark = pytest.mark.slow

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return users_folder(tmp_path)


@pytest.fixture
def aside() -> Iterator[ThreadPoolExecutor]:
    """Where a question waits for its answer while the test goes on."""
    with ThreadPoolExecutor() as pool:
        yield pool


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_an_idle_server_ends_with_status_0(folder: Path, number: signal.Signals) -> None:
    with serving(folder, "--process-query", "answers:answer") as served:
        assert answer_in(served.post())
        served.signal(number)
        assert served.exit_status() == 0


@pytest.mark.parametrize("function", ["leave_a_thread", "close_output"])
def test_whatever_a_function_leaves_behind_the_server_ends_with_status_0(folder: Path, function: str) -> None:
    with serving(folder, "--process-query", f"answers:{function}") as served:
        assert answer_in(served.post())
        served.signal(signal.SIGTERM)
        assert served.exit_status() == 0


def test_a_server_whose_output_nobody_reads_can_be_stopped(folder: Path) -> None:
    with serving(folder, "--process-query", "answers:answer") as served:
        assert served.process.stderr is not None
        served.process.stderr.close()
        assert answer_in(served.post())
        served.signal(signal.SIGTERM)
        assert served.exit_status() == 0


@pytest.mark.parametrize("number", STOP_SIGNALS)
@pytest.mark.parametrize("workers", ["threads", "processes"])
def test_a_running_turn_finishes_and_new_ones_are_refused(
    folder: Path, aside: ThreadPoolExecutor, number: signal.Signals, workers: str
) -> None:
    options = ("--process-query", "answers:wait_at_the_gate", "--workers", workers)
    with serving(folder, *options) as served, httpx.Client() as kept_open:
        kept_open.get(f"{served.url}/healthz")
        asked = aside.submit(served.post)
        assert served.read_line() == "at the gate"
        served.signal(number)
        served.read_error_line("Stopping:")
        assert kept_open.get(f"{served.url}/readyz").status_code == 503
        (folder / "gate").write_text("finished all the same")
        assert answer_in(asked.result()) == "finished all the same"
        assert served.exit_status() == 0


@pytest.mark.parametrize("workers", ["threads", "processes"])
def test_a_hung_function_gets_its_readers_told_and_holds_up_no_exit(
    folder: Path, aside: ThreadPoolExecutor, workers: str
) -> None:
    options = ("--process-query", "answers:hang", "--drain", "0.2", "--workers", workers)
    with serving(folder, *options) as served:
        asked = aside.submit(served.post)
        assert served.read_line() == "at the gate"
        served.signal(signal.SIGTERM)
        end = frames_of(asked.result().text)[-1]
        assert (end["status"], end["code"], end["is_complete"]) == ("error", "shutting_down", True)
        assert served.exit_status() == 0


def test_an_abandoned_thread_holds_up_no_exit_either(folder: Path) -> None:
    with serving(folder, "--process-query", "answers:hang") as served:
        assert frames_of(served.post(timeout=0.1).text)[-1]["status"] == "timeout"
        served.signal(signal.SIGTERM)
        assert served.exit_status() == 0


def test_a_second_ctrl_c_ends_at_once(folder: Path, aside: ThreadPoolExecutor) -> None:
    with serving(folder, "--process-query", "answers:hang", "--drain", "86400") as served:
        asked = aside.submit(served.post)
        assert served.read_line() == "at the gate"
        served.signal(signal.SIGINT)
        served.read_error_line("Stopping:")
        served.signal(signal.SIGINT)
        assert served.exit_status() == 130
        assert isinstance(asked.exception(), httpx.RemoteProtocolError | httpx.ReadError)


def test_no_worker_process_is_left_behind(folder: Path, aside: ThreadPoolExecutor) -> None:
    options = ("--process-query", "answers:wait_and_tell", "--drain", "0.2", "--workers", "processes")
    with serving(folder, *options) as served:
        asked = aside.submit(served.post)
        worker = int(served.read_line().removeprefix("at the gate "))
        served.signal(signal.SIGTERM)
        asked.result()
        assert served.exit_status() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)
