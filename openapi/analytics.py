"""Figures of the turns that there were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from streamchat.openapi.fields import Moment
from streamchat.openapi.operation import Answer, Operation
from streamchat.stores.analytics import By, Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals(Figures):
    """Figures of all turns in the period, and how often each error code ended one."""

    errors: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group(Figures):
    """Figures of the turns that have this in common."""

    group: str


# `from` is no name in Python.
AnalyticsReport = TypedDict(
    "AnalyticsReport",
    {
        "success": Literal[True],
        "from": Moment,
        "to": Moment,
        "by": By,
        "scope": Annotated[Literal["own", "all"], Field(description="`all` with an admin's token.")],
        "kept_days": int,
        "totals": Totals,
        "groups": list[Group],
        "is_cut": Annotated[bool, Field(description="There were more groups than are told.")],
    },
)

_SPREAD = {"p50": 2.5, "p95": 6.1}
_FIGURES = {
    "turns": 1,
    "callers": 1,
    "ends": {"complete": 1, "error": 0, "timeout": 0, "cancelled": 0, "client_gone": 0, "stalled": 0, "shutdown": 0},
    "characters": 400,
    "chunks": 20,
    "first_answer_seconds": _SPREAD,
    "characters_per_second": _SPREAD,
    "mean_seconds": {"accepted": 0.01, "queued": 0.0, "processing": 2.0, "streaming": 4.0, "total": 6.0},
}


def _report() -> dict[str, Any]:
    period = {"from": "2026-11-01T00:00:00+00:00", "to": "2026-11-02T00:00:00+00:00", "by": "day", "scope": "own"}
    figures = {"totals": {**_FIGURES, "errors": {}}, "groups": [{"group": "2026-11-01", **_FIGURES}]}
    return {"success": True, **period, "kept_days": 90, **figures, "is_cut": False}


ANALYTICS = Operation(
    at="GET /api/analytics",
    name="analytics",
    summary="How much was asked, how long people waited, how it ended",
    about="The caller's own turns; all callers' with an admin's token.",
    parameters=("from", "to", "by"),
    gives=(Answer(about="The figures.", shape=AnalyticsReport, example=_report),),
    codes=("invalid_request",),
)
