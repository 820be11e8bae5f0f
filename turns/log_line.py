"""Log lines about a turn, wherever they are made: each is known by the request that the turn is for."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamchat.turns.turn import Turn


def log_line(
    logger: logging.Logger,
    level: int,
    turn: Turn,
    words: str,
    *arguments: object,
    error: BaseException | None = None,
    fields: Mapping[str, object] | None = None,
) -> None:
    """Log in the turn's context, and in a copy, because its function may be running in it.

    ``fields`` are for JSON logs. The request's id is none of them: a record factory of the user's may have set one of
    that name, and logging raises KeyError for a field that a record has already.
    """
    turn.context.copy().run(partial(logger.log, level, words, *arguments, exc_info=error, extra=fields))
