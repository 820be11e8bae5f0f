"""The package as pip installs it, in each of the ways that pip has."""

import shutil
import site
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.serving.served import CHECKOUT, answer_in, serving, users_folder

pytestmark = pytest.mark.slow

ANSWER = "handled: hi by the metrics of the user"
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "build", "*.egg-info", "__pycache__", "*.db", "tests")
WAYS = {
    "wheel": (),
    "editable": ("--editable",),
    "editable, strict": ("--config-settings", "editable_mode=strict", "--editable"),
}


def environment_with(folder: Path, way: tuple[str, ...]) -> Path:
    """A virtual environment with a copy of the checkout installed; the libraries are those that the tests run with."""
    source, environment = folder / "source", folder / "environment"
    shutil.copytree(CHECKOUT, source, ignore=LEFT_OUT)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "libraries.pth").write_text("\n".join(site.getsitepackages()))
    pip = [sys.executable, "-m", "pip", "--python", environment / "bin" / "python", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-build-isolation", *way, source], check=True)
    return environment / "bin"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("workers", ["threads", "processes"])
def test_the_installed_command_serves_a_users_function_beside_modules_of_our_names(
    tmp_path: Path, way: str, workers: str
) -> None:
    programs = environment_with(tmp_path, WAYS[way])
    folder = tmp_path / "user"
    folder.mkdir()
    command = (str(programs / "streamchat"),)
    options = ("--process-query", "answers:answer", "--workers", workers, "--max-running", "2")
    with serving(users_folder(folder), *options, command=command) as served:
        assert answer_in(served.post()) == ANSWER
        assert "<script" in httpx.get(served.url).text


def test_the_installed_client_says_what_it_can(tmp_path: Path) -> None:
    programs = environment_with(tmp_path, WAYS["wheel"])
    helped = subprocess.run([programs / "streamchat-client", "--help"], capture_output=True, text=True, check=True)
    assert "USERNAME MESSAGE" in helped.stdout
