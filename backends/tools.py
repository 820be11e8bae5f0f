"""Python functions as tools of a model: what the model is told of them, from signature and docstring.

Knows no server, and does not run them.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter, validate_call
from pydantic.errors import PydanticUserError

MAX_TOOLS: Final = 128

# OpenAI's rule for the names of functions.
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class UnusableTools(Exception):
    """The list, or a function in it, can't serve; one sentence for whoever starts the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A function, its name and description, and the JSON schema of its arguments.

    ``call`` takes them by name, refuses what does not fit the signature with pydantic's ValidationError, and returns
    what the function returns: an awaitable if it is an ``async def``.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    call: Callable[..., Any]
    is_async: bool

    def as_json(self) -> dict[str, Any]:
        """The tool as a request lists it."""
        described = {"name": self.name, "description": self.description, "parameters": self.parameters}
        return {"type": "function", "function": described}


def load_tools(spec: str) -> tuple[Tool, ...]:
    """The tools of ``module:list``; () for "". Raises UnusableTools."""
    if not spec:
        return ()
    module_name, _, list_name = spec.partition(":")
    if not (module_name and list_name):
        raise UnusableTools(f"tools must be named as module:list, not {spec!r}")
    try:
        functions = getattr(importlib.import_module(module_name), list_name)
    except Exception as error:
        raise UnusableTools(f"{spec}: {type(error).__name__}: {error}") from error
    if not isinstance(functions, list | tuple):
        raise UnusableTools(f"{spec}: must be a list of functions, not {type(functions).__name__}")
    return tools_of(functions)


def tools_of(functions: Iterable[Callable[..., Any]]) -> tuple[Tool, ...]:
    """Raises UnusableTools, also for two tools of one name."""
    tools = tuple(map(tool_of, functions))
    names = [tool.name for tool in tools]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UnusableTools(f"two tools are named {twice[0]}")
    if len(tools) > MAX_TOOLS:
        raise UnusableTools(f"{len(tools)} tools, at most {MAX_TOOLS} are allowed")
    return tools


def tool_of(function: Callable[..., Any]) -> Tool:
    """The tool that a function is: its name, its docstring, and its arguments with their types, defaults and Fields.

    Raises UnusableTools.
    """
    name = getattr(function, "__name__", type(function).__name__)
    if not inspect.isroutine(function) or not _NAME.fullmatch(name):
        raise UnusableTools(f"{function!r} is no function with a name of letters, digits and underscores")
    return Tool(
        name=name,
        description=inspect.getdoc(function) or "",
        parameters=_schema(function, name),
        call=_checked(function, name),
        is_async=inspect.iscoroutinefunction(function),
    )


def _schema(function: Callable[..., Any], name: str) -> dict[str, Any]:
    try:
        schema = TypeAdapter(function).json_schema()  # type: ignore[arg-type] # pydantic's types know no functions
    except (PydanticUserError, NameError, TypeError) as error:
        first_line = str(error).partition("\n")[0]
        raise UnusableTools(f"the arguments of {name} have no JSON schema: {first_line}") from error
    if schema.get("type") != "object":
        raise UnusableTools(f"the arguments of {name} must all have names: a model can give no others")
    return schema


def _checked(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    try:
        return validate_call(function)
    except (PydanticUserError, NameError) as error:
        raise UnusableTools(f"{name} can't be called by name: {error}") from error
