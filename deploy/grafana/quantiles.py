"""Panels of a histogram: its quantiles as lines, and its heat map. The overview and the door dashboard share them."""

from __future__ import annotations

from grafana_foundation_sdk.builders import heatmap, timeseries

from deploy.grafana.panels import Query, heat_panel, lines_panel
from deploy.grafana.queries import buckets, quantile

# Where more is worse people ask for the slow end, where less is worse for the slow end on the other side.
OF_WAITING = (0.5, 0.95, 0.99)
OF_SPEED = (0.05, 0.5, 0.95)

STAGES = {
    "accepted": "How long from a request to its turn, before it waits for a worker?",
    "queued": "How long do questions wait for a worker?",
    "processing": "How long do functions take, from their begin to their answer's begin?",
    "streaming": "How long from an answer's first chunk to its last?",
    "total": "How long from a request to its response's end?",
}


def quantiles_panel(
    title: str, question: str, name: str, *labels: str, unit: str = "s", shares: tuple[float, ...] = OF_WAITING
) -> timeseries.Panel:
    """A histogram's quantiles, a line each. ``shares`` between 0 and 1."""
    queries = [Query(quantile(share, name, *labels), f"p{share * 100:g}") for share in shares]
    return lines_panel(title, question, queries, unit)


def heat_map(title: str, question: str, name: str, *labels: str, unit: str = "s") -> heatmap.Panel:
    """A histogram's buckets over time."""
    return heat_panel(title, question, buckets(name, *labels), unit)


def stage_quantiles(stage: str, *labels: str) -> timeseries.Panel:
    """How long a stage takes."""
    title = f"Time: {stage}"
    return quantiles_panel(title, STAGES[stage], "stage_seconds", f'stage="{stage}"', *labels)


def stage_heat_map(stage: str, *labels: str) -> heatmap.Panel:
    """How a stage's times spread."""
    title = f"Spread: {stage}"
    return heat_map(title, f"{STAGES[stage]} Every turn counted.", "stage_seconds", f'stage="{stage}"', *labels)
