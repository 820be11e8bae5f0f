"""Which of the two languages a question is in. Knows no model."""

from __future__ import annotations

import re

_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")


def is_chinese(text: str) -> bool:
    """Whether to answer in Chinese; one Han character among English words is enough, as in 什么是 rollup."""
    return _HAN.search(text) is not None
