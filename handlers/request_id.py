"""The id of the request that something is done for, wherever it is done: log lines have it. Imports nothing large."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context, ContextVar
from functools import partial

request_id: ContextVar[str] = ContextVar("request_id", default="-")


def carry_request_id(context: Context) -> Callable[[], object]:
    """What a worker process calls first that runs the function of the turn with this context: it can be pickled."""
    return partial(_enter, context.get(request_id, "-"))


def _enter(known: str) -> None:
    request_id.set(known)
