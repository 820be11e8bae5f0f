"""What a started server says: where its metrics are, and nothing but JSON where a shipper reads."""

import json
import re
import signal
from pathlib import Path

import httpx
import pytest

from tests.serving.served import PATIENCE_SECONDS, serving, users_folder

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return users_folder(tmp_path)


def test_the_metrics_own_address_is_said_with_its_real_port(folder: Path) -> None:
    options = ("--process-query", "answers:answer", "--metrics-address", "127.0.0.1:0", "--metrics-access", "bearer")
    with serving(folder, *options) as served:
        (line,) = [line for line in served.start_lines if line.startswith("  metrics ")]
        found = re.fullmatch(r"  metrics  (http://127\.0\.0\.1:\d+/metrics) \(bearer\)", line)
        assert found is not None, line
        assert httpx.get(found[1], timeout=PATIENCE_SECONDS).status_code == 401


def test_without_an_address_of_their_own_there_is_no_line_of_metrics(folder: Path) -> None:
    with serving(folder, "--process-query", "answers:answer") as served:
        assert not [line for line in served.start_lines if "metrics" in line]


def test_with_json_every_line_on_standard_error_is_json(folder: Path) -> None:
    with serving(folder, "--process-query", "answers:answer", "--log-format", "json") as served:
        assert served.post().status_code == 200
        served.signal(signal.SIGTERM)
        assert served.process.stderr is not None
        lines = [json.loads(line) for line in served.process.stderr]
        assert served.exit_status() == 0
    assert [line["event"] for line in lines if "event" in line] == ["delivered"]
    assert any(line["message"].startswith("Stopping: ") for line in lines)
