"""Draws a dashboard from what a Prometheus answers, for those who have no Grafana at hand, and for the docs.

    python -m deploy.grafana.draw overview --prometheus http://127.0.0.1:9090 --minutes 60 --output overview.png
    python -m deploy.grafana.draw door --choose door=smart …

Panels lie where Grafana puts them, with the same titles, units and legends; needs matplotlib. Series that were 0 all
the time are not drawn, and of more than six the first six are in the legend.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from deploy.grafana.answers import Questioner, Span
from deploy.grafana.plots import FAINT, LINES, PANEL, PAPER, TEXT, Box, draw_heat, draw_lines, draw_stat

FOLDER = Path(__file__).resolve().parent / "dashboards"
INCHES_WIDE, COLUMNS, ROW_INCHES = 16.0, 24, 0.31


def main() -> None:
    """Draw as the command line says."""
    options = _options()
    now = time.time()
    span = Span(start=now - options.minutes * 60, end=now, scrape_seconds=options.scrape_seconds)
    questioner = Questioner(options.prometheus, span, dict(choice.split("=", 1) for choice in options.choose))
    draw(options.dashboard, questioner, options.output, options.rows)


def draw(name: str, questioner: Questioner, path: Path, rows_of_panels: int | None = None) -> None:
    """Draw the committed dashboard ``name`` as a PNG: all of it, or its first rows."""
    panels = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["panels"]
    starts = [panel["gridPos"]["y"] for panel in panels if panel["type"] == "row"]
    if rows_of_panels is not None and rows_of_panels < len(starts):
        panels = [panel for panel in panels if panel["gridPos"]["y"] < starts[rows_of_panels]]
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels)
    figure = Figure(figsize=(INCHES_WIDE, rows * ROW_INCHES), dpi=100, facecolor=PAPER)
    with mpl.rc_context({"text.color": TEXT, "font.size": 8, "font.family": ["DejaVu Sans"]}):
        for panel in panels:
            _draw_panel(figure, 1 / rows, panel, questioner)
        drawn = BytesIO()
        figure.savefig(drawn, format="png")
    with Image.open(drawn) as image:  # 256 colours are enough, and a third of the bytes
        image.convert("RGB").quantize(256).save(path, optimize=True)


def _draw_panel(figure: Figure, row: float, panel: Mapping[str, Any], questioner: Questioner) -> None:
    place, title = panel["gridPos"], questioner.put_in(panel["title"])
    height = place["h"] * row
    box = Box(place["x"] / COLUMNS, 1 - place["y"] * row - height, place["w"] / COLUMNS, height)
    top = box.bottom + box.height
    if panel["type"] == "row":
        figure.text(box.left + 0.005, top - row / 2, title, fontsize=11, weight="bold", va="center")
        return
    frame = box.within(0.002, row / 10, 0.002, row / 10)
    figure.add_artist(
        Rectangle(
            (frame.left, frame.bottom), frame.width, frame.height, facecolor=PANEL, edgecolor=LINES, lw=0.8, zorder=-1
        )
    )
    figure.text(box.left + 0.008, top - 0.8 * row, title, fontsize=9, weight="bold", va="center")
    series = questioner.ask(panel)
    if not any(np.isfinite(one.values).any() for one in series):
        middle = box.left + box.width / 2
        figure.text(middle, box.bottom + height / 2, "No data", color=FAINT, ha="center", va="center")
    elif panel["type"] == "stat":
        draw_stat(figure, box.within(0.008, 0.3 * row, 0.008, 1.2 * row), panel, series)
    elif panel["type"] == "heatmap":
        draw_heat(figure, box.within(0.048, 1.0 * row, 0.012, 1.6 * row), panel, series, questioner.span)
    else:
        draw_lines(figure, box.within(0.048, 2.7 * row, 0.012, 1.6 * row), panel, series, questioner.span)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Draw a dashboard from what a Prometheus answers.")
    parser.add_argument("dashboard", choices=sorted(path.stem for path in FOLDER.iterdir()))
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090", help="its address")
    parser.add_argument("--minutes", type=float, default=60.0, help="how far back")
    parser.add_argument("--scrape-seconds", type=float, default=15.0, help="how often it scrapes")
    parser.add_argument("--choose", action="append", default=[], metavar="VARIABLE=VALUE", help="such as door=smart")
    parser.add_argument("--rows", type=int, help="only so many rows of panels, from the top")
    parser.add_argument("--output", type=Path, required=True, help="the PNG to write")
    return parser.parse_args()


if __name__ == "__main__":
    main()
