from typing import Any

import pytest

from streamchat.turns.answer_schema import MAX_PROBLEM_CHARACTERS, as_json, check_answer, check_schema
from streamchat.turns.inputs import InvalidInput


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (None, ""),
        (None, "any text"),
        (True, {"any": "thing"}),
        ({}, None),
        ({"enum": ["yes", "no"]}, "no"),
        ({"type": "object", "required": ["a"]}, {"a": 1}),
        ({"$defs": {"n": {"type": "number"}}, "$ref": "#/$defs/n"}, 1.5),
        ({"$schema": "http://json-schema.org/draft-04/schema#", "maximum": 5, "exclusiveMaximum": True}, 4),
    ],
)
def test_what_the_schema_takes_is_an_answer(schema: Any, value: Any) -> None:
    check_answer(value, schema)


@pytest.mark.parametrize(
    ("schema", "value", "problem"),
    [
        (None, 1, "must be a text"),
        (None, None, "must be a text"),
        (False, 1, "at \\$: False schema does not allow 1"),
        ({"enum": ["yes", "no"]}, "maybe", r"at \$: 'maybe' is not one of \['yes', 'no'\]"),
        ({"items": {"type": "integer"}}, [1, "2"], r"at \$\[1\]: '2' is not of type 'integer'"),
        ({"$ref": "http://127.0.0.1:9/schema"}, 1, "can't be compared with the schema: Unresolvable"),
        ({"$ref": "#"}, 1, "can't be compared with the schema"),
    ],
)
def test_what_it_does_not_take_is_said_with_its_place(schema: Any, value: Any, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        check_answer(value, schema)


def test_a_problem_is_no_longer_than_a_reader_wants() -> None:
    with pytest.raises(InvalidInput) as refused:
        check_answer("x" * 5_000, {"type": "integer"})
    assert len(str(refused.value)) == MAX_PROBLEM_CHARACTERS


@pytest.mark.parametrize("schema", [{"type": "wizard"}, {"minimum": "a"}, [], "object", 5])
def test_what_is_no_schema_is_an_error_in_the_function(schema: Any) -> None:
    with pytest.raises(ValueError, match="not a JSON schema"):
        check_schema(schema)


def test_a_value_has_one_spelling() -> None:
    assert as_json({"b": [1], "a": "é"}) == as_json({"a": "é", "b": [1]}) == '{"a": "é", "b": [1]}'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a", "b"}, b"a", "\ud800", {"\udfff": 1}])
def test_what_json_and_utf_8_do_not_have_is_no_value(value: Any) -> None:
    with pytest.raises(InvalidInput, match="is no JSON value"):
        as_json(value)


def test_a_value_that_is_too_deep_is_none() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InvalidInput, match="is no JSON value"):
        as_json(deep)


@pytest.mark.parametrize(
    ("value", "is_unique"),
    [
        ([], True),
        ([1, True, "1", None, [], {}, 0, False, 1.5], True),
        ([1, 2, 1.0], False),
        ([{"a": 1, "b": [2]}, {"b": [2.0], "a": 1}], False),
        ("aa", True),
    ],
)
def test_what_is_twice_in_a_list_is_what_json_schema_takes_for_equal(value: Any, is_unique: bool) -> None:
    schema = {"uniqueItems": True}
    if is_unique:
        check_answer(value, schema)
    else:
        with pytest.raises(InvalidInput, match="has non-unique elements"):
            check_answer(value, schema)


def test_a_list_that_may_have_things_twice_may() -> None:
    check_answer([1, 1], {"uniqueItems": False})


def test_the_items_of_a_long_list_are_not_compared_with_each_other() -> None:
    compared = []

    class Number(int):
        def __eq__(self, other: object) -> bool:
            compared.append(other)
            return int(self) == other

        __hash__ = int.__hash__

    check_answer([{"n": Number(number)} for number in range(50)], {"uniqueItems": True})
    assert compared == []
