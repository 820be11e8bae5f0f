"""How the server does: for probes, Prometheus and whoever looks after it."""

from __future__ import annotations

from functools import partial
from typing import Literal

from typing_extensions import TypedDict

from streamchat.handlers.rooms import DoorLimits
from streamchat.openapi.bodies import TEXT
from streamchat.openapi.fields import Done
from streamchat.openapi.operation import Answer, Operation, Section
from streamchat.turns.work_queue import ExecutorStatistics

METRICS_PATH = "/metrics"


class Alive(TypedDict):
    """The server answers."""

    status: Literal["ok"]


class Readiness(TypedDict):
    """Whether new turns would go well, and why not."""

    status: Literal["ready", "not_ready"]
    reasons: list[str]


class TurnCounts(TypedDict):
    """How many turns there are."""

    running: int
    remembered: int


class ConnectionCounts(TypedDict):
    """Connections: open now, refused since the start, and how many of the open ones are WebSockets."""

    open: int
    refused: int
    websockets: int


class LoopLagSeconds(TypedDict):
    """How late the server's loop has been of late."""

    mean: float
    highest: float


class Health(Done):
    """The numbers behind the readiness."""

    status: Literal["ready", "not_ready"]
    reasons: list[str]
    version: str
    uptime_seconds: float
    backend: str
    store: str
    workers: ExecutorStatistics
    turns: TurnCounts
    log_bytes: int
    readers: int
    connections: ConnectionCounts
    loop_lag_seconds: LoopLagSeconds
    limits: DoorLimits


def _ready(*reasons: str) -> Readiness:
    return {"status": "not_ready" if reasons else "ready", "reasons": list(reasons)}


WATCHING = Section(
    name="Watching",
    about="How the server does.",
    operations=(
        Operation(
            at="GET /api/health",
            name="health",
            summary="The numbers behind the readiness",
            gives=(Answer(about="The numbers.", shape=Health),),
        ),
        Operation(
            at="GET /healthz",
            name="alive",
            summary="Is it alive?",
            gives=(Answer(about="It is.", shape=Alive, example=lambda: {"status": "ok"}),),
        ),
        Operation(
            at="GET /readyz",
            name="ready",
            summary="Would new turns go well?",
            gives=(
                Answer(about="They would.", shape=Readiness, example=_ready),
                Answer(
                    about="They would not.",
                    status=503,
                    shape=Readiness,
                    example=partial(_ready, "draining: the server is shutting down"),
                ),
            ),
        ),
        Operation(
            at=f"GET {METRICS_PATH}",
            name="metrics",
            summary="What Prometheus reads",
            gives=(Answer(about="The metrics; in the OpenMetrics format for who accepts that.", media_type=TEXT),),
        ),
    ),
)
