"""How much of an answer has been shown, in tenths of a percent: a whole number, so that every wire tells the same."""

from __future__ import annotations

from typing import Final

PERMILLE: Final = 1_000


def permille_of(position: int, total: int) -> int:
    """How many tenths of a percent of ``total`` characters lie before ``position``; half of one counts as one."""
    return (2 * PERMILLE * position + total) // (2 * total)
