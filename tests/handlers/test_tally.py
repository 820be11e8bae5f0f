"""What left for one reader, counted by lists of frames as they leave."""

import pytest

from streamchat.handlers.tally import Tally
from streamchat.presenting.frames import AnyFrame, Chunk, Frame
from streamchat.turns.observer import Delivery

WORDS = ["He", "llo", ", ", "you", "!"]


def chunks(start: int = 0) -> list[AnyFrame]:
    ends = [len("".join(WORDS[: count + 1])) for count in range(len(WORDS))]
    return [Chunk(word, number + 1, number + 1, ends[number], ends[-1], ()) for number, word in enumerate(WORDS)][
        start:
    ]


def counted(*lists: list[AnyFrame]) -> Delivery:
    tally = Tally(0.0)
    for frames in lists:
        tally.count(frames)
    return tally.summary("smart", "finished", resumed=False)


@pytest.mark.parametrize("size", range(1, 7))
def test_it_does_not_matter_how_many_leave_at_once(size: int) -> None:
    frames = [Frame({"status": "thinking"}, 0), *chunks(), Frame({"status": "complete"}, 6, is_terminal=True)]
    told = counted(*(frames[start : start + size] for start in range(0, len(frames), size)))
    assert (told.chunks, told.characters, told.frames, told.end) == (5, len("Hello, you!"), 7, "complete")
    assert sum(told.gaps) == 4


def test_between_those_that_leave_together_is_no_gap() -> None:
    assert counted(chunks()).gaps[0] == 4
    assert counted(chunks()[:1]).gaps[0] == 0


def test_a_reader_that_resumes_is_counted_what_it_gets() -> None:
    told = counted([], chunks(start=2))
    assert (told.chunks, told.characters, told.frames) == (3, len(", you!"), 3)


def test_nothing_is_no_first_frame() -> None:
    assert counted([]).first_frame_seconds is None
    assert counted([], chunks()).first_frame_seconds is not None
