"""One door in detail: what it is asked, where its time goes, how its streams flow. ``$door`` is the dashboard's choice.

Not every door has every stage: ``chat`` answers in one piece, ``streams`` opens no turn. Their panels stay empty.
"""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models.dashboard import VariableOption, VariableRefresh, VariableSort

from deploy.grafana.frame import DOOR_UID, OVERVIEW_UID, Panel, empty_dashboard
from deploy.grafana.overview import (
    CHARACTERS_SPEED,
    CHUNKS_SPEED,
    ENDS,
    NOT_THE_CLIENTS_WISH,
    PER_SECOND,
    REQUESTS,
    STAGE,
)
from deploy.grafana.panels import DATA_SOURCE, Query, lines_panel, link_to, stat_panel
from deploy.grafana.quantiles import OF_SPEED, STAGES, heat_map, quantiles_panel, stage_heat_map, stage_quantiles
from deploy.grafana.queries import mean, quantile, rate, share

DOOR = 'door="$door"'


def door() -> dashboard.Dashboard:
    """The door that is chosen, at all servers or those that are."""
    rows = {
        "$door: now": _now(),
        "$door: traffic": _traffic(),
        "$door: stages": _stages(),
        "$door: streaming": _streaming(),
    }
    made = empty_dashboard("streamchat: one door", DOOR_UID, rows)
    return made.with_variable(_doors()).link(link_to("Overview", OVERVIEW_UID))


def _now() -> Sequence[Panel]:
    per_minute = f"60 * {rate(REQUESTS, DOOR)}"
    well = share(rate(ENDS, DOOR, 'end="complete"'), rate(ENDS, DOOR, NOT_THE_CLIENTS_WISH))
    waiting = quantile(0.95, "first_chunk_seconds", DOOR)
    whole = quantile(0.95, STAGE, DOOR, 'stage="total"')
    speed = quantile(0.5, "streaming_characters_per_second", DOOR)
    sent = f"60 * {rate('streamed_characters_total', DOOR)}"
    gap = quantile(0.95, "chunk_gap_seconds", DOOR)
    processing = mean(STAGE, DOOR, 'stage="processing"')
    return (
        stat_panel("Requests a minute", "How much is asked?", per_minute, "none"),
        stat_panel(
            "Answered whole",
            "What share of answers that were wanted to the end came to it?",
            well,
            "percentunit",
            bad_to=0.9,
        ),
        stat_panel("Processing, mean", "How long does an answer take?", processing, "s"),
        stat_panel("First chunk, p95", "Who waits longest?", waiting, "s", bad_from=60),
        stat_panel("Total, p95", "Which responses take longest?", whole, "s"),
        stat_panel("Speed, median", "How fast can a stream be read?", speed, CHARACTERS_SPEED),
        stat_panel("Gap, p95", "Do streams stutter?", gap, "s"),
        stat_panel("Characters a minute", "How much text goes out?", sent, "short"),
    )


def _traffic() -> Sequence[Panel]:
    statuses = Query(rate(REQUESTS, DOOR, by="status"), "{{status}}")
    ends = Query(rate(ENDS, DOOR, by="end"), "{{end}}")
    causes = Query(rate("turns_total", DOOR, by="cause, reason"), "{{cause}}: {{reason}}")
    return (
        lines_panel("Requests by status", "What is asked, and what refused?", [statuses], "reqps", is_stacked=True),
        lines_panel("Ends of responses", "How did it end for the client?", [ends], PER_SECOND, is_stacked=True),
        lines_panel("Ends of the work", "How did the function end, and why?", [causes], PER_SECOND, is_stacked=True),
    )


def _stages() -> Sequence[Panel]:
    parts = Query(mean(STAGE, DOOR, 'stage!="total"', by="stage"), "{{stage}}")
    first = "How long until a client can read? Every one counted."
    return (
        *(stage_quantiles(stage, DOOR) for stage in STAGES),
        lines_panel("Where the time goes", "What is the mean of each stage?", [parts], "s", is_stacked=True),
        *(stage_heat_map(stage, DOOR) for stage in STAGES),
        heat_map("Spread: first chunk", first, "first_chunk_seconds", DOOR),
    )


def _streaming() -> Sequence[Panel]:
    sent = Query(rate("streamed_characters_total", DOOR), "characters")
    chunks = Query(rate("streamed_chunks_total", DOOR), "chunks")
    speed, chunk_speed, gap = "streaming_characters_per_second", "streaming_chunks_per_second", "chunk_gap_seconds"
    heard, read = "How long until a client sees that it was heard?", "How long until a client can read?"
    between = "How long between two chunks of one stream?"
    return (
        quantiles_panel("First frame", heard, "first_frame_seconds", DOOR),
        quantiles_panel("First chunk of the answer", read, "first_chunk_seconds", DOOR),
        quantiles_panel("Gap between chunks", f"{between} Do streams stutter?", gap, DOOR),
        quantiles_panel(
            "Speed in characters", "How fast can it be read?", speed, DOOR, unit=CHARACTERS_SPEED, shares=OF_SPEED
        ),
        quantiles_panel(
            "Speed in chunks", "How often does it move?", chunk_speed, DOOR, unit=CHUNKS_SPEED, shares=OF_SPEED
        ),
        heat_map("Spread: gap between chunks", f"{between} Every gap counted.", gap, DOOR),
        lines_panel("Characters sent", "How much text goes out?", [sent], CHARACTERS_SPEED),
        lines_panel("Chunks sent", "How many chunks go out?", [chunks], CHUNKS_SPEED),
        heat_map("Spread: speed", "How fast is each stream?", speed, DOOR, unit=CHARACTERS_SPEED),
    )


def _doors() -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable("door")
        .label("Door")
        .datasource(DATA_SOURCE)
        .query("label_values(streamchat_stream_ends_total, door)")
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .current(VariableOption(text="smart", value="smart"))
    )
