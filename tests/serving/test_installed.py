"""The package as pip installs it, in each of the ways that pip has."""

import os
import re
import shutil
import site
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

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
PURE = {"STREAMCHAT_PURE": "1"}
NO_COMPILER = {"CC": "/nonexistent/cc"}
# Of the rooms that have something compiled, and of streams from their request to the last byte.
TESTS = (
    *(f"tests/{room}" for room in ("presenting", "wire", "turns", "backends")),
    "tests/chunking/test_characters.py",
    *(
        f"tests/handlers/test_{name}.py"
        for name in (
            "chat",
            "cuts",
            "delivery",
            "following",
            "golden_frames",
            "slow_connections",
            "streams",
            "tally",
            "websocket",
        )
    ),
)
MADE_OF = "import streamchat.presenting.timeline as m; print(m.__file__)"
HEADERS = Path(sysconfig.get_path("include"), "Python.h")


def environment_with(folder: Path, way: tuple[str, ...], variables: Mapping[str, str] = MappingProxyType({})) -> Path:
    """A virtual environment with a copy of the checkout installed; the libraries are those that the tests run with."""
    source, environment = folder / "source", folder / "environment"
    shutil.copytree(CHECKOUT, source, ignore=LEFT_OUT)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "libraries.pth").write_text("\n".join(site.getsitepackages()))
    pip = [sys.executable, "-m", "pip", "--python", environment / "bin" / "python", "--disable-pip-version-check"]
    install = [*pip, "install", "--quiet", "--no-deps", "--no-build-isolation", *way, source]
    subprocess.run(install, env={**os.environ, **variables}, check=True)
    return environment / "bin"


def is_compiled(programs: Path, folder: Path) -> bool:
    """Whether what is imported there is machine code."""
    told = subprocess.run([programs / "python", "-c", MADE_OF], cwd=folder, capture_output=True, text=True, check=True)
    return not told.stdout.strip().endswith(".py")


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


def compiled_modules() -> list[tuple[str, str]]:
    """Room and name of each module that setup.py names."""
    return re.findall(r'^    "(\w+)/(\w+)\.py",$', (CHECKOUT / "setup.py").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the wheel, on a machine with a C compiler."""
    if shutil.which("cc") is None or not HEADERS.is_file():
        pytest.skip("there is no C compiler, or there are no headers of Python")
    return environment_with(tmp_path_factory.mktemp("compiled"), WAYS["wheel"])


def test_all_that_is_to_be_compiled_is_in_the_wheel(compiled: Path) -> None:
    (packages,) = (compiled.parent / "lib").glob("python*/site-packages")
    modules = compiled_modules()
    assert len(modules) > 10
    assert all(list(packages.glob(f"streamchat/{room}/{module}.*.so")) for room, module in modules)


def test_all_that_is_to_be_compiled_has_tests_that_run_with_it() -> None:
    for room, module in compiled_modules():
        assert {f"tests/{room}", f"tests/{room}/test_{module}.py"} & {*TESTS}, f"{room}/{module}.py"


@pytest.mark.parametrize(
    ("way", "variables"),
    [("wheel", PURE), ("wheel", NO_COMPILER), ("editable", {})],
    ids=["asked", "no cc", "editable"],
)
def test_it_stays_plain_python_where_that_is_asked_for_or_has_to_be(
    tmp_path: Path, way: str, variables: dict[str, str]
) -> None:
    assert not is_compiled(environment_with(tmp_path, WAYS[way], variables), tmp_path)


def test_it_stays_plain_python_when_a_module_cannot_be_compiled(tmp_path: Path) -> None:
    compiler = tmp_path / "cc"
    compiler.write_text('#!/bin/sh\ncase "$*" in *turns/ticker.c*) exit 1 ;; esac\nexec cc "$@"\n')
    compiler.chmod(0o755)
    assert not is_compiled(environment_with(tmp_path, WAYS["wheel"], {"CC": str(compiler)}), tmp_path)


def test_it_stays_plain_python_when_it_cannot_be_translated(tmp_path: Path) -> None:
    # As mypyc does at an error of types, which another version of it may find.
    giving_up = tmp_path / "mypyc"
    giving_up.mkdir()
    (giving_up / "__init__.py").touch()
    (giving_up / "build.py").write_text("raise SystemExit('can not do it')\n")
    assert not is_compiled(environment_with(tmp_path, WAYS["wheel"], {"PYTHONPATH": str(tmp_path)}), tmp_path)


def test_the_tests_of_what_is_compiled_pass_with_it_too(compiled: Path, tmp_path: Path) -> None:
    for name in ("tests", "docs", "setup.cfg", "pyproject.toml"):
        (tmp_path / name).symlink_to(CHECKOUT / name)
    assert is_compiled(compiled, tmp_path)
    command = [compiled / "python", "-m", "pytest", "-m", "not slow", *TESTS]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-5_000:]
