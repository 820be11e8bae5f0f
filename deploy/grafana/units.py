"""Figures with their units, short enough for an axis: the few of Grafana's units that our panels use."""

from __future__ import annotations

from math import isfinite

_BYTES = ("B", "KiB", "MiB", "GiB", "TiB")


def with_unit(value: float, unit: str) -> str:
    """The value as Grafana would show it, roughly."""
    if not isfinite(value):
        return "–"
    match unit:
        case "s":
            return _seconds(value)
        case "bytes":
            return _bytes(value)
        case "percentunit":
            return f"{value * 100:.3g} %"
        case "reqps":
            return f"{value:.3g} req/s"
        case _ if unit.startswith("suffix:"):
            return f"{_short(value)} {unit.removeprefix('suffix:').strip()}"
        case _:
            return _short(value)


def _seconds(value: float) -> str:
    if value == 0 or value >= 3_600:
        return f"{value / 3_600:.3g} h" if value else "0 s"
    if value >= 60:
        return f"{value / 60:.3g} min"
    return f"{value:.3g} s" if value >= 1 else f"{value * 1_000:.3g} ms"


def _bytes(value: float) -> str:
    power = 0
    while abs(value) >= 1_024 and power < len(_BYTES) - 1:
        value /= 1_024
        power += 1
    return f"{value:.3g} {_BYTES[power]}"


def _short(value: float) -> str:
    return f"{value / 1_000:.3g} K" if abs(value) >= 1_000 else f"{round(value, 2):.4g}"
