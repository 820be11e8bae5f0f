"""What holds for every strategy, whatever the text and however it arrives."""

from __future__ import annotations

from itertools import pairwise

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from streamchat.chunking.registry import Registry, shipped

NAMES = [strategy.name for strategy in shipped()]
SIZES = [10, 13, 30, 200]
# Separated by a code point that none of them holds.
WORDS = "a¦b. ¦The ¦Mr. ¦U.S. ¦I¦No. ¦5¦Inc. ¦a.m. ¦Did ¦3.14¦http://x.y/z?q=1¦longlonglong¦你好¦世界¦我们明天¦はい¦って¦と¦ไทยภาษา"
SIGNS = "...¦…¦……¦。¦！¦？¦!¦?¦，¦、¦「¦」¦《¦》¦（¦）¦(¦)¦“¦”¦'¦\"¦**¦*¦_¦1. ¦2. ¦1) ¦2) ¦• ¦;¦؟ ¦<¦\\"
BLANKS = " ¦  ¦\n¦\r\n¦\r¦\n\n¦\t¦\u3000¦\xa0"
CLUSTERS = "👨‍👩‍👧¦🇩🇪¦🇫🇷¦👍🏽¦e\u0301¦\u0301¦\u200d¦\u0903¦\u0600¦\u1100\u1161\u11a8¦क्षि¦א"
MARKDOWN = "[¦](¦![¦`¦```¦```py\n¦\n```\n¦~~~\n¦> ¦# ¦- ¦|¦| a | b |\n¦|---|\n¦    code\n"
LONG = ["x" * 40, "\u0301" * 140]
FRAGMENTS = [*"¦".join((WORDS, SIGNS, BLANKS, CLUSTERS, MARKDOWN)).split("¦"), *LONG]

texts = st.one_of(
    st.lists(st.sampled_from(FRAGMENTS), max_size=60).map("".join),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=80),
)


def chunks_of(name: str, size: int, pieces: list[str]) -> list[str]:
    chunker = Registry(shipped()).chunker(name, size)
    return [chunk for piece in pieces for chunk in chunker.feed(piece)] + chunker.flush()


def cluster_ends(text: str) -> set[int]:
    """By the definition alone: one cluster after the other, none longer than 128."""
    ends, at = {0}, 0
    while at < len(text):
        at += min(len(regex.match(r"\X", text[at : at + 300])[0]), 128)
        ends.add(at)
    return ends


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=150, deadline=None)
@given(text=texts, size=st.sampled_from(SIZES), cuts=st.lists(st.integers(0, 400), max_size=8))
def test_the_same_text_gives_the_same_chunks_however_it_is_fed(
    name: str, text: str, size: int, cuts: list[int]
) -> None:
    at_once = chunks_of(name, size, [text])
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    assert chunks_of(name, size, list(text)) == at_once
    assert chunks_of(name, size, [text[a:b] for a, b in pairwise(edges)]) == at_once


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=150, deadline=None)
@given(text=texts, size=st.sampled_from(SIZES))
def test_nothing_is_lost_nothing_is_empty_and_no_cluster_is_torn(name: str, text: str, size: int) -> None:
    chunks = chunks_of(name, size, [text])
    assert "".join(chunks) == text
    assert all(chunks)
    ends, at = cluster_ends(text), 0
    for chunk in chunks:
        at += len(chunk)
        assert at in ends


@pytest.mark.parametrize("name", NAMES)
def test_no_text_gives_no_chunks(name: str) -> None:
    assert chunks_of(name, 20, []) == []
    assert chunks_of(name, 20, [""]) == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "hostile", ["a", ".", ". ", '"', "[", "[a](", "（", "` ", "🇩", "\u0301", "\r", " ", "1. ", "| ", "ก"]
)
def test_what_is_held_back_is_bounded_whatever_arrives(name: str, hostile: str) -> None:
    chunker = Registry(shipped()).chunker(name, None)
    text = hostile * (100_000 // len(hostile))
    given_out = sum(len(chunk) for at in range(0, len(text), 1000) for chunk in chunker.feed(text[at : at + 1000]))
    assert len(text) - given_out < 20_000
    assert sum(map(len, chunker.flush())) == len(text) - given_out


@pytest.mark.parametrize("name", NAMES)
def test_all_of_commonmarks_examples_come_through_whole(name: str, published) -> None:
    for row in published("commonmark_examples"):
        assert "".join(chunks_of(name, 30, [row["text"]])) == row["text"]
        assert chunks_of(name, 30, list(row["text"])) == chunks_of(name, 30, [row["text"]])
