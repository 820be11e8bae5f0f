"""Operations on what the server keeps, on how it does, and its pages."""

from __future__ import annotations

from typing import Any

from streamchat.handlers.analytics import AnalyticsDoor
from streamchat.handlers.conversations import ConversationDoor, ConversationsDoor, ProfilesDoor
from streamchat.handlers.description import DescriptionDoor
from streamchat.handlers.health import AliveDoor, HealthDoor, ReadyDoor
from streamchat.handlers.page import PageDoor
from streamchat.handlers.scrape import ScrapeDoor
from streamchat.openapi.answers import (
    Alive,
    AnalyticsReport,
    Conversation,
    ConversationForgotten,
    Conversations,
    Health,
    Profiles,
    Readiness,
)
from streamchat.openapi.examples import ANSWER, STREAM_ID
from streamchat.openapi.operation import JSON, PAGE, TEXT, Answer, Operation

METRICS_PATH = "/metrics"

_TIMES = {"created_at": "2026-11-02T08:00:00+00:00", "updated_at": "2026-11-02T08:05:00+00:00"}
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


def _conversations() -> dict[str, Any]:
    line = {"conversation_id": "chat_fZQh", "profile": "VitalikButerin", "title": "What is a rollup?", "exchanges": 1}
    return {"success": True, "conversations": [line | _TIMES]}


def _conversation() -> dict[str, Any]:
    said = {"stream_id": STREAM_ID, "profile": "VitalikButerin", "message": "What is a rollup?", "answer": ANSWER}
    exchange = {**said, "status": "complete", "created_at": _TIMES["created_at"]}
    return {"success": True, "conversation_id": "chat_fZQh", "exchanges": [exchange]}


def _profiles() -> dict[str, Any]:
    profile = {"username": "VitalikButerin", "display_name": "Vitalik Buterin"}
    told = {"suggestions": ["What is a rollup?"], "settings": {"door": "smart", "lang": "en"}}
    return {"success": True, "profiles": [profile | told]}


def _report() -> dict[str, Any]:
    period = {"from": "2026-11-01T00:00:00+00:00", "to": "2026-11-02T00:00:00+00:00", "by": "day", "scope": "own"}
    figures = {"totals": {**_FIGURES, "errors": {}}, "groups": [{"group": "2026-11-01", **_FIGURES}]}
    return {"success": True, **period, "kept_days": 90, **figures, "is_cut": False}


def _page(name: str, path: str, summary: str) -> Operation:
    page = Answer(about="The page.", media_type=PAGE)
    return Operation(name=name, door=PageDoor, method="get", path=path, tag="Pages", summary=summary, gives=(page,))


KEPT = (
    Operation(
        name="list_conversations",
        door=ConversationsDoor,
        method="get",
        path="/api/conversations",
        tag="History",
        summary="The caller's own conversations, the latest first",
        parameters=("limit",),
        gives=(Answer(about="The conversations.", shape=Conversations, example=_conversations),),
        codes=("invalid_request",),
    ),
    Operation(
        name="get_conversation",
        door=ConversationDoor,
        method="get",
        path="/api/conversations/{conversation_id}",
        tag="History",
        summary="What was said in a conversation",
        parameters=("conversation_id",),
        gives=(Answer(about="Its exchanges.", shape=Conversation, example=_conversation),),
        codes=("conversation_not_found",),
    ),
    Operation(
        name="forget_conversation",
        door=ConversationDoor,
        method="delete",
        path="/api/conversations/{conversation_id}",
        tag="History",
        summary="Forget a conversation",
        parameters=("conversation_id",),
        gives=(
            Answer(
                about="It is forgotten.",
                shape=ConversationForgotten,
                example=lambda: {"success": True, "conversation_id": "chat_fZQh"},
            ),
        ),
        codes=("conversation_not_found",),
    ),
    Operation(
        name="list_profiles",
        door=ProfilesDoor,
        method="get",
        path="/api/profiles",
        tag="History",
        summary="The profiles the caller may talk to",
        gives=(Answer(about="The profiles.", shape=Profiles, example=_profiles),),
    ),
    Operation(
        name="analytics",
        door=AnalyticsDoor,
        method="get",
        path="/api/analytics",
        tag="History",
        summary="How much was asked, how long people waited, how it ended",
        about="The caller's own turns; all callers' with an admin's token.",
        parameters=("from", "to", "by"),
        gives=(Answer(about="The figures.", shape=AnalyticsReport, example=_report),),
        codes=("invalid_request",),
    ),
)

WATCHING = (
    Operation(
        name="health",
        door=HealthDoor,
        method="get",
        path="/api/health",
        tag="Watching",
        summary="The numbers behind the readiness",
        gives=(Answer(about="The numbers.", shape=Health),),
    ),
    Operation(
        name="alive",
        door=AliveDoor,
        method="get",
        path="/healthz",
        tag="Watching",
        summary="Is it alive?",
        gives=(Answer(about="It is.", shape=Alive, example=lambda: {"status": "ok"}),),
    ),
    Operation(
        name="ready",
        door=ReadyDoor,
        method="get",
        path="/readyz",
        tag="Watching",
        summary="Would new turns go well?",
        gives=(
            Answer(about="They would.", shape=Readiness, example=lambda: {"status": "ready", "reasons": []}),
            Answer(
                about="They would not.",
                status=503,
                shape=Readiness,
                example=lambda: {"status": "not_ready", "reasons": ["draining: the server is shutting down"]},
            ),
        ),
    ),
    Operation(
        name="metrics",
        door=ScrapeDoor,
        method="get",
        path=METRICS_PATH,
        tag="Watching",
        summary="What Prometheus reads",
        gives=(Answer(about="The metrics; in the OpenMetrics format for who accepts that.", media_type=TEXT),),
    ),
)

PAGES = (
    _page("test_page", "/", "The test page; also at /streaming_test.html"),
    _page("analytics_page", "/analytics", "A page that shows the analytics"),
    _page("docs_page", "/docs", "A page to read this description"),
    Operation(
        name="description",
        door=DescriptionDoor,
        method="get",
        path="/openapi.json",
        tag="Pages",
        summary="This description",
        gives=(Answer(about="An OpenAPI document, version 3.1.", media_type=JSON),),
    ),
)
