"""The kinds of panels that our dashboards are made of, with one look. Knows Grafana, and none of our metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common, dashboard, heatmap, prometheus, stat, timeseries
from grafana_foundation_sdk.models import common as look
from grafana_foundation_sdk.models import heatmap as heat
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    Threshold,
    ThresholdsMode,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

DATA_SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
# In columns, of which Grafana has 24, and rows of about 30 pixels.
STAT_WIDTH, STAT_HEIGHT = 3, 4
GRAPH_WIDTH, GRAPH_HEIGHT = 8, 8


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression and how its series are called: ``{{label}}`` stands for a label's value."""

    expression: str
    legend: str


def stat_panel(
    title: str, question: str, expression: str, unit: str, *, bad_from: float | None = None, bad_to: float | None = None
) -> stat.Panel:
    """One figure: green, or red from ``bad_from`` on or below ``bad_to``. ``question`` is what it answers."""
    return (
        stat.Panel()
        .title(title)
        .description(question)
        .datasource(DATA_SOURCE)
        .span(STAT_WIDTH)
        .height(STAT_HEIGHT)
        .unit(unit)
        .decimals(_decimals(unit))
        .thresholds(_thresholds(bad_from, bad_to))
        .color_mode(look.BigValueColorMode.VALUE)
        .graph_mode(look.BigValueGraphMode.AREA)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .with_target(_target(Query(expression, title), 0))
    )


def lines_panel(
    title: str, question: str, queries: Sequence[Query], unit: str, *, is_stacked: bool = False
) -> timeseries.Panel:
    """Series over time, each with its last and highest value. A stacked one is for parts of a whole."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(question)
        .datasource(DATA_SOURCE)
        .span(GRAPH_WIDTH)
        .height(GRAPH_HEIGHT)
        .unit(unit)
        .min(0)
        .line_width(1)
        .fill_opacity(35 if is_stacked else 8)
        .show_points(look.VisibilityMode.NEVER)
        .tooltip(common.VizTooltipOptions().mode(look.TooltipDisplayMode.MULTI).sort(look.SortOrder.DESCENDING))
        .legend(
            common.VizLegendOptions()
            .display_mode(look.LegendDisplayMode.TABLE)
            .placement(look.LegendPlacement.BOTTOM)
            .show_legend(True)
            .calcs(["lastNotNull", "max"])
        )
    )
    if is_stacked:
        panel.stacking(common.StackingConfig().mode(look.StackingMode.NORMAL))
    for place, query in enumerate(queries):
        panel.with_target(_target(query, place))
    return panel


def heat_panel(title: str, question: str, expression: str, unit: str) -> heatmap.Panel:
    """How many fell into each bucket, over time. ``expression`` gives one series a bucket, by ``le``."""
    return (
        heatmap.Panel()
        .title(title)
        .description(question)
        .datasource(DATA_SOURCE)
        .span(GRAPH_WIDTH)
        .height(GRAPH_HEIGHT)
        .calculate(False)
        .color(heatmap.HeatmapColorOptions().mode(heat.HeatmapColorMode.SCHEME).scheme("Turbo").steps(64))
        .filter_values(heatmap.FilterValueRange().le(1e-9))
        .rows_frame(heatmap.RowsHeatmapOptions().layout(look.HeatmapCellLayout.AUTO))
        .y_axis(heatmap.YAxisConfig().unit(unit))
        .show_y_histogram()
        .show_legend()
        .with_target(_target(Query(expression, "{{le}}"), 0).format(PromQueryFormat.HEATMAP))
    )


def link_to(title: str, uid: str) -> dashboard.DashboardLink:
    """A link to another of our dashboards that keeps the time and the servers that were chosen."""
    return dashboard.DashboardLink(title).url(f"/d/{uid}").include_vars(True).keep_time(True)


def _target(query: Query, place: int) -> prometheus.Dataquery:
    return (
        prometheus.Dataquery()
        .datasource(DATA_SOURCE)
        .expr(query.expression)
        .legend_format(query.legend)
        .ref_id(chr(ord("A") + place))
        .range()
    )


def _thresholds(bad_from: float | None, bad_to: float | None) -> dashboard.ThresholdsConfig:
    steps = [Threshold(value=None, color="green" if bad_to is None else "red")]
    if bad_to is not None:
        steps.append(Threshold(value=bad_to, color="green"))
    if bad_from is not None:
        steps.append(Threshold(value=bad_from, color="red"))
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


def _decimals(unit: str) -> int:
    return 0 if unit in ("none", "short") else 1
