"""Requests that something is done for, and what log lines know of them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from streamchat.handlers.request_id import request_id


@contextmanager
def requested(name: str) -> Iterator[None]:
    """What is begun in this block is done for the request of this name."""
    token = request_id.set(name)
    try:
        yield
    finally:
        request_id.reset(token)


@contextmanager
def records_with_an_id_of_their_own() -> Iterator[None]:
    """As a user's module may have it: https://docs.python.org/3/library/logging.html#logging.setLogRecordFactory."""
    factory = logging.getLogRecordFactory()

    def make(*arguments: object, **more: object) -> logging.LogRecord:
        record = factory(*arguments, **more)
        vars(record)["request_id"] = "theirs"
        return record

    logging.setLogRecordFactory(make)
    try:
        yield
    finally:
        logging.setLogRecordFactory(factory)


@contextmanager
def requests_of_lines(logger: str) -> Iterator[list[str]]:
    """The requests that the lines of this logger are made for, in order."""
    heard: list[str] = []

    def note(record: logging.LogRecord) -> bool:
        heard.append(request_id.get())
        return True

    logging.getLogger(logger).addFilter(note)
    try:
        yield heard
    finally:
        logging.getLogger(logger).removeFilter(note)
