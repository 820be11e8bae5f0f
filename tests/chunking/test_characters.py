"""Strategy ``characters``."""

from __future__ import annotations

from streamchat.chunking.characters import Characters


def chunks_of(text: str, size: int = 20) -> list[str]:
    chunker = Characters(size)
    return chunker.feed(text) + chunker.flush()


def test_a_chunk_is_twenty_characters() -> None:
    assert [len(chunk) for chunk in chunks_of("x" * 45)] == [20, 20, 5]
    assert [len(chunk) for chunk in chunks_of("中" * 40)] == [20, 20]


def test_a_family_emoji_counts_as_one() -> None:
    assert chunks_of("👨‍👩‍👧" * 3, 2) == ["👨‍👩‍👧👨‍👩‍👧", "👨‍👩‍👧"]


def test_flags_are_pairs_however_many_stand_in_a_row() -> None:
    assert chunks_of("🇩🇪" * 300, 1) == ["🇩🇪"] * 300


def test_a_chunk_is_decided_by_the_code_point_after_it() -> None:
    chunker = Characters(2)
    assert chunker.feed("ab") == []
    assert chunker.feed("c") == ["ab"]


def test_cr_lf_is_one_character() -> None:
    assert chunks_of("a\r\nb", 2) == ["a\r\n", "b"]
