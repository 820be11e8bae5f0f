"""Tokens that the function counts, as a reader is shown them."""

import pytest

from streamchat.presenting.presenter import Presenter
from streamchat.presenting.styles import ADVANCED, BASIC, RAW, SMART
from streamchat.turns.events import Answer, Ended, Entry, Started, Usage, Withdrawn
from tests.fakes.audience import Seen, durable, presenter_of, watch

STARTED = (0.0, Started())
END = Ended(cause="complete", code="complete")


def counted(at: float, completion_tokens: int) -> Entry:
    return at, Usage(prompt_tokens=12, completion_tokens=completion_tokens)


def counts(seen: list[Seen]) -> list[tuple[float, int]]:
    return [(each.at, each.payload["completion_tokens"]) for each in seen if each.status == "usage"]


@pytest.mark.parametrize("style", [BASIC, ADVANCED, SMART, RAW])
def test_a_count_is_shown_when_it_is_made_and_the_last_one_again_at_the_end(style) -> None:
    log = [STARTED, counted(0.5, 0), (1.0, "abc"), counted(1.0, 3), (2.0, END)]
    seen = watch(presenter_of(style), log)
    assert counts(seen) == [(0.5, 0), (1.0, 3)]
    assert seen[-1].payload["status"] == "complete"
    assert seen[-1].payload["usage"] == {"prompt_tokens": 12, "completion_tokens": 3, "complete": True}


def test_the_frame_of_a_count_is_transient_and_says_that_there_may_be_more() -> None:
    log = [STARTED, (1.0, "abc"), counted(1.2, 3)]
    shown = next(each.frame for each in watch(presenter_of(SMART), log, until=2.0) if each.status == "usage")
    assert shown.payload == {
        "success": True,
        "data": "",
        "status": "usage",
        "prompt_tokens": 12,
        "completion_tokens": 3,
        "complete": False,
    }
    assert (shown.number, shown.is_durable, shown.is_terminal) == (2, False, False)


def test_a_turn_that_counts_nothing_says_nothing_of_tokens() -> None:
    seen = watch(presenter_of(SMART), [STARTED, (1.0, Answer(text="abc")), (1.0, END)])
    assert counts(seen) == []
    assert "usage" not in seen[-1].payload


def test_a_count_cuts_no_word_and_holds_no_chunk_up() -> None:
    def answer(*more: Entry) -> list[tuple[float, object]]:
        log = sorted([STARTED, (1.0, "ab"), (1.2, "c"), (2.0, END), *more])
        return [
            (each.at, each.payload["data"]) for each in watch(presenter_of(SMART), log) if each.status == "streaming"
        ]

    assert answer(counted(1.1, 1)) == answer()


@pytest.mark.parametrize(
    ("end", "is_complete"),
    [
        (Ended(cause="complete", code="complete"), True),
        (Ended(cause="error", code="processing_error", reason="raised"), False),
        (Ended(cause="timeout", code="timeout", reason="deadline"), False),
        (Ended(cause="cancelled", code="cancelled", reason="owner"), False),
    ],
)
def test_only_a_function_that_came_to_its_end_has_counted_all(end, is_complete) -> None:
    seen = watch(presenter_of(SMART), [STARTED, (1.0, "abc"), counted(1.5, 3), (2.0, end)])
    assert seen[-1].frame.is_terminal
    assert seen[-1].payload["usage"] == {"prompt_tokens": 12, "completion_tokens": 3, "complete": is_complete}


def test_a_stop_while_the_answer_is_still_shown_changes_no_count() -> None:
    stopped = Withdrawn(cause="cancelled", code="cancelled")
    log = [STARTED, (1.0, Answer(text="abc" * 50)), counted(1.0, 3), (1.0, END), (1.1, stopped)]
    (*_, last) = watch(presenter_of(SMART), log)
    assert (last.status, last.payload["usage"]["complete"]) == ("cancelled", True)


def test_who_comes_back_is_shown_no_old_count_but_every_new_one_and_the_same_end() -> None:
    log = [
        STARTED,
        (1.0, "abc"),
        counted(1.1, 3),
        (1.2, "def"),
        counted(9.0, 6),
        (10.0, END),
    ]
    there = durable(watch(presenter_of(SMART), log))
    for skip in range(len(there)):
        back = presenter_of(SMART, skip=skip, with_opening=False)
        seen = resumed(back, log, at=5.0)
        assert counts(seen) == [(9.0, 6)]
        assert durable(seen) == there[skip:]


def resumed(presenter: Presenter, log: list[Entry], *, at: float) -> list[Seen]:
    """What a reader is given that comes at this time."""
    presenter.feed([entry for entry in log if entry[0] <= at])
    seen = [Seen(at, frame) for frame in presenter.take(at)]
    for entry in [entry for entry in log if entry[0] > at]:
        presenter.feed([entry])
        seen += [Seen(entry[0], frame) for frame in presenter.take(entry[0])]
    return seen
