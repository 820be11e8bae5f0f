import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from streamchat.client.answer_markdown import LONGEST_BLOCK, AnswerMarkdown, split_final

BLOCKS = st.sampled_from(
    [
        "# 标题\n",
        "一段文字\n",
        "\n",
        "- a\n",
        "- b\n",
        "1. x\n",
        "```python\n",
        "x = 1\n",
        "```\n",
        "> q\n",
        "|a|b|\n",
        "|-|-|\n",
    ]
)


def shown(text: str, width: int = 60) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None, highlight=False)
    console.print(AnswerMarkdown(text))
    written = console.file
    assert isinstance(written, io.StringIO)
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines())


@given(st.lists(BLOCKS).map("".join))
def test_splitting_loses_nothing(text: str) -> None:
    assert "".join(split_final(text)) == text


@given(st.lists(BLOCKS).map("".join), st.lists(BLOCKS).map("".join))
def test_what_is_final_stays_final_whatever_follows(text: str, more: str) -> None:
    final, _ = split_final(text)
    assert split_final(text + more)[0].startswith(final)


def test_the_last_block_is_never_final() -> None:
    assert split_final("one\n\ntwo") == ("one\n\n", "two")
    assert split_final("one\n\n") == ("", "one\n\n")
    assert split_final("```\ncode\n\nmore") == ("", "```\ncode\n\nmore")


def test_a_very_long_block_is_cut_at_a_line_and_code_stays_code() -> None:
    code = "".join(f"line {number}\n" for number in range(LONGEST_BLOCK // 6))
    final, rest = split_final(f"```python\n{code}half")
    assert final == f"```python\n{code}"
    assert rest == "```python\nhalf"
    final, rest = split_final(f"- {code}- half")
    assert (final, rest) == (f"- {code}", "- half")


def test_a_very_long_line_is_not_cut() -> None:
    text = "很" * LONGEST_BLOCK * 2
    assert split_final(text) == ("", text)


def test_a_list_is_one_block_so_that_its_numbers_go_on() -> None:
    assert split_final("1. a\n2. b\n") == ("", "1. a\n2. b\n")


def test_line_breaks_stay_and_html_is_shown_as_written() -> None:
    assert shown("one\ntwo <b>x</b>\n\n<script>alert(1)</script>") == "one\ntwo <b>x</b>\n\n<script>alert(1)</script>"


def test_a_link_says_where_it_leads() -> None:
    assert shown("[here](https://example.com/a)") == "here (https://example.com/a)"


def test_there_are_no_blank_lines_around_a_block() -> None:
    for text in ("# a", "- a\n- b", "```\ncode\n```", "|a|\n|-|\n|b|", "> q"):
        lines = shown(text).split("\n")
        assert lines[0].strip(), text
        assert lines[-1].strip(), text


def test_wide_characters_do_not_overflow_a_narrow_terminal() -> None:
    for line in shown("很长的一段文字，" * 20, width=40).split("\n"):
        assert Console().render_str(line).cell_len <= 40


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[2J",
        "&#27;[2J",
        "&#x9b;2J",
        "`\x1b]0;t\x07`",
        "```\n\x1b[2J\n```",
        "[a](http://x/\x1b[2J)",
        "\x1b\n\n- \x9b",
    ],
)
def test_no_answer_steers_the_terminal(text: str) -> None:
    console = Console(file=io.StringIO(), width=40, color_system=None)
    console.print(AnswerMarkdown(text))
    written = console.file
    assert isinstance(written, io.StringIO)
    assert not {character for character in written.getvalue() if ord(character) < 32 or 127 <= ord(character) < 160} - {
        "\n"
    }


def test_nothing_is_shown_for_an_empty_text() -> None:
    assert shown("  \n") == ""


@pytest.mark.parametrize("levels", [2, 9, 14, 25, 28, 29, 30, 31, 60, 400])
def test_nothing_is_left_out_however_deep_it_lies(levels: int) -> None:
    text = "".join(f"{'  ' * level}- item{level}\n" for level in range(levels))
    assert f"item{levels - 1}" in shown(text, width=2_000)
    assert "the end" in shown("> " * levels + "the end", width=4_000)
