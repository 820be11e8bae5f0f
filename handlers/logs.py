"""How log lines look: text for people, JSON for shippers. Every line knows its request."""

from __future__ import annotations

import logging
from typing import Literal

from pythonjsonlogger.json import JsonFormatter

from streamchat.handlers.door import request_id

LogFormat = Literal["text", "json"]

# Their debug lines quote what they carry: prompts, answers, headers with keys.
_INDISCREET = ("aiosqlite", "openai", "httpcore")


class _RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if not hasattr(record, "request_id"):
            record.request_id = request_id.get()
        return True


def set_up_logging(log_format: LogFormat, level: str) -> None:
    """Send every record to standard error in ``log_format``."""
    handler = logging.StreamHandler()
    handler.addFilter(_RequestIdFilter())
    if log_format == "json":
        handler.setFormatter(
            JsonFormatter(
                "%(asctime)s %(levelname)s %(name)s %(message)s %(request_id)s",
                rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            )
        )
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"))
    # A log that can't be written (a closed pipe, a function that closed stderr) must not become an error of its own.
    logging.raiseExceptions = False
    # What our formats do not show is not looked up for each line.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _INDISCREET:
        logging.getLogger(name).setLevel(max(logging.INFO, logging.getLogger().level))
