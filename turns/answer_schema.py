"""Is a user's answer what the function asked for? JSON Schema, by jsonschema; nothing is ever fetched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import Draft202012Validator, extend, validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

from streamchat.turns.inputs import InvalidInput

# A message of the library quotes the value, which may be long, and the schema.
MAX_PROBLEM_CHARACTERS = 300


def check_schema(schema: Any) -> None:  # noqa: ANN401 - any JSON value
    """Raises ValueError when this is no JSON schema."""
    if type(schema) not in (dict, bool):
        raise ValueError(f"not a JSON schema: {schema!r}"[:MAX_PROBLEM_CHARACTERS])
    try:
        validator_for(schema, default=Draft202012Validator).check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"not a JSON schema: {error.message[:MAX_PROBLEM_CHARACTERS]}") from error


def check_answer(value: Any, schema: Any) -> None:  # noqa: ANN401 - any JSON value
    """Raises InvalidInput, naming the problem. Without a schema (None) the answer is a text."""
    if schema is None:
        if not isinstance(value, str):
            raise InvalidInput("must be a text")
        return
    # A registry of its own: the default one would go to the network for a schema that it does not know.
    validator: Validator = _quick(validator_for(schema, default=Draft202012Validator))(schema, registry=Registry())
    try:
        error = next(validator.iter_errors(value), None)
    except (Unresolvable, RecursionError) as broken:
        raise InvalidInput(f"can't be compared with the schema: {broken}"[:MAX_PROBLEM_CHARACTERS]) from broken
    if error is not None:
        raise InvalidInput(f"at {error.json_path}: {error.message}"[:MAX_PROBLEM_CHARACTERS])


def as_json(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """The value in one spelling. Raises InvalidInput for what JSON and UTF-8 do not have."""
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False, sort_keys=True)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"is no JSON value: {error}"[:MAX_PROBLEM_CHARACTERS]) from error
    return text


@cache
def _quick(validator: type[Validator]) -> Any:  # noqa: ANN401 - the library has no types here
    """The same validator, but it finds what is twice in a list without comparing each item with all others."""
    return extend(validator, {"uniqueItems": _unique_items})  # type: ignore[no-untyped-call]


def _unique_items(validator: Validator, is_unique: bool, value: Any, _schema: Any) -> Iterator[ValidationError]:  # noqa: ANN401
    # The library's own takes two seconds of the loop for a list of objects that is as long as an input may be.
    if is_unique and validator.is_type(value, "array") and len(set(map(_alike, value))) < len(value):
        yield ValidationError(f"{value!r} has non-unique elements")


def _alike(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """One spelling for all that JSON Schema takes for equal: 1.0 is 1, and the order of members means nothing."""
    return json.dumps(json.loads(json.dumps(value), parse_float=_number), sort_keys=True)


def _number(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() else number
