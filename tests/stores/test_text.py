from __future__ import annotations

import pytest

from streamchat.stores.text import (
    MAX_KEY_CHARACTERS,
    UnstorableText,
    is_key,
    is_storable,
    require_key,
    storable,
)


def test_ordinary_text_stays_as_it_is() -> None:
    text = "Tabs\tand\r\nlines, 中文, 👨‍👩‍👧, \u2028, \uffff, \x01"
    assert is_storable(text)
    assert storable(text) == text


@pytest.mark.parametrize("bad", ["\0", chr(0xD800), chr(0xDFFF)])
def test_what_no_database_holds_becomes_the_replacement_character(bad: str) -> None:
    assert not is_storable(f"a{bad}b")
    assert storable(f"a{bad}b") == "a\ufffdb"


@pytest.mark.parametrize("text", ["", "a\0", "\ud800", "x" * (MAX_KEY_CHARACTERS + 1)])
def test_an_impossible_key_is_refused_naming_the_field(text: str) -> None:
    assert not is_key(text)
    with pytest.raises(UnstorableText, match=r"^conversation_id must"):
        require_key("conversation_id", text)


def test_the_longest_key_is_a_key() -> None:
    require_key("owner", "é" * MAX_KEY_CHARACTERS)
