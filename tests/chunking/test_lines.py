"""Strategy ``lines``."""

from __future__ import annotations

import pytest

from streamchat.chunking.lines import make_lines


def lines_of(text: str, size: int = 1000) -> list[str]:
    chunker = make_lines(size)
    return chunker.feed(text) + chunker.flush()


@pytest.mark.parametrize("expected", [["a\n", "\n", "b"], ["a\r\n", "b\r\n"], ["a\r", "b\r"], ["one. Two\n"]])
def test_a_line_keeps_its_ending(expected: list[str]) -> None:
    assert lines_of("".join(expected)) == expected


def test_a_longer_line_is_cut_between_words() -> None:
    assert lines_of("one two three\nfour", 10) == ["one two ", "three\n", "four"]


def test_a_return_waits_for_the_newline_that_may_follow() -> None:
    chunker = make_lines(1000)
    assert chunker.feed("a\r") == []
    assert chunker.feed("\nb") == ["a\r\n"]
