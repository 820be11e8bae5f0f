"""The overview: is all well, who asks, how long do they wait, how do answers flow, and how much room is left."""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.grafana.frame import DOOR_UID, OVERVIEW_UID, Panel, empty_dashboard
from deploy.grafana.panels import Query, lines_panel, link_to, stat_panel
from deploy.grafana.quantiles import OF_SPEED, heat_map, quantiles_panel, stage_heat_map, stage_quantiles
from deploy.grafana.queries import CHAT_DOORS, OUR_PROCESSES, SERVERS, mean, quantile, rate, share, total

FIRING = 'ALERTS{alertname=~"Streamchat.+",alertstate="firing"}'
ENDS, REQUESTS, STAGE = "stream_ends_total", "requests_total", "stage_seconds"
# What a client ended itself is no failure of the answer.
NOT_THE_CLIENTS_WISH = 'end!~"cancelled|client_gone"'
CHARACTERS_SPEED = "suffix: chars/s"
CHUNKS_SPEED = "suffix: chunks/s"
TOKENS_SPEED = "suffix: tokens/s"
PER_SECOND = "suffix:/s"


def overview() -> Dashboard:
    """All servers, or those that are chosen."""
    rows = {
        "Now": _now(),
        "Traffic: who asks, and how does it end?": _traffic(),
        "Waiting: where does the time go?": _waiting(),
        "Streaming: how do answers flow?": _streaming(),
        "Capacity: how much room is left?": _capacity(),
    }
    return empty_dashboard("streamchat: overview", OVERVIEW_UID, rows).link(link_to("One door", DOOR_UID))


def _now() -> Sequence[Panel]:
    per_minute = f"60 * {rate(REQUESTS, CHAT_DOORS)}"
    well = share(rate(ENDS, 'end="complete"'), rate(ENDS, NOT_THE_CLIENTS_WISH))
    busy = share(total("workers_busy"), total("workers_limit"))
    gauge = f"avg(streamchat_average_processing_seconds{{{SERVERS}}})"
    return (
        stat_panel("Servers up", "How many answer Prometheus?", f"sum(up{{{OUR_PROCESSES}}})", "none", bad_to=1),
        stat_panel("Alerts", "How many alerts fire?", f"count({FIRING}) or vector(0)", "none", bad_from=1),
        stat_panel("Questions a minute", "How much is asked?", per_minute, "none"),
        stat_panel(
            "Answered whole",
            "What share of answers that were wanted to the end came to it?",
            well,
            "percentunit",
            bad_to=0.9,
        ),
        stat_panel("Processing, mean", "How long did the last 100 answers take each server?", gauge, "s"),
        stat_panel("First chunk, p95", "Who waits longest?", quantile(0.95, "first_chunk_seconds"), "s", bad_from=60),
        stat_panel("Open streams", "How many are being answered?", total("streams_active"), "none"),
        stat_panel("Workers busy", "What share of the workers runs a function?", busy, "percentunit", bad_from=0.9),
    )


def _traffic() -> Sequence[Panel]:
    questions = Query(rate(REQUESTS, CHAT_DOORS, by="door"), "{{door}}")
    ends = Query(rate(ENDS, by="end"), "{{end}}")
    statuses = Query(rate(REQUESTS, 'status=~"[45]..|other"', by="status"), "{{status}}")
    causes = Query(rate("turns_total", by="cause, reason"), "{{cause}}: {{reason}}")
    trouble = [
        Query(rate("auth_failures_total"), "tokens refused"),
        Query(rate("exchanges_lost_total"), "exchanges lost"),
        Query(rate("analytics_lost_total"), "records for analytics lost"),
        Query(rate("refused_connections_total"), "connections refused"),
        Query(rate("socket_messages_refused_total"), "messages on WebSockets refused"),
    ]
    alerts = Query(
        f'sum by (alertname) ({FIRING}) or label_replace(vector(0), "alertname", "none", "", "")', "{{alertname}}"
    )
    return (
        lines_panel("Questions by door", "Who asks, and where?", [questions], "reqps", is_stacked=True),
        lines_panel("Ends of responses", "How did it end for the client?", [ends], PER_SECOND, is_stacked=True),
        lines_panel("Ends of the work", "How did the function end, and why?", [causes], PER_SECOND, is_stacked=True),
        lines_panel("HTTP errors by status", "What is refused before it begins?", [statuses], "reqps"),
        lines_panel("Should be zero", "Is anything refused or lost?", trouble, PER_SECOND),
        lines_panel("Alerts that fire", "What should somebody look at?", [alerts], "short"),
    )


def _waiting() -> Sequence[Panel]:
    average = [
        Query(mean(STAGE, 'stage="processing"'), "mean of this moment"),
        Query(f"avg(streamchat_average_processing_seconds{{{SERVERS}}})", "mean of the last 100"),
    ]
    first_frame = "How long until a client sees that it was heard?"
    first_chunk = "How long until a client can read?"
    return (
        *(stage_quantiles(stage) for stage in ("accepted", "queued", "processing", "streaming", "total")),
        lines_panel("Average processing time", "How long does an answer take on average?", average, "s"),
        *(stage_heat_map(stage) for stage in ("processing", "streaming", "total")),
        quantiles_panel("First frame", first_frame, "first_frame_seconds"),
        quantiles_panel("First chunk of the answer", first_chunk, "first_chunk_seconds"),
        heat_map("Spread: first chunk", f"{first_chunk} Every one counted.", "first_chunk_seconds"),
    )


def _streaming() -> Sequence[Panel]:
    speed, chunks = "streaming_characters_per_second", "streaming_chunks_per_second"
    gap = "How long between two chunks of one stream?"
    sent = Query(rate("streamed_characters_total", by="door"), "{{door}}")
    tokens = Query(rate("tokens_total", by="kind"), "{{kind}}")
    inputs = Query(rate("inputs_total", by="result"), "{{result}}")
    resumes = Query(rate("resumes_total", by="result"), "{{result}}")
    attached = [
        Query(rate("attachments_total", by="kind"), "{{kind}}"),
        Query(rate("attachment_fetches_total", by="result"), "from URLs: {{result}}"),
    ]
    return (
        quantiles_panel(
            "Speed in characters", "How fast can a stream be read?", speed, unit=CHARACTERS_SPEED, shares=OF_SPEED
        ),
        quantiles_panel("Speed in chunks", "How often does a stream move?", chunks, unit=CHUNKS_SPEED, shares=OF_SPEED),
        lines_panel("Characters sent", "How much text goes out in all?", [sent], CHARACTERS_SPEED, is_stacked=True),
        lines_panel("Tokens", "What do the models read and write?", [tokens], TOKENS_SPEED),
        quantiles_panel("Gap between chunks", f"{gap} Do streams stutter?", "chunk_gap_seconds"),
        heat_map("Spread: gap between chunks", f"{gap} Every gap counted.", "chunk_gap_seconds"),
        lines_panel("Resumed streams", "Do clients that lost their connection come back?", [resumes], PER_SECOND),
        lines_panel("Questions to users", "What do functions ask, and do users answer?", [inputs], PER_SECOND),
        lines_panel("Attachments", "What comes with questions, and can it be fetched?", attached, PER_SECOND),
    )


def _capacity() -> Sequence[Panel]:
    workers = _totals("workers", ("busy", "free", "limit", "pool"))
    abandoned = _totals("workers", ("abandoned", "abandoned_limit"))
    turns = _totals("turns", ("running", "queued", "queued_limit", "in_line", "waiting_for_input"))
    open_now = [Query(total(name), legend) for name, legend in _OPEN.items()]
    memory = [
        Query(f"sum(process_resident_memory_bytes{{{OUR_PROCESSES}}})", "processes"),
        Query(total("log_bytes"), "logs of turns"),
        Query(total("attachment_bytes"), "attachments of questions"),
        Query(total("long_body_bytes"), "long requests on their way in"),
        Query(total("websocket_waiting_bytes"), "waiting for WebSockets' clients"),
    ]
    cpu = Query(f"rate(process_cpu_seconds_total{{{OUR_PROCESSES}}}[$__rate_interval])", "{{instance}}")
    files = [
        Query(f"process_open_fds{{{OUR_PROCESSES}}}", "{{instance}}"),
        Query(f"process_max_fds{{{OUR_PROCESSES}}}", "{{instance}}: limit"),
    ]
    lag = "How late does the event loop call back?"
    remembered = Query(total("turns_remembered"), "finished turns")
    uptime = Query(f"time() - process_start_time_seconds{{{OUR_PROCESSES}}}", "{{instance}}")
    return (
        lines_panel("Workers", "Is there a worker for the next question?", workers, "short"),
        lines_panel("Turns", "How long is the queue?", turns, "short"),
        lines_panel("Streams, readers, connections", "Who is there?", open_now, "short"),
        lines_panel("Memory", "How much memory, and how much of it for text?", memory, "bytes"),
        lines_panel("CPU", "How busy is each process? One core is 100 %.", [cpu], "percentunit"),
        lines_panel("Open files", "How near is the limit of open files?", files, "short"),
        quantiles_panel("Loop lag", lag, "loop_lag_seconds"),
        heat_map("Spread: loop lag", f"{lag} Every probe counted.", "loop_lag_seconds"),
        lines_panel("Abandoned workers", "How many functions run past their turn's end?", abandoned, "short"),
        lines_panel("Remembered turns", "How many can still be resumed?", [remembered], "short"),
        lines_panel("Uptime", "Since when does each server run?", [uptime], "s"),
    )


_OPEN = {
    "streams_active": "streams",
    "readers": "readers",
    "connections": "connections",
    "websockets": "WebSockets",
    "tickets": "tickets",
}


def _totals(room: str, names: Sequence[str]) -> list[Query]:
    return [Query(total(f"{room}_{name}"), name.replace("_", " ")) for name in names]
