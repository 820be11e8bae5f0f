"""User-perceived characters against the published sets."""

from __future__ import annotations

import re

import regex

from streamchat.chunking.characters import Characters
from streamchat.chunking.clusters import SIMPLE, last_cluster_end

# The set is of Unicode 15.0; in the version of `regex`, U+2701 is no longer Extended_Pictographic.
CHANGED_SINCE = "\u2701\u200d\u2701"


def clusters_of(text: str) -> list[str]:
    chunker = Characters(1)
    return chunker.feed(text) + chunker.flush()


def test_the_grapheme_break_test_passes(published) -> None:
    rows = published("uax29_grapheme_15.0")
    assert [row["text"] for row in rows if clusters_of(row["text"]) != row["expected"]] == [CHANGED_SINCE]


def test_every_emoji_sequence_is_one_cluster(published) -> None:
    rows = published("emoji_test_15.0")
    assert [row["text"] for row in rows if clusters_of(row["text"]) != row["expected"]] == []


def test_characters_taken_for_simple_stand_alone_beside_each_other() -> None:
    simple = [chr(code) for code in range(0x10000) if re.match(f"[{SIMPLE}]", chr(code))]
    assert all(len(regex.findall(r"\X", one + two)) == 2 for one in simple for two in ("a", "\n", "中", one))
    assert all(len(regex.findall(r"\X", one + two)) == 2 for two in simple for one in ("a", "\n", "中"))


def test_a_cluster_is_cut_after_128_code_points() -> None:
    assert clusters_of("e" + "\u0301" * 200) == ["e" + "\u0301" * 127, "\u0301" * 73]


def test_a_limit_inside_a_cluster_moves_before_it_or_else_behind_it() -> None:
    assert last_cluster_end("ab👍🏽c", 0, 3, final=True) == 2
    assert last_cluster_end("👍🏽c", 0, 1, final=True) == 2
