"""Strategy ``words``."""

from __future__ import annotations

from typing import Any

import pytest

from streamchat.chunking.words import make_words


def words_of(text: str, size: int = 30) -> list[str]:
    chunker = make_words(size)
    return chunker.feed(text) + chunker.flush()


@pytest.mark.parametrize(
    "expected",
    [
        ["The quick brown fox jumps ", "over the lazy dog."],
        ["Why? ", "Because."],
        ["See ", "https://example.com/a/very/long/path?with=query ", "for more."],
        ["👨‍👩‍👧" * 6, "👨‍👩‍👧"],
        ["one.\r\n", "two"],
    ],
)
def test_chunks_are_packed_with_whole_words(expected: list[str]) -> None:
    assert words_of("".join(expected)) == expected


def test_chinese_is_cut_between_its_own_words() -> None:
    assert words_of("企业界陆续有人提供捐款而且这样的处理也衍生了", 10) == [
        "企业界陆续有人提供",
        "捐款而且这样的处理也",
        "衍生了",
    ]


def test_no_chunk_begins_with_a_closing_mark_or_ends_with_an_opening_one() -> None:
    text = (
        "他说，这件事情（非常重要）：“我们，你们，他们，都要，一起，努力”，然后、大家、就都、回家、去了，很好，真的"
        * 20
    )
    for size in range(6, 31):
        for chunk in words_of(text, size):
            assert chunk[0] not in "，。、）”："
            assert chunk[-1] not in "（“"


def test_a_longer_word_stays_whole_up_to_four_times_the_size() -> None:
    assert words_of("x" * 120) == ["x" * 120]
    assert words_of("x" * 130) == ["x" * 120, "x" * 10]


@pytest.mark.parametrize("name", ["ud_en_ewt", "ud_zh_gsdsimp", "ud_ja_gsd"])
def test_every_chunk_fits_unless_it_is_one_word(name: str, published) -> None:
    rows: list[dict[str, Any]] = published(name)
    for chunk in words_of("".join(row["text"] + row["space_after"] for row in rows)):
        assert len(chunk) <= 30 or len(chunk.split()) == 1
        assert len(chunk) <= 120


def test_chinese_cuts_agree_with_the_treebanks_words(published) -> None:
    """A cut that is no word's end in the treebank tears a word for some reader."""
    cuts = torn = 0
    for row in published("ud_zh_gsdsimp"):
        ends, at = set(), 0
        for word in row["words"]:
            at += len(word)
            ends.add(at)
        at = 0
        for chunk in words_of(row["text"], 8)[:-1]:
            at += len(chunk)
            cuts += 1
            torn += at not in ends
    assert cuts > 1000
    assert torn / cuts < 0.15
