from typing import Any

import pytest

from streamchat.client.schema_answers import Field, NotAnAnswer, fields_of, hint_of, value_of


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        (" as typed ", None, " as typed "),
        ("5", {"type": "string"}, "5"),
        ("5", {"type": "integer"}, 5),
        (" 2.5 ", {"type": "number"}, 2.5),
        ("Yes", {"type": "boolean"}, True),
        ("否", {"type": "boolean"}, False),
        ("blue", {"enum": ["red", "blue"]}, "blue"),
        ("2", {"enum": ["red", "blue"]}, "blue"),
        ("2", {"enum": [2, 1]}, 2),
        ("true", {"enum": [True]}, True),
        ('{"a": [1]}', {"type": "object"}, {"a": [1]}),
        ("[1]", {"type": ["array", "null"]}, [1]),
        ("null", {"type": "null"}, None),
        ("1", True, 1),
    ],
)
def test_what_was_typed_becomes_what_the_schema_wants(text: str, schema: Any, value: Any) -> None:
    assert value_of(text, schema) == value
    assert type(value_of(text, schema)) is type(value)


@pytest.mark.parametrize(
    ("text", "schema", "said"),
    [
        ("x", {"type": "integer"}, "a whole number"),
        ("2.5", {"type": "integer"}, "a whole number"),
        ("nan", {"type": "number"}, "a number"),
        ("perhaps", {"type": "boolean"}, "yes or no"),
        ("3", {"enum": ["red", "blue"]}, "1: red  2: blue"),
        ("0", {"enum": ["red"]}, "1: red"),
        ("{", {"type": "object"}, "JSON"),
    ],
)
def test_what_cannot_be_such_a_value_is_said(text: str, schema: Any, said: str) -> None:
    with pytest.raises(NotAnAnswer, match=said):
        value_of(text, schema)


def test_the_properties_of_an_object_are_asked_one_by_one() -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}, "age": {}}, "required": ["name"]}
    assert fields_of(schema) == [Field("name", {"type": "string"}, True), Field("age", {}, False)]


@pytest.mark.parametrize("schema", [None, True, {}, {"type": "object"}, {"type": "object", "properties": []}])
def test_anything_else_is_one_value(schema: Any) -> None:
    assert fields_of(schema) == [Field("", schema, True)]


def test_the_hint_says_what_may_be_typed() -> None:
    assert [hint_of(schema) for schema in (None, {"type": "string"}, {"type": "array"}, {"enum": [1, "b"]})] == [
        "",
        "",
        "JSON",
        "1: 1  2: b",
    ]
