"""How log lines look: text for people, JSON for shippers. Every line knows its request."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from pythonjsonlogger.json import JsonFormatter

from streamchat.handlers.request_id import request_id

LogFormat = Literal["text", "json"]

# Their debug lines quote what they carry: prompts, answers, headers with keys.
_INDISCREET = ("aiosqlite", "openai", "httpcore", "httpcore2")
# Their info lines quote each address that is asked, and with it what a caller's URL holds.
_TALKATIVE = ("httpx", "httpx2")


class _RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if not hasattr(record, "request_id"):
            record.request_id = request_id.get()
        return True


class _TextFormatter(logging.Formatter):
    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - logging's name
        return iso_time(record)


class _JsonFormatter(JsonFormatter):
    """One object a line, whatever it carries: an exception is a string in it."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - logging's name
        return iso_time(record)


def iso_time(record: logging.LogRecord) -> str:
    """When it was, in UTC, with milliseconds (ISO 8601)."""
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def _json_line(fields: Mapping[str, Any], **options: Any) -> str:  # noqa: ANN401 - the formatter's own
    try:
        return json.dumps(fields, allow_nan=False, **options)
    except (TypeError, ValueError, RecursionError):
        # A function's own fields may be anything. What JSON has not is shown as Python shows it, and no line is lost.
        plain = {name: value if isinstance(value, str | None) else repr(value) for name, value in fields.items()}
        return json.dumps(plain, **options)


def set_up_logging(log_format: LogFormat, level: str) -> None:
    """Send every record to standard error in ``log_format``."""
    handler = logging.StreamHandler()
    handler.addFilter(_RequestIdFilter())
    if log_format == "json":
        handler.setFormatter(
            _JsonFormatter(
                "%(asctime)s %(levelname)s %(name)s %(message)s %(request_id)s",
                rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
                json_serializer=_json_line,
            )
        )
    else:
        handler.setFormatter(_TextFormatter("%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"))
    # A log that can't be written (a closed pipe, a function that closed stderr) must not become an error of its own.
    logging.raiseExceptions = False
    # What our formats do not show is not looked up for each line.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # What Python warns of belongs into the same lines.
    logging.captureWarnings(True)
    for names, least in ((_INDISCREET, logging.INFO), (_TALKATIVE, logging.WARNING)):
        for name in names:
            logging.getLogger(name).setLevel(max(least, logging.getLogger().level))
