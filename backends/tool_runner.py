"""Run tools for a model: in a thread, within a time, and to an outcome whatever happens. Knows no server.

A plain function runs in a thread of its own, an ``async def`` on the loop of the question, where it can be cancelled.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from streamchat.backends.tools import Tool

# Of what the model is told; a longer result is cut, and says so.
MAX_RESULT_CHARACTERS: Final = 50_000
# Threads of plain functions past their time, which nobody can stop. At this many, no other function is begun.
MAX_LEFT_BEHIND: Final = 32

_log = logging.getLogger(__name__)


class BadArguments(ValueError):
    """What the model gave is no JSON object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a call, as JSON has it, and as the model is told it."""

    result: Any
    told: str
    is_error: bool = False


# How a function ended: with what came of it, or with an exception of any kind.
_Ended = Outcome | BaseException


class ToolRunner:
    """Runs the tools of every question of this process; ``seconds`` is what one call may take."""

    def __init__(self, tools: Sequence[Tool], seconds: float) -> None:
        self.tools = tuple(tools)
        self._by_name = {tool.name: tool for tool in tools}
        self._seconds = seconds
        # Of all questions, each of which has a thread of its own.
        self._left_behind: set[Future[_Ended]] = set()
        self._lock = threading.Lock()

    async def run(self, name: str, arguments: object) -> Outcome:
        """Call the tool with the arguments that `arguments_of` has read. Never raises but when it is cancelled.

        The words of a ValueError are told to the model and the client: so a function says what is wrong with its
        arguments. Of any other exception only the type is; the log has where it came from.
        """
        tool = self._by_name.get(name)
        if tool is None:
            return failed(f"there is no tool {name[:100]!r}; there are: {', '.join(self._by_name) or 'none'}")
        if not isinstance(arguments, dict):
            return failed("the arguments must be a JSON object")
        try:
            ended = await self._end_of(tool, arguments)
        except TimeoutError:
            _log.warning("tool %s took longer than %g s", name, self._seconds)
            return failed(f"{name} took longer than {self._seconds:g} s")
        if ended is None:
            _log.error("tool %s was not begun: %d others are still running past their time", name, MAX_LEFT_BEHIND)
            return failed(f"{name} can't be used now: too many calls are still running")
        return ended if isinstance(ended, Outcome) else failed(_sentence(name, ended))

    @property
    def left_behind(self) -> int:
        """Functions that run on past their time."""
        with self._lock:
            self._left_behind = {future for future in self._left_behind if not future.done()}
            return len(self._left_behind)

    async def _end_of(self, tool: Tool, arguments: dict[str, Any]) -> _Ended | None:
        call = partial(tool.call, **arguments)
        if tool.is_async:
            return await asyncio.wait_for(_awaited(tool.name, call), self._seconds)
        if self.left_behind >= MAX_LEFT_BEHIND:
            return None
        return await self._in_thread(tool.name, call)

    async def _in_thread(self, name: str, call: Callable[[], Any]) -> _Ended:
        """Not in an executor: its end, and that of the process, would wait for a function that hangs."""
        future: Future[_Ended] = Future()
        context = copy_context()
        # A little later than the loop, which tells of it.
        until = time.monotonic() + self._seconds + 1.0

        def made() -> Outcome:
            # Here, not on the loop: a generator works only now, and a long result takes its time.
            value = call()
            return _outcome(name, _taken(value, until) if isinstance(value, Iterator) else value)

        def body() -> None:
            ended: _Ended
            try:
                ended = context.run(made)
            except BaseException as error:  # noqa: BLE001 - SystemExit and the like are an outcome too
                ended = error
            future.set_result(ended)

        threading.Thread(target=body, name=f"tool {name}", daemon=True).start()
        waiting = asyncio.wrap_future(future)
        try:
            return await asyncio.wait_for(asyncio.shield(waiting), self._seconds)
        except TimeoutError:
            with self._lock:
                self._left_behind.add(future)
            raise
        except asyncio.CancelledError:
            # The question is over only when its last function is: so the server knows what is still running.
            await asyncio.wait([waiting])
            raise


async def _awaited(name: str, call: Callable[[], Any]) -> _Ended:
    try:
        return _outcome(name, await call())
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # noqa: BLE001 - as in a thread
        return error


def _taken(items: Iterator[Any], until: float) -> list[Any]:
    """All that a generator gives; TimeoutError at the first item past its time, so that an endless one ends."""
    taken = []
    for item in items:
        if time.monotonic() > until:
            raise TimeoutError
        taken.append(item)
    return taken


def arguments_of(text: str) -> object:
    """The model's arguments, which may be any JSON; "" and null are none. Raises BadArguments."""
    try:
        arguments = json.loads(text) if text.strip() else None
    except (ValueError, RecursionError) as error:
        raise BadArguments(f"the arguments are not JSON: {error}") from None
    return {} if arguments is None else arguments


def failed(sentence: str) -> Outcome:
    """A call that failed, or was not made."""
    return Outcome(result=sentence, told=_whole(f"Error: {sentence}"), is_error=True)


def _outcome(name: str, value: object) -> Outcome:
    try:
        result = to_jsonable_python(value, inf_nan_mode="null")
        told = _whole(result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, allow_nan=False))
    except (ValueError, RecursionError):
        _log.error("tool %s returned %s, which JSON has not", name, type(value).__name__)
        return failed(f"{name} returned what can't be shown")
    if len(told) <= MAX_RESULT_CHARACTERS:
        return Outcome(result=result, told=told)
    cut = f"{told[:MAX_RESULT_CHARACTERS]}\n[cut: {len(told)} characters]"
    return Outcome(result=cut, told=cut)


def _whole(text: str) -> str:
    """Text that can be sent: a file's name, as Python has it, may hold lone surrogates. They become U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _sentence(name: str, error: BaseException) -> str:
    if isinstance(error, ValidationError):
        found = error.errors(include_url=False, include_input=False, include_context=False)
        return "; ".join(f"{'.'.join(map(str, one['loc'])) or name}: {one['msg']}" for one in found)[:1_000]
    if isinstance(error, ValueError):
        return f"{name}: {str(error)[:1_000] or type(error).__name__}"
    # Without its message, which may quote what was asked.
    where = "".join(traceback.format_tb(error.__traceback__)).rstrip()
    _log.warning("tool %s failed with %s\n%s", name, type(error).__name__, where)
    return f"{name} failed ({type(error).__name__})"
