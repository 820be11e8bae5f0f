import pytest

from streamchat.turns.whole_text import plain, whole_text


@pytest.mark.parametrize(
    ("text", "whole"), [("你好 😀", "你好 😀"), ("\ud83d\ude00", "😀"), ("a\ud800b", "a�b"), ("\udfff", "�"), ("", "")]
)
def test_pairs_of_surrogates_are_joined_and_lone_ones_replaced(text: str, whole: str) -> None:
    assert whole_text(text) == whole


def test_a_value_becomes_what_json_has() -> None:
    assert plain({"a": (1, "\ud800")}) == {"a": [1, "�"]}


@pytest.mark.parametrize("value", [{1, 2}, b"a", float("nan"), object()])
def test_what_json_does_not_have_is_an_error(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        plain(value)
