"""Published text-segmentation sets (UAX #29, Golden Rules, Universal Dependencies, CommonMark), read where they lie."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def published() -> Callable[[str], list[dict[str, Any]]]:
    """Reads one set as a list of rows; skips when STREAMCHAT_TEXT_DATA is unset."""
    folder = os.environ.get("STREAMCHAT_TEXT_DATA")
    if not folder:
        pytest.skip("STREAMCHAT_TEXT_DATA names no folder with the published sets")
    return lambda name: [json.loads(line) for line in lines_of(Path(folder, f"{name}.jsonl"))]


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").rstrip("\n").split("\n")
