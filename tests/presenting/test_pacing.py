import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from streamchat.presenting.pacing import (
    NO_PACE,
    Pace,
    ends_sentence,
    pause_behind_source,
    pause_in_answer,
)
from streamchat.presenting.styles import ADVANCED, BASIC, SMART


@pytest.mark.parametrize(
    ("style", "chunk", "seconds"),
    [(BASIC, "x" * 20, 0.05 + 0.04), (SMART, "x" * 20, 0.08 + 0.1), (ADVANCED, "x" * 20, 0.1 + 0.2)],
)
def test_the_pause_grows_with_the_length(style: object, chunk: str, seconds: float) -> None:
    assert style.pace.pause_after(chunk) == pytest.approx(seconds)  # type: ignore[attr-defined]


def test_the_pause_is_longer_at_the_end_of_a_sentence() -> None:
    pace = Pace(chunk_seconds=0.1, character_seconds=0.01)
    assert pace.pause_after("done") == pytest.approx(0.14)
    assert pace.pause_after("done.") == pytest.approx(0.25)


@pytest.mark.parametrize(
    "chunk", ["So.", "So! ", "So?\r\n", "好。", "好！”", "好？）", "well…", "**So.** ", '"So."', "a\n", "\n", "》。」"]
)
def test_a_reader_breathes_here(chunk: str) -> None:
    assert ends_sentence(chunk)


@pytest.mark.parametrize("chunk", ["so", "so, ", "好，", "3.14", "(", "”", " ", ""])
def test_a_reader_does_not_breathe_here(chunk: str) -> None:
    assert not ends_sentence(chunk)


def test_without_a_pace_there_is_no_pause() -> None:
    assert NO_PACE.pause_after("A whole sentence.\n") == 0.0


def test_a_short_answer_keeps_its_natural_pace_and_a_long_one_shares_what_is_left() -> None:
    assert pause_in_answer(0.2, 10, 100, 10.0) == 0.2
    assert pause_in_answer(0.2, 10, 10_000, 10.0) == pytest.approx(0.01)
    assert pause_in_answer(0.2, 10, 100, -3.0) == 0.0
    assert pause_in_answer(0.2, 0, 0, 5.0) == 0.0


@settings(deadline=None)
@given(some.lists(some.integers(1, 500), min_size=1, max_size=300), some.floats(0.0, 5.0))
def test_however_it_is_cut_a_whole_answer_is_shown_within_its_time(sizes: list[int], natural: float) -> None:
    now, left = 0.0, sum(sizes)
    for size in sizes:
        now += pause_in_answer(natural, size, left, 10.0 - now)
        left -= size
    assert now <= 10.0 + 1e-6


def test_behind_a_source_that_is_not_ahead_the_pace_is_natural() -> None:
    assert pause_behind_source(0.2, 10, 10) == 0.2
    assert pause_behind_source(0.2, 10, 0) == 0.2


def test_behind_a_source_that_is_far_ahead_the_pause_shrinks() -> None:
    assert pause_behind_source(0.2, 10, 1_000) == pytest.approx(0.005)
    assert pause_behind_source(0.2, 10, 11) == 0.2
