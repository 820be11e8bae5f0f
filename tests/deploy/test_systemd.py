"""The unit and its settings, as systemd and the server themselves read them."""

from __future__ import annotations

import configparser
import signal
import subprocess
from pathlib import Path

import pytest
import yaml

from streamchat.serving.settings import Settings
from tests.deploy.machine import program
from tests.serving.served import answer_in, serving

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "systemd"
SERVICE = (FOLDER / "streamchat.service").read_text(encoding="utf-8")
CONFIG = (FOLDER / "streamchat.yaml").read_text(encoding="utf-8")
COMMAND = "/opt/streamchat/bin/streamchat"
# Tenths of systemd's exposure level, of 100: up to 20 it calls a service "OK", the unit has 17 or less.
EXPOSURE = 20


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a command that there is on this machine."""
    path = tmp_path / "streamchat.service"
    path.write_text(SERVICE.replace(COMMAND, program("true")), encoding="utf-8")
    return path


def value_of(name: str) -> str:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign] - systemd's names have capitals
    parser.read_string(SERVICE)
    return parser["Service"][name]


def test_systemd_finds_nothing_to_complain_about(unit: Path) -> None:
    checked = subprocess.run([program("systemd-analyze"), "verify", unit], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_systemd_finds_the_service_well_locked_in(unit: Path) -> None:
    options = ["security", "--offline=true", "--no-pager", f"--threshold={EXPOSURE}"]
    checked = subprocess.run([program("systemd-analyze"), *options, unit], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_systemd_waits_longer_than_the_server_drains_and_gives_it_a_file_for_each_connection() -> None:
    assert int(value_of("TimeoutStopSec")) > Settings().drain
    assert int(value_of("LimitNOFILE")) > Settings().max_connections


def test_the_database_is_where_the_service_may_write() -> None:
    folder = f"sqlite:////var/lib/{value_of('StateDirectory')}/"
    assert yaml.safe_load(CONFIG)["database_url"].startswith(folder)
    assert value_of("ExecStart").endswith("--config /etc/streamchat/streamchat.yaml")


@pytest.mark.slow
def test_the_server_runs_with_these_settings_and_ends_well_when_it_is_told_to(tmp_path: Path) -> None:
    (tmp_path / "my_bot.py").write_text("def process_query(message):\n    return f'bot: {message}'\n")
    (tmp_path / "tokens").write_text("bob=secret-bob\n")
    # As shipped, but for the fixed port, which another program may have, and the file of tokens.
    config = CONFIG.replace(":9464", ":0").replace("/etc/streamchat/tokens", str(tmp_path / "tokens"))
    (tmp_path / "streamchat.yaml").write_text(config)
    with serving(tmp_path, "--config", "streamchat.yaml") as served:
        assert answer_in(served.post()) == "bot: hi"
        served.signal(signal.SIGTERM)
        assert served.exit_status() == 0
