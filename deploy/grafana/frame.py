"""What all our dashboards have: a name that links can rely on, variables for the choice of servers, rows of panels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count

from grafana_foundation_sdk.builders import dashboard, heatmap, stat, timeseries
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from deploy.grafana.panels import DATA_SOURCE

OVERVIEW_UID, DOOR_UID = "streamchat-overview", "streamchat-door"

Panel = stat.Panel | timeseries.Panel | heatmap.Panel


def empty_dashboard(title: str, uid: str, rows: Mapping[str, Sequence[Panel]]) -> dashboard.Dashboard:
    """A dashboard of these rows for the last hour, by their titles; which servers it shows can be chosen."""
    made = (
        dashboard.Dashboard(title)
        .uid(uid)
        .tags(["streamchat"])
        .time("now-1h", "now")
        .refresh("30s")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .readonly()
        .with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
        .with_variable(_servers())
    )
    # Ids of our own: links to a panel stay right when Grafana loads the file again.
    ids = count(1)
    for row, panels in rows.items():
        made.with_row(dashboard.Row(row).id(next(ids)))
        for panel in panels:
            made.with_panel(panel.id(next(ids)))
    return made


def _servers() -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable("instance")
        .label("Server")
        .datasource(DATA_SOURCE)
        .query("label_values(streamchat_build_info, instance)")
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".+")
        .current(VariableOption(text="All", value="$__all"))
    )
