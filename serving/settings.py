"""Every setting of the server in one frozen record; the command line has options of the same names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from streamchat.handlers.attachment_rules import AttachmentRules
from streamchat.handlers.fetching import FETCH_SECONDS, is_host
from streamchat.handlers.logs import LogFormat
from streamchat.handlers.media_types import is_pattern
from streamchat.handlers.rooms import DoorLimits, MetricsAccess
from streamchat.turns.book import BookLimits
from streamchat.turns.query import OnBusy, TurnLimits
from streamchat.turns.work_queue import ExecutorLimits
from streamchat.turns.worker_process import START_SECONDS

# The rooms own their knobs and defaults; here they get the names and the words that a user meets.
_EXECUTOR, _TURN, _BOOK, _DOORS = ExecutorLimits(), TurnLimits(), BookLimits(), DoorLimits()
_ATTACHMENTS = AttachmentRules()


class CannotStart(Exception):
    """An impossible setting; the message is one sentence for whoever starts the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Seconds, bytes, characters and counts, with their defaults. Filled once, read by the composition only."""

    host: str = "127.0.0.1"
    port: int = 5001
    process_query: str | None = None
    token: tuple[str, ...] = ()
    tokens_file: str | None = None
    admin: tuple[str, ...] = ()
    database_url: str = "sqlite:///streamchat.db"
    workers: str = "threads"
    max_running: int = _EXECUTOR.max_running
    max_queued: int = _EXECUTOR.max_queued
    max_abandoned: int = _EXECUTOR.max_abandoned
    start_timeout: float = START_SECONDS
    process_timeout: float = _DOORS.process_timeout_seconds
    linger: float = _TURN.linger_seconds
    remember: float = _BOOK.remember_seconds
    input_timeout: float = _TURN.inputs.question_seconds
    max_input_characters: int = _TURN.inputs.max_input_characters
    on_busy: OnBusy = _DOORS.on_busy
    keepalive: float = _DOORS.keepalive_seconds
    stall: float = _DOORS.stall_seconds
    drain: float = 20.0
    slow_turn: float = 120.0
    max_body_bytes: int = _DOORS.max_body_bytes
    max_attachments: int = _ATTACHMENTS.max_count
    max_attachment_bytes: int = _ATTACHMENTS.max_bytes
    max_total_attachment_bytes: int = _ATTACHMENTS.max_total_bytes
    attachment_types: tuple[str, ...] = _ATTACHMENTS.media_types
    fetch_attachments: tuple[str, ...] = ()
    fetch_timeout: float = FETCH_SECONDS
    max_connections: int = 10_000
    max_answer_characters: int = _TURN.max_answer_characters
    analytics_days: int = _DOORS.analytics_days
    ticket_lifetime: float = _DOORS.ticket_seconds
    max_socket_turns: int = _DOORS.max_socket_turns
    max_socket_messages: int = _DOORS.max_socket_messages
    allowed_origins: tuple[str, ...] = _DOORS.allowed_origins
    metrics_access: MetricsAccess = _DOORS.metrics_access
    metrics_address: str | None = None
    otel: bool = False
    log_format: LogFormat = "text"
    log_level: str = "info"

    def __post_init__(self) -> None:
        """Refuse what the command line's types would refuse. Raises CannotStart."""
        if self.workers not in ("threads", "processes"):
            raise CannotStart(f"workers must be threads or processes, not {self.workers!r}")
        if self.on_busy not in get_args(OnBusy):
            raise CannotStart(f"on_busy must be one of {', '.join(get_args(OnBusy))}, not {self.on_busy!r}")
        if self.metrics_access not in ("open", "bearer"):
            raise CannotStart(f"metrics_access must be open or bearer, not {self.metrics_access!r}")
        if self.metrics_address is not None:
            host_and_port(self.metrics_address)
        for pattern in self.attachment_types:
            if not is_pattern(pattern):
                raise CannotStart(f"attachment_types must be media types, as in image/png or image/*, not {pattern!r}")
        for host in self.fetch_attachments:
            if not is_host(host):
                raise CannotStart(f"fetch_attachments must be HOST, HOST:PORT or any, not {host!r}")
        for name in (
            "max_running",
            "start_timeout",
            "process_timeout",
            "input_timeout",
            "max_input_characters",
            "keepalive",
            "stall",
            "max_body_bytes",
            "max_attachments",
            "max_attachment_bytes",
            "max_total_attachment_bytes",
            "fetch_timeout",
            "max_answer_characters",
            "max_connections",
            "ticket_lifetime",
            "max_socket_turns",
            "max_socket_messages",
        ):
            if not getattr(self, name) > 0:
                raise CannotStart(f"{name} must be more than 0")
        for name in ("max_queued", "max_abandoned", "linger", "remember", "drain", "slow_turn", "analytics_days"):
            if not getattr(self, name) >= 0:
                raise CannotStart(f"{name} must be 0 or more")


def host_and_port(address: str) -> tuple[str, int]:
    """The two parts of ``HOST:PORT``; an IPv6 host stands in brackets. Raises CannotStart."""
    host, separator, port = address.rpartition(":")
    is_port = port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65_535
    is_host = bool(host) and (":" not in host or (host.startswith("[") and host.endswith("]")))
    if not (separator and is_port and is_host):
        raise CannotStart(f"--metrics-address must be HOST:PORT, not {address!r}")
    return host.strip("[]"), int(port)
