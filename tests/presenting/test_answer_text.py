from functools import partial
from math import inf

import pytest

from streamchat.chunking.registry import Registry, shipped
from streamchat.presenting.answer_text import SLICE_CHARACTERS, AnswerText, NotTheText
from streamchat.presenting.pacing import TRAIL_SECONDS


def text_of(size=4, lets_go=True):
    return AnswerText(partial(Registry(shipped()).chunker, "characters", size), lets_go=lets_go)


def test_a_whole_answer_is_cut_slice_by_slice():
    text, answer = text_of(), "abcd" * SLICE_CHARACTERS
    text.take_whole(answer)
    slices = []
    while text.is_uncut:
        slices.append(list(text.cut_slice()))
    assert [size for each in slices for size in each] == [4] * SLICE_CHARACTERS
    assert len(slices) == 4
    assert (text.total, text.arrived, text.is_live) == (len(answer), len(answer), False)


def test_an_empty_answer_has_no_slice():
    text = text_of()
    text.take_whole("")
    assert not text.is_uncut
    assert text.total == 0


def test_without_a_chunker_text_stays_as_it_comes():
    whole, live = AnswerText(None, lets_go=True), AnswerText(None, lets_go=True)
    whole.take_whole("abc" * SLICE_CHARACTERS)
    assert list(whole.cut_slice()) == [3 * SLICE_CHARACTERS]
    assert not whole.is_uncut
    (waiting,) = live.add(1.0, "abc")
    assert (waiting.arrived_at, waiting.latest_at, waiting.chunk) == (1.0, 1.0 + TRAIL_SECONDS, "abc")
    assert live.held_until == inf


def test_what_is_held_back_is_held_for_so_long_only():
    text = text_of()
    assert text.add(1.0, "ab") == []
    assert text.held_until == 1.0 + TRAIL_SECONDS
    assert [each.chunk for each in text.let_go()] == ["ab"]
    assert text.held_until == inf


def test_more_text_does_not_put_off_when_the_oldest_is_let_go():
    text = text_of(size=9)
    text.add(1.0, "ab")
    text.add(1.5, "c")
    assert text.held_until == 1.0 + TRAIL_SECONDS


def test_a_torn_cluster_is_not_let_go():
    text = text_of(size=9)
    text.add(1.0, "ab\N{WOMAN}\N{ZERO WIDTH JOINER}")
    assert [each.chunk for each in text.let_go()] == ["ab"]
    text.add(3.0, "\N{PERSONAL COMPUTER}")
    assert [each.chunk for each in text.flush(3.0)] == ["\N{WOMAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER}"]


def test_a_strategy_that_keeps_its_units_whole_lets_nothing_go():
    text = text_of(lets_go=False)
    text.add(1.0, "ab")
    assert text.held_until == inf
    assert [each.chunk for each in text.flush(60.0)] == ["ab"]


def test_a_chunk_that_begins_with_held_text_is_shown_when_that_was_due():
    text = text_of()
    text.add(1.0, "ab")
    first, second = text.add(1.5, "cdefgh") + text.flush(1.5)
    assert (first.chunk, second.chunk) == ("abcd", "efgh")
    assert (first.latest_at, second.latest_at) == (1.0 + TRAIL_SECONDS, 1.5 + TRAIL_SECONDS)


@pytest.mark.parametrize("take", [AnswerText.take_whole, lambda text, answer: text.add(1.0, answer)])
def test_nothing_is_left_of_what_is_dropped(take):
    text = text_of()
    take(text, "ab")
    text.drop()
    assert (text.is_uncut, text.held_until) == (False, inf)


class Pairs:
    """A strategy that makes no lists, and of the text what ``change`` makes of it."""

    def __init__(self, change=lambda chunk: chunk):
        self._change = change

    def feed(self, text):
        return (self._change(text[start : start + 2]) for start in range(0, len(text), 2))

    def flush(self):
        return ()


def test_a_strategy_may_give_its_chunks_in_any_shape():
    whole, live = AnswerText(Pairs, lets_go=True), AnswerText(Pairs, lets_go=True)
    whole.take_whole("abcd")
    assert list(whole.cut_slice()) == [2, 2]
    assert [each.chunk for each in live.add(1.0, "abcd")] == ["ab", "cd"]


@pytest.mark.parametrize("change", [str.upper, str.strip, lambda chunk: chunk * 2], ids=["other", "less", "more"])
def test_a_strategy_that_does_not_give_the_text_back_is_told_of(change):
    text = AnswerText(partial(Pairs, change), lets_go=True)
    text.take_whole("abc ")
    with pytest.raises(NotTheText, match="not the text"):
        text.cut_slice()
