"""Counts what happens at the doors, and what could not be kept. Knows no turn."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from prometheus_client import CollectorRegistry

from streamchat.metrics.doors import REQUEST_DOORS
from streamchat.metrics.series import Series

STATUSES = (
    "101",
    "200",
    "204",
    "400",
    "401",
    "403",
    "404",
    "405",
    "409",
    "410",
    "413",
    "415",
    "422",
    "429",
    "500",
    "503",
    "504",
)
# Why a message on a WebSocket may be refused: the error codes that can be the answer to one.
MESSAGE_REFUSALS = (
    "invalid_request",
    "unauthorized",
    "profile_not_found",
    "stream_not_found",
    "stream_gone",
    "no_input_expected",
    "conversation_busy",
    "rate_limited",
    "body_too_large",
    "overloaded",
    "shutting_down",
    "internal_error",
    "other",
)
RESUMES = ("resumed", "complete", "impossible")
ATTACHMENT_KINDS = ("image", "audio", "video", "text", "application")
FETCH_RESULTS = ("fetched", "forbidden", "unreachable", "timeout", "too_large", "wrong_type")


class DoorMetrics:
    """On the registry of the turns' metrics."""

    def __init__(self, registry: CollectorRegistry) -> None:
        series = Series(registry)
        self._requests = series.counters(
            "requests_total",
            "HTTP requests by outcome.",
            ("door", "status"),
            product(REQUEST_DOORS, (*STATUSES, "other")),
        )
        self._resumes = series.counters_by("resumes_total", "Resumed streams by result.", "result", RESUMES)
        self._message_refusals = series.counters_by(
            "socket_messages_refused_total", "Messages on WebSockets answered with an error.", "code", MESSAGE_REFUSALS
        )
        self._attachments = series.counters_by(
            "attachments_total", "Attachments of questions by their kind.", "kind", (*ATTACHMENT_KINDS, "other")
        )
        self._fetches = series.counters_by(
            "attachment_fetches_total", "Attachments fetched from URLs by result.", "result", FETCH_RESULTS
        )
        self._auth_failures = series.counter("auth_failures_total", "Requests without a valid token.")
        self._lost = series.counter("exchanges_lost_total", "Exchanges that could not be stored.")
        self._analytics_lost = series.counter("analytics_lost_total", "Records of turns that could not be stored.")

    def request_finished(self, door: str, status: int) -> None:
        """Count a request; a door or status that is in no list is counted as "other"."""
        known = self._requests.get((door, str(status)))
        (known or self._requests[_listed(door, REQUEST_DOORS), _listed(str(status), STATUSES)]).inc()

    def resumed(self, result: str) -> None:
        """Count an attempt to resume: "resumed", "complete" (nothing was missing) or "impossible"."""
        self._resumes[result].inc()

    def auth_failed(self) -> None:
        """Count a request without a valid token."""
        self._auth_failures.inc()

    def message_refused(self, code: str) -> None:
        """Count a message on a WebSocket that was answered with an error; an unlisted code is counted as "other"."""
        self._message_refusals[_listed(code, MESSAGE_REFUSALS)].inc()

    def attachment_taken(self, media_type: str) -> None:
        """Count an attachment that has passed its checks; an unlisted kind is counted as "other"."""
        self._attachments[_listed(media_type.partition("/")[0], ATTACHMENT_KINDS)].inc()

    def attachment_fetched(self, result: str) -> None:
        """Count an attempt to fetch an attachment: one of FETCH_RESULTS."""
        self._fetches[result].inc()

    def exchange_lost(self) -> None:
        """Count an exchange that the store did not take."""
        self._lost.inc()

    def analytics_lost(self) -> None:
        """Count a turn's record that the store did not take."""
        self._analytics_lost.inc()


def _listed(value: str, values: Sequence[str]) -> str:
    return value if value in values else "other"
