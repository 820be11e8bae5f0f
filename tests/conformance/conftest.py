"""Other people's clients in Node: their packages, once a run, and a way to run a script of this folder with them."""

import asyncio
import hashlib
import json
import shutil
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
BUILD = HERE.parents[1] / "build" / "conformance"
LEAST_NODE = 20

RunScript = Callable[..., Awaitable[Any]]


@pytest.fixture(scope="session")
def node() -> RunScript:
    """``await node("script.mjs", argument)``: what the script prints, which is JSON; the argument is, too."""
    _check_node()
    _install_packages()

    async def run(script: str, argument: Any) -> Any:
        process = await asyncio.create_subprocess_exec(
            "node", script, json.dumps(argument), cwd=BUILD, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        printed, complaints = await process.communicate()
        assert process.returncode == 0, complaints.decode()
        return json.loads(printed)

    return run


def _check_node() -> None:
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.removeprefix("v").partition(".")[0]) < LEAST_NODE:
        pytest.skip(f"node is older than {LEAST_NODE}: {version.strip()}")


def _install_packages() -> None:
    """Have in build/ what the lock file names, and the scripts beside it: Node looks for packages from there."""
    BUILD.mkdir(parents=True, exist_ok=True)
    for path in [*HERE.glob("*.mjs"), *HERE.glob("package*.json")]:
        shutil.copy(path, BUILD)
    wanted = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    installed = BUILD / "installed"
    if installed.exists() and installed.read_text() == wanted:
        return
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    npm = subprocess.run(command, cwd=BUILD, capture_output=True, text=True, check=False)
    assert npm.returncode == 0, npm.stderr
    installed.write_text(wanted)
