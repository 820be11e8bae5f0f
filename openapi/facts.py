"""In what the API of one server differs from that of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from streamchat.chunking.registry import Strategy
from streamchat.handlers.rooms import Rooms

MetricsHere = Literal["open", "bearer", "elsewhere"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """The version, the strategies that may be asked for, and who may read the metrics at this address."""

    version: str
    strategies: tuple[Strategy, ...]
    metrics: MetricsHere = "open"


def facts_of(rooms: Rooms, *, with_metrics: bool) -> ServerFacts:
    """The facts of the server that has these rooms."""
    return ServerFacts(
        version=rooms.version,
        strategies=tuple(rooms.strategies.get(name) for name in rooms.strategies.names()),
        metrics=rooms.limits.metrics_access if with_metrics else "elsewhere",
    )
