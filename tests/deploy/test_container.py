"""The container file: linted, and the commands it names are run. Nothing here builds an image."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.machine import free_port
from tests.serving.served import CHECKOUT, serving, users_folder

CONTAINERFILE = CHECKOUT / "deploy" / "container" / "Containerfile"
TEXT = CONTAINERFILE.read_text(encoding="utf-8")


def command_of(instruction: str) -> list[str]:
    """The JSON form of an instruction's command."""
    found = re.search(rf"^{instruction}[^\[\n]*(\[.*\])$", TEXT, re.MULTILINE)
    assert found is not None, instruction
    command: list[str] = json.loads(found[1])
    return command


def test_the_linter_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    checked = subprocess.run([hadolint, CONTAINERFILE], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout) == (0, "")


def test_it_copies_what_the_package_is_made_of() -> None:
    (files,) = re.findall(r"^COPY (.+) /source/$", TEXT, re.MULTILINE)
    assert all((CHECKOUT / name).is_file() for name in files.split())
    assert {"setup.py", "setup.cfg", "pyproject.toml"} <= set(files.split())
    setup = (CHECKOUT / "setup.cfg").read_text(encoding="utf-8")
    rooms = re.findall(r"^    streamchat\.(\w+) = (\w+)$", setup, re.MULTILINE)
    assert re.findall(r"^COPY (\w+) /source/(\w+)$", TEXT, re.MULTILINE) == [(folder, folder) for _, folder in rooms]


def test_its_packages_are_extras_that_there_are() -> None:
    (extras,) = re.findall(r"/source\[([a-z,]+)\]", TEXT)
    setup = (CHECKOUT / "setup.cfg").read_text(encoding="utf-8")
    assert all(f"\n{extra} =\n" in setup for extra in extras.split(","))


@pytest.mark.slow
def test_the_health_check_passes_against_a_server_and_fails_without(tmp_path: Path) -> None:
    name, *options = command_of("ENTRYPOINT")
    assert name == "streamchat"
    check = command_of("HEALTHCHECK")
    # As the image has it, but for the folder of the database and the port.
    options = [option.replace("sqlite:////data/", f"sqlite:///{tmp_path}/") for option in options]
    with serving(users_folder(tmp_path), *options, "--process-query", "answers:answer") as served:
        (port,) = re.findall(r" on http://0\.0\.0\.0:(\d+) ", served.start_lines[0])
        assert healthy(check, int(port))
    assert not healthy(check, free_port())


def healthy(check: list[str], port: int) -> bool:
    command = [sys.executable, *(part.replace("5001", str(port)) for part in check[1:])]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
