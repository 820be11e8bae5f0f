"""What is inside a drawn panel: a figure, lines or a heat map, in Grafana's colours. Knows no Prometheus."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator

from deploy.grafana.answers import Series, Span
from deploy.grafana.units import with_unit

PAPER, PANEL, TEXT, FAINT, LINES = "#111217", "#181b1f", "#d5d6dd", "#8e8f98", "#2c3036"
PALETTE = ("#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#f2495c", "#b877d9", "#8ab8ff", "#ffa6b0", "#37872d", "#c4162a")
STAT_COLOURS = {"green": "#73bf69", "red": "#f2495c"}
MOST_IN_LEGEND = 6
# Seconds between two ticks; the first that makes no more than seven of them is taken.
TICKS = (10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 10_800, 21_600, 86_400)


class Box(NamedTuple):
    """A place on the figure, in shares of its width and height, from the bottom left."""

    left: float
    bottom: float
    width: float
    height: float

    def within(self, left: float, bottom: float, right: float, top: float) -> Box:
        """What remains when so much is left free on each side."""
        return Box(self.left + left, self.bottom + bottom, self.width - left - right, self.height - bottom - top)


def draw_stat(figure: Figure, box: Box, panel: Mapping[str, Any], series: Sequence[Series]) -> None:
    """The last value, large, in the colour of its threshold, and its course beneath."""
    (only,) = series
    defaults = panel["fieldConfig"]["defaults"]
    last = [value for value in only.values if np.isfinite(value)][-1]
    reached = [step["color"] for step in defaults["thresholds"]["steps"] if last >= (step["value"] or 0)]
    colour, text = STAT_COLOURS[reached[-1]], with_unit(last, defaults["unit"])
    middle, line = box.left + box.width / 2, box.bottom + box.height * 0.68
    figure.text(middle, line, text, fontsize=20 if len(text) < 10 else 14, color=colour, ha="center", va="center")
    axes = figure.add_axes((box.left, box.bottom, box.width, box.height * 0.35))
    axes.set_axis_off()
    axes.fill_between(only.times, only.values, color=colour, alpha=0.25, linewidth=0)
    axes.plot(only.times, only.values, color=colour, linewidth=1)
    axes.set_ylim(bottom=0)


def draw_lines(figure: Figure, box: Box, panel: Mapping[str, Any], series: Sequence[Series], span: Span) -> None:
    """Series over time, stacked where the panel says so, and a legend with the last and the highest value of each."""
    defaults = panel["fieldConfig"]["defaults"]
    unit, is_stacked = defaults["unit"], defaults["custom"].get("stacking", {}).get("mode") == "normal"
    axes = _graph(figure, box, span)
    shown = [one for one in series if np.nan_to_num(one.values).any()]
    if len(panel["targets"]) == 1:  # several have an order of their own, such as p50, p95, p99
        shown.sort(key=_highest, reverse=True)
    floor = _Floor()
    for place, one in enumerate(shown or series[:1]):
        colour = PALETTE[place % len(PALETTE)]
        values = floor.put_on(one) if is_stacked else np.array(one.values)
        if is_stacked:
            axes.fill_between(one.times, floor.below, values, color=colour, alpha=0.35, linewidth=0)
        label = f"{one.name}  {with_unit(one.values[-1], unit)}, max {with_unit(_highest(one), unit)}"
        axes.plot(one.times, values, color=colour, linewidth=1.1, label=label if place < MOST_IN_LEGEND else None)
    axes.set_ylim(bottom=0, top=None if shown else 1)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: with_unit(value, unit)))
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(-0.14, -0.14),
        ncols=2,
        fontsize=6.8,
        frameon=False,
        labelcolor=TEXT,
        handlelength=1,
        columnspacing=1,
        labelspacing=0.25,
    )


def draw_heat(figure: Figure, box: Box, panel: Mapping[str, Any], series: Sequence[Series], span: Span) -> None:
    """How many fell into each bucket: rows are buckets, named by their upper bound; what is 0 is left out."""
    ordered = sorted(series, key=lambda one: float(one.labels["le"]))
    times = sorted({moment for one in ordered for moment in one.times})
    cumulative = np.array([np.interp(times, one.times, np.nan_to_num(one.values)) for one in ordered])
    counts = np.diff(cumulative, axis=0, prepend=0)
    counts[counts < 1e-9] = np.nan
    first, last = _filled(counts)
    axes = _graph(figure, box, span)
    shown = counts[first : last + 1]
    axes.pcolormesh(times, np.arange(first, last + 1) + 0.5, shown, cmap="turbo", shading="nearest")
    # A tick at the upper edge of each bucket, where its bound is.
    bounds = [float(one.labels["le"]) for one in ordered[first : last + 1]]
    unit = panel["options"]["yAxis"]["unit"]
    names = ["more" if np.isinf(bound) else with_unit(bound, unit) for bound in bounds]
    axes.set_yticks([place + 1 for place in range(first, last + 1)], names)
    axes.set_ylim(first, last + 1)


class _Floor:
    """The top of what has been stacked so far, by time: a series may begin later than another."""

    def __init__(self) -> None:
        self._tops: dict[float, float] = {}
        self.below: list[float] = []

    def put_on(self, series: Series) -> np.ndarray[Any, Any]:
        values = np.nan_to_num(series.values)
        self.below = [self._tops.get(moment, 0.0) for moment in series.times]
        tops = values + self.below
        self._tops.update(zip(series.times, tops, strict=True))
        return tops


def _graph(figure: Figure, box: Box, span: Span) -> Axes:
    axes = figure.add_axes(box, facecolor=PANEL)
    axes.spines[:].set_visible(False)
    axes.tick_params(colors=FAINT, length=0, labelsize=7)
    axes.grid(color=LINES, linewidth=0.6)
    axes.set_xlim(span.start, span.end)
    tick = next((tick for tick in TICKS if (span.end - span.start) / tick <= 7), TICKS[-1])
    clock = "%H:%M:%S" if tick < 60 else "%H:%M"
    axes.xaxis.set_major_locator(MultipleLocator(tick))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda moment, _: time.strftime(clock, time.localtime(moment))))
    return axes


def _filled(counts: np.ndarray[Any, Any]) -> tuple[int, int]:
    """The first and the last bucket with something in it, and one more on each side."""
    filled = [place for place in range(len(counts)) if np.isfinite(counts[place]).any()] or [0]
    return max(filled[0] - 1, 0), min(filled[-1] + 1, len(counts) - 1)


def _highest(series: Series) -> float:
    return float(np.nanmax(series.values)) if np.isfinite(series.values).any() else 0.0
