"""The environments that the measured servers run in, and what they and the machine are.

One has the pinned peers and the checkout as ``pip install .`` installs it, so compiled where there is a C compiler.
"""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
_LITELLM = "litellm[proxy]==1.106.2"
_PINS = Path(__file__).resolve().parent / "peers" / "requirements.txt"
_MADE_OF = "import streamchat.presenting.timeline as m; print(m.__file__)"
_VERSIONS = (
    "import json, importlib.metadata as m; print(json.dumps({d.name.lower(): d.version for d in m.distributions()}))"
)


def ready_python() -> Path:
    """The interpreter of the environment with the checkout as it is now, and the peers."""
    pins = _PINS.read_text(encoding="utf-8").splitlines()
    return _ready("bench-env", [f"{CHECKOUT}[openai]", *pins], sources=_sources())


def ready_litellm() -> Path:
    """The interpreter of LiteLLM's own environment: it pins what others need otherwise."""
    return _ready("litellm-env", [_LITELLM])


def made_of(python: Path) -> str:
    """Whether the installed modules that every frame goes through are machine code, in a word or two."""
    told = subprocess.run([str(python), "-c", _MADE_OF], cwd="/", check=True, capture_output=True, text=True)
    return "streamchat in plain Python" if told.stdout.strip().endswith(".py") else "streamchat compiled"


def _ready(name: str, requirements: Sequence[str], *, sources: str = "") -> Path:
    """An environment in build/, made or brought up to date when what it needs has changed."""
    folder = CHECKOUT / "build" / name
    wanted = [line for line in requirements if line and not line.startswith("#")]
    recipe = hashlib.sha256("\n".join([sys.version, *wanted, sources]).encode()).hexdigest()
    note, python = folder / "recipe", folder / "bin" / "python"
    if not note.exists() or note.read_text(encoding="ascii") != recipe:
        print(f"Installing what is measured into {folder.relative_to(CHECKOUT)} ...", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *wanted], check=True, stderr=subprocess.DEVNULL)
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


def _sources() -> str:
    """Changes with every source of the package."""
    settings = configparser.ConfigParser()
    settings.read(CHECKOUT / "setup.cfg", encoding="utf-8")
    rooms = [name.removeprefix("streamchat.") for name in settings["options"]["packages"].split()]
    patterns = ["*.py", "setup.cfg", "pyproject.toml", *(f"{room}/*.py" for room in rooms)]
    paths = sorted(path for pattern in patterns for path in CHECKOUT.glob(pattern))
    return hashlib.sha256(b"\n".join(path.read_bytes() for path in paths)).hexdigest()
