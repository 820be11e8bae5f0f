"""The environment that every measured server runs in, and what it and the machine are.

It has the pinned peers and what our own setup.cfg asks for; our code is the checkout's, never a copy.
"""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
FOLDER = CHECKOUT / "build" / "bench-env"
_PINS = Path(__file__).resolve().parent / "peers" / "requirements.txt"
_VERSIONS = (
    "import json, importlib.metadata as m; print(json.dumps({d.name.lower(): d.version for d in m.distributions()}))"
)


def ready_python() -> Path:
    """The environment's interpreter; the environment is made or brought up to date when its recipe has changed."""
    ours = _ours()
    recipe = hashlib.sha256("\n".join([sys.version, *ours, _PINS.read_text(encoding="utf-8")]).encode()).hexdigest()
    note, python = FOLDER / "recipe", FOLDER / "bin" / "python"
    if not note.exists() or note.read_text(encoding="ascii") != recipe:
        print(f"Installing the peers into {FOLDER.relative_to(CHECKOUT)} ...", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(FOLDER)], check=True)
        subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", *ours, "-r", str(_PINS)],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        note.write_text(recipe, encoding="ascii")
    return python


def versions(python: Path, packages: Iterable[str]) -> str:
    """``name version`` of each package, in order."""
    installed = json.loads(subprocess.run([str(python), "-c", _VERSIONS], check=True, capture_output=True).stdout)
    return ", ".join(f"{name} {installed[name]}" for name in dict.fromkeys(packages))


def machine() -> str:
    """Processor, cores, kernel and interpreter, on one line."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    model = models[0] if models else platform.machine()
    return f"{model}, {os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}"


def _ours() -> list[str]:
    settings = configparser.ConfigParser()
    settings.read(CHECKOUT / "setup.cfg", encoding="utf-8")
    return settings["options"]["install_requires"].split()
