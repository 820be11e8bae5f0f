"""What the tests of the page take from npm, as package-lock.json here pins it; installed once, under build/."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FOLDER = HERE.parents[1] / "build" / "page-tests"


def installed(path: str) -> Path:
    """A file of a package, installed if it is not there as pinned. Skips the test where there is no npm."""
    lock = HERE / "package-lock.json"
    kept = FOLDER / lock.name
    found = FOLDER / "node_modules" / path
    if not found.exists() or not kept.exists() or kept.read_bytes() != lock.read_bytes():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("npm is not installed")
        FOLDER.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", lock.name):
            shutil.copy(HERE / name, FOLDER / name)
        subprocess.run([npm, "ci", "--silent", "--no-audit", "--no-fund"], cwd=FOLDER, check=True, timeout=300)
    return found
