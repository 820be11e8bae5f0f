"""Run one ``process_query`` to its one end: the same body in a thread, a process or a fleet.

Whatever the function does (return, yield, raise, exit) becomes facts and exactly one Ended.
"""

from __future__ import annotations

import asyncio
import inspect
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from typing import Any

from streamchat.turns.asking import Asking, UserInbox
from streamchat.turns.cancellation import QueryCancelled
from streamchat.turns.emitter import Emitter
from streamchat.turns.events import Answer, Ended
from streamchat.turns.pieces import emit_all, emit_async
from streamchat.turns.process_query import BoundFunction
from streamchat.turns.query import Query
from streamchat.turns.redaction import redacted
from streamchat.turns.reports import Reports
from streamchat.turns.whole_text import NotText, whole_text


def run_query(bound: BoundFunction, query: Query, emitter: Emitter) -> Ended:
    """Call the function and emit what it produces. Returns its end, and never raises."""
    try:
        _produce(bound.call(_arguments(query, emitter)), emitter)
    except BaseException as error:  # noqa: BLE001 - SystemExit in a worker thread would stop the whole server
        return _end_of(error, query, emitter)
    return Ended(cause="complete", code="complete")


async def run_query_here(bound: BoundFunction, query: Query, emitter: Emitter) -> Ended:
    """The same for an async function that never blocks, on the running loop. Cancel its task to stop it."""
    try:
        await _follow(bound.call(_arguments(query, emitter)), emitter)
    except BaseException as error:  # noqa: BLE001 - as in a worker
        return _end_of(error, query, emitter)
    return Ended(cause="complete", code="complete")


def _end_of(error: BaseException, query: Query, emitter: Emitter) -> Ended:
    """What an exception of the function means. Called while it is handled."""
    if isinstance(error, QueryCancelled | asyncio.CancelledError) and emitter.cancelled.is_set():
        return Ended(cause="cancelled", code="cancelled")
    if isinstance(error, NotText):
        return Ended(cause="error", code="processing_error", reason="not_text", detail=str(error))
    detail = redacted(traceback.format_exc(), query, emitter.mailbox.heard)
    return Ended(cause="error", code="processing_error", reason="raised", detail=detail)


def _arguments(query: Query, emitter: Emitter) -> dict[str, Any]:
    reports = Reports(emitter)
    return {
        **{name: getattr(query, name) for name in Query.__dataclass_fields__},
        "deadline": emitter.deadline,
        "cancelled": emitter.cancelled,
        "progress": reports.progress,
        "tool_call": reports.tool_call,
        "tool_result": reports.tool_result,
        "media": reports.media,
        "usage": reports.usage,
        "ask": Asking(emitter).ask,
        "inbox": UserInbox(emitter),
    }


def _produce(result: Any, emitter: Emitter) -> None:  # noqa: ANN401
    """Take the result in whatever shape it has; the shape of what came back decides, not of the function."""
    if isinstance(result, str):
        emitter.emit(Answer(text=whole_text(result)))
    elif inspect.isawaitable(result) or isinstance(result, AsyncIterator):
        _run_in_own_loop(partial(_follow, result, emitter), emitter)
    elif isinstance(result, Iterator):
        emit_all(result, emitter)
    else:
        raise NotText("returned", result)


async def _follow(result: Any, emitter: Emitter) -> None:  # noqa: ANN401
    """Take the result of an async function, on the loop that it is to run on; it may be awaited and then iterated."""
    if not isinstance(result, AsyncIterator) and inspect.isawaitable(result):
        result = await result
    if isinstance(result, AsyncIterator):
        await emit_async(result, emitter)
    elif isinstance(result, str):
        emitter.emit(Answer(text=whole_text(result)))
    else:
        raise NotText("returned", result)


def _run_in_own_loop(start: Callable[[], Awaitable[None]], emitter: Emitter) -> None:
    """Run a coroutine in a loop of this worker, so that a blocking call in it holds up nobody else.

    Setting the flag cancels the coroutine at its next await: an async function can always be stopped there.
    """

    async def run() -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None

        def stop() -> None:
            try:
                loop.call_soon_threadsafe(task.cancel)
            except RuntimeError:
                return  # the loop is closed: the coroutine has ended already

        emitter.cancelled.on_set(stop)
        await start()

    asyncio.run(run())
