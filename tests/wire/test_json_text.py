import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from streamchat.wire.json_text import to_json

WHOLE_TEXT = some.text(some.characters(exclude_categories=["Cs"]))
JSON = some.recursive(
    some.none() | some.booleans() | some.integers(-(2**63), 2**63) | WHOLE_TEXT,
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(WHOLE_TEXT, inner, max_size=4),
)


def test_chinese_and_emoji_stay_readable_and_a_slash_is_a_slash() -> None:
    assert to_json({"data": "你好 😀 https://a/b é"}) == '{"data":"你好 😀 https://a/b é"}'


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("\u0085", '"\\u0085"'),
        ("\u2028", '"\\u2028"'),
        ("\u2029", '"\\u2029"'),
        ("你\u2028好\u0085。\u2029", '"你\\u2028好\\u0085。\\u2029"'),
        ("\r\n\t\x0b\x0c\x1c\x1e", '"\\r\\n\\t\\u000b\\f\\u001c\\u001e"'),
        ('"\\', '"\\"\\\\"'),
        ("\0", '"\\u0000"'),
    ],
)
def test_whatever_could_end_a_line_is_escaped(text: str, written: str) -> None:
    assert to_json(text) == written


@settings(deadline=None)
@given(JSON)
def test_it_is_one_line_for_every_reader_and_reads_back_the_same(value: object) -> None:
    text = to_json(value)
    assert len(text.splitlines()) == 1
    assert json.loads(text) == value
    text.encode()


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_in_json_is_refused(number: float) -> None:
    for value in (number, [number], {"progress": number}):
        with pytest.raises(OverflowError):
            to_json(value)


def test_what_is_nested_too_deeply_is_refused() -> None:
    value: list[object] = []
    for _ in range(2_000):
        value = [value]
    with pytest.raises(OverflowError):
        to_json(value)


def test_fields_keep_their_order_and_numbers_their_look() -> None:
    assert to_json({"b": 5, "a": 5.0, "c": 25.5, "d": None, "e": True}) == '{"b":5,"a":5.0,"c":25.5,"d":null,"e":true}'
