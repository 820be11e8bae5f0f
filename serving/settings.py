"""Every setting of the server in one frozen record; the command line has options of the same names."""

from __future__ import annotations

from dataclasses import dataclass

from streamchat.handlers.logs import LogFormat


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
    database_url: str = "sqlite:///streamchat.db"
    workers: str = "threads"
    max_running: int = 32
    max_queued: int = 128
    max_abandoned: int = 64
    process_timeout: float = 150.0
    linger: float = 30.0
    remember: float = 600.0
    keepalive: float = 15.0
    stall: float = 30.0
    drain: float = 20.0
    max_body_bytes: int = 1_048_576
    max_answer_characters: int = 4_000_000
    log_format: LogFormat = "text"
    log_level: str = "info"
