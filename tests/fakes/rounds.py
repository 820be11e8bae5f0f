"""Rounds for what is made before a loop runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Any, cast

from streamchat.turns.rounds import Rounds


class RunningLoop:
    """Stands for the loop that runs when it is asked."""

    def call_soon(self, callback: Callable[[], None], context: Context | None = None) -> asyncio.Handle:
        return asyncio.get_running_loop().call_soon(callback, context=context)


def rounds_here() -> Rounds:
    """Rounds of whichever loop runs."""
    return Rounds(cast("Any", RunningLoop()))
