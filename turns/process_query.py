"""The user's function: which of the arguments it names are given to it. Knows no executor."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

ProcessQuery = Callable[..., Any]

GIVEN = (
    "message",
    "username",
    "prompt",
    "prompt_mode",
    "system_prompt",
    "conversation_id",
    "history",
    "use_history",
    "profile",
    "user",
    "request_id",
    "attachments",
    "deadline",
    "cancelled",
    "progress",
    "tool_call",
    "tool_result",
    "media",
    "usage",
    "ask",
    "inbox",
)

# Whoever names one of these may be told something while it runs.
TAKE_INPUT = frozenset(("ask", "inbox"))

_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class UnusableFunction(TypeError):
    """The function can't be called with what streamchat gives; said at start-up, in one sentence."""


class BoundFunction:
    """A ``process_query`` together with the names it asks for.

    ``never_blocks`` is what an async function says of itself by an attribute of this name: it awaits whatever takes
    time, so it may run on the server's own loop and needs no thread. UnusableFunction when it is not async.

    ``attachment_types`` are patterns of the media types that it takes, as its attribute of that name says; all of them
    without one, and none for a function that does not name ``attachments``.
    """

    def __init__(self, function: ProcessQuery, name: str = "") -> None:
        self.function = function
        self.name = name or getattr(function, "__name__", type(function).__name__)
        self.wanted = wanted_arguments(function)
        self.never_blocks = bool(getattr(function, "never_blocks", False))
        if self.never_blocks and not (inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)):
            raise UnusableFunction("a process_query with never_blocks must be an async def")
        self.attachment_types = _attachment_types(function) if "attachments" in self.wanted else ()

    def call(self, available: Mapping[str, Any]) -> Any:  # noqa: ANN401 - the user's own result
        """Call the function with those of the available arguments that it names."""
        return self.function(**{name: available[name] for name in self.wanted})


def wanted_arguments(function: ProcessQuery) -> tuple[str, ...]:
    """The arguments from GIVEN that ``function`` names.

    Raises UnusableFunction when it is no function, when it needs an argument that nobody gives, or when it does not
    name ``message``.
    """
    if not callable(function):
        raise UnusableFunction(f"process_query must be callable, not {type(function).__name__}")
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError as error:
        raise UnusableFunction(f"the arguments of {function!r} can't be read: {error}") from error
    wanted = tuple(p.name for p in parameters if p.kind in _BY_NAME and p.name in GIVEN)
    unknown = [p.name for p in parameters if p.name not in wanted and _is_required(p)]
    if unknown:
        raise UnusableFunction(
            f"process_query needs {', '.join(map(repr, unknown))}, which streamchat does not give; "
            f"it gives: {', '.join(GIVEN)}"
        )
    if "message" not in wanted:
        raise UnusableFunction("process_query must name an argument 'message'")
    return wanted


def _attachment_types(function: ProcessQuery) -> tuple[str, ...]:
    types = getattr(function, "attachment_types", ("*/*",))
    if not isinstance(types, list | tuple | set | frozenset) or not all(isinstance(one, str) for one in types):
        raise UnusableFunction("attachment_types of process_query must be a list of media types, as in ['image/*']")
    return tuple(types)


def _is_required(parameter: inspect.Parameter) -> bool:
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return parameter.kind not in variadic and parameter.default is inspect.Parameter.empty
