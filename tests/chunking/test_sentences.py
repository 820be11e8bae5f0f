"""Strategy ``sentences``: published rules, treebanks, and what each rule of ours promises."""

from __future__ import annotations

import pytest

from streamchat.chunking.sentences import make_sentences

MORE_THAN_ANY_SENTENCE = 10_000


def sentences_of(text: str, size: int = MORE_THAN_ANY_SENTENCE) -> list[str]:
    chunker = make_sentences(size)
    return chunker.feed(text) + chunker.flush()


def stripped(chunks: list[str]) -> list[str]:
    return [chunk.strip() for chunk in chunks]


def boundary_scores(rows: list[dict[str, str]]) -> tuple[float, float]:
    """(precision, F1) of the places where sentences end in the rows put together."""
    gold, found, text = set(), set(), ""
    for row in rows:
        text += row["text"] + row["space_after"]
        gold.add(len(text))
    at = 0
    for chunk in sentences_of(text):
        at += len(chunk)
        found.add(at)
    right = len(gold & found)
    return right / len(found), 2 * right / (len(gold) + len(found))


def test_all_48_golden_rules_of_english_hold(published) -> None:
    rows = published("golden_en48")
    assert len(rows) == 48
    assert [row["text"] for row in rows if stripped(sentences_of(row["text"])) != stripped(row["expected"])] == []


def test_the_rules_of_chinese_and_japanese_hold_but_for_a_newline_inside_a_sentence(published) -> None:
    rows = [
        row for row in published("golden_pysbd_all") if row["language"] in ("zh", "ja") and not row["text_modified"]
    ]
    wrong = [row["text"] for row in rows if stripped(sentences_of(row["text"])) != stripped(row["expected"])]
    assert wrong == ["これは父の\n家です。"]


@pytest.mark.parametrize(("name", "least"), [("golden_pysbd_all", 0.79), ("pragmatic_specs", 0.79)])
def test_most_rules_of_all_languages_hold(name: str, least: float, published) -> None:
    rows = [row for row in published(name) if not row["text_modified"]]
    right = sum(stripped(sentences_of(row["text"])) == stripped(row["expected"]) for row in rows)
    assert right / len(rows) >= least


def test_the_streaming_set_holds_but_for_two_rules_that_contradict_ours(published) -> None:
    """A run of 「……」 ends no sentence here; what stands in brackets after a sentence is one of its own."""
    rows = [row for row in published("sentence_stream_tests") if not row["text_modified"]]
    wrong = [row["text"] for row in rows if stripped(sentences_of(row["text"])) != stripped(row["expected"])]
    assert wrong == ["そうですね……わかりました。", "The result. (See below.)"]


@pytest.mark.parametrize(
    ("name", "precision", "f1"),
    [("ud_zh_gsdsimp", 0.99, 0.995), ("ud_ja_gsd", 0.99, 0.98), ("ud_en_ewt", 0.99, 0.775)],
)
def test_treebanks_are_cut_where_their_editors_did(name: str, precision: float, f1: float, published) -> None:
    """English web text has many sentences without a stop; there precision is what counts."""
    scores = boundary_scores(published(name))
    assert scores[0] >= precision
    assert scores[1] >= f1


@pytest.mark.parametrize(
    "expected",
    [
        ["Dr. Smith pays $3.14 at example.com, e.g. on Mondays. ", "Why?"],
        ["He left at 6 P.M. ", "Travelers left later."],
        ["i left early. ", "then it rained approx. five hours."],
        ["Run it: (a) now. ", "(b) later."],
        ["It is proven.[1][2] ", "Next one."],
        ['He said: "I went home. ', 'It was late." ', "Then he left."],
        ["**Bold.** ", "Plain."],
        ["他说：“好。”", "然后走了。"],
        ["我们看《摔跤吧！爸爸》好吗？", "好！"],
        ["「行こう！」と言った。", "次の文。"],
        ["一\n\n", "二"],
        ["1. One 2.5 is no item"],
        ["等等……然后继续。", "完。"],
        ["你好!", "我是"],
        ["Use `a. B. C` here. ", "Yes."],
        ["Τι κάνεις; ", "Είμαι καλά."],
    ],
)
def test_sentences_end_here_and_nowhere_else(expected: list[str]) -> None:
    assert sentences_of("".join(expected)) == expected


@pytest.mark.parametrize(
    ("arrived", "decided"),
    [
        ("Why? Y", ["Why? "]),
        ("好。我", ["好。"]),
        ("The U.S. ", []),
        ("3.", []),
        ("Yes.\n", []),
        ("Yes.\nN", ["Yes.\n"]),
    ],
)
def test_a_sentence_is_given_out_as_soon_as_it_is_decided(arrived: str, decided: list[str]) -> None:
    assert make_sentences(200).feed(arrived) == decided


def test_a_longer_sentence_is_cut_between_words() -> None:
    assert sentences_of("one two three four five", 10) == ["one two ", "three ", "four five"]
    assert sentences_of("x" * 25, 10) == ["x" * 10, "x" * 10, "x" * 5]
