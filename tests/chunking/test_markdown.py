"""Strategy ``markdown``."""

from __future__ import annotations

import pytest

from streamchat.chunking.markdown import make_markdown


def chunks_of(text: str, size: int = 200) -> list[str]:
    chunker = make_markdown(size)
    return chunker.feed(text) + chunker.flush()


@pytest.mark.parametrize(
    "expected",
    [
        ["# Title\n\n", "First one. ", "Second one.\n"],
        ["```python\n", 'print("a. B")\n\n', "x = 1. \n", "```\n", "Done. ", "Yes."],
        ["~~~~\n", "~~~\n", "~~~~\n", "Out. ", "Yes."],
        ["- item\n", "  ```\n", "  a. B. C\n", "  ```\n"],
        ["| a. B | c |\n", "|---|---|\n", "| d. E | f |\n\n", "After. ", "Yes."],
        ["a | b\n", "--- | ---\n", "c. D | e. F\n\n", "After. ", "Yes."],
        ["See [the guide. Part 2](http://x.y/a_(b). C) now. ", "Next."],
        ["![An image. Yes](data:image/png;base64,AAAA) and [ref. X][y. Z]. ", "Next."],
        ["A [link. Over\ntwo lines](x). ", "Next."],
        ["Not ```a fence``` here. ", "Yes."],
    ],
)
def test_markdown_is_cut_here_and_nowhere_else(expected: list[str]) -> None:
    assert chunks_of("".join(expected)) == expected


@pytest.mark.parametrize(
    "whole",
    ["```" + "python " * 60 + "\n", "| " + "cell one. Two | " * 40 + "\n", "[" + "word " * 90 + "](http://x)"],
)
def test_what_must_stay_whole_stays_whole_beyond_the_size(whole: str) -> None:
    assert any(whole in chunk for chunk in chunks_of(whole + "after", 50))


def test_long_prose_is_cut_before_a_link_rather_than_inside() -> None:
    assert chunks_of("one two three [four five six](x)", 20) == ["one two three ", "[four five six](x)"]


def test_brackets_that_never_close_hold_nothing_back_beyond_their_paragraph() -> None:
    assert chunks_of("An open [ bracket. And more.\n\nNext.") == ["An open [ bracket. ", "And more.\n\n", "Next."]


def test_a_line_of_code_is_given_out_when_it_is_complete() -> None:
    chunker = make_markdown(200)
    assert chunker.feed("```\na = 1\nb") == ["```\n", "a = 1\n"]
