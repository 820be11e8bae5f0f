"""From what somebody typed to the value that a JSON schema wants. Pure, and no validator: the server judges."""

from __future__ import annotations

import json
import math
from typing import Any, NamedTuple

_YES, _NO = frozenset({"y", "yes", "true", "是"}), frozenset({"n", "no", "false", "否"})


class NotAnAnswer(Exception):
    """What was typed cannot be such a value; says what can."""


class Field(NamedTuple):
    """One value to ask for; ``name`` is empty when the whole answer is this value."""

    name: str
    schema: Any
    is_required: bool


def fields_of(schema: Any) -> list[Field]:  # noqa: ANN401 - any JSON value
    """The values to ask for, one after the other: the properties of an object, or the one value."""
    properties = schema.get("properties") if isinstance(schema, dict) and schema.get("type") == "object" else None
    if not isinstance(properties, dict) or not properties:
        return [Field("", schema, True)]
    required = schema.get("required")
    names = required if isinstance(required, list) else []
    return [Field(name, properties[name], name in names) for name in properties]


def hint_of(schema: Any) -> str:  # noqa: ANN401
    """What may be typed, in a few words; empty for a text."""
    if choices := _choices(schema):
        return "  ".join(f"{number}: {_shown(choice)}" for number, choice in enumerate(choices, 1))
    hints = {"boolean": "yes or no", "integer": "a whole number", "number": "a number", "string": "", "null": "null"}
    return hints.get(_type(schema), "JSON") if schema is not None else ""


def value_of(text: str, schema: Any) -> Any:  # noqa: ANN401
    """The value; NotAnAnswer when there is none."""
    if choices := _choices(schema):
        return _chosen(text.strip(), choices)
    kind = "string" if schema is None else _type(schema)
    if kind == "string":
        return text
    if kind == "boolean":
        return _yes_or_no(text.strip().lower())
    if kind == "integer":
        return _whole_number(text.strip())
    return _number(text.strip()) if kind == "number" else _json(text)


def _type(schema: Any) -> str:  # noqa: ANN401
    kind = schema.get("type") if isinstance(schema, dict) else None
    return kind if isinstance(kind, str) else ""


def _choices(schema: Any) -> list[Any]:  # noqa: ANN401
    choices = schema.get("enum") if isinstance(schema, dict) else None
    return choices if isinstance(choices, list) else []


def _chosen(text: str, choices: list[Any]) -> Any:  # noqa: ANN401
    """By its words, else by its number."""
    for choice in choices:
        if text == _shown(choice):
            return choice
    if text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= len(choices):
        return choices[int(text[:6]) - 1]
    raise NotAnAnswer(f"one of these, or its number: {hint_of({'enum': choices})}")


def _shown(choice: Any) -> str:  # noqa: ANN401
    return choice if isinstance(choice, str) else json.dumps(choice, ensure_ascii=False)


def _yes_or_no(text: str) -> bool:
    if text in _YES | _NO:
        return text in _YES
    raise NotAnAnswer("yes or no")


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise NotAnAnswer("a whole number") from None


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise NotAnAnswer("a number")
    return number


def _json(text: str) -> Any:  # noqa: ANN401
    try:
        return json.loads(text)
    except ValueError as error:
        raise NotAnAnswer(f"JSON, and this is none: {error}") from None
