import pytest

from streamchat.client.happenings import (
    Ended,
    Happening,
    QuestionClosed,
    Said,
    Stage,
    ToolCalled,
    ToolReturned,
    Waiting,
)
from streamchat.client.wording import LONGEST_VALUE, line_of, state_line


@pytest.mark.parametrize(
    ("happening", "line"),
    [
        (Stage(sentence="working\x1b\n", percent=3), "working�"),
        (Stage(sentence="working", remaining=5.4), "working (about 5 s left)"),
        (Stage(percent=3, remaining=4), ""),
        (Said(text="never a line"), ""),
        (Waiting(sentence="", position=None, wait=None), "Waiting in line..."),
        (Waiting(sentence="m", position=2, wait=None), "m (place 2 in line)"),
        (ToolCalled(name="n\x1b", arguments={"q": "以\x9b"}), 'tool n�: {"q": "以�"}'),
        (ToolReturned(name="n", result="text\nas it is", is_error=False), "tool n says: text as it is"),
        (ToolReturned(name="n", result=None, is_error=True), "tool n failed: null"),
        (QuestionClosed(request_id="r", is_answered=True), ""),
        (Ended(status="complete"), ""),
        (Ended(status="error", error="e"), "error: e (no code)"),
        (
            Ended(status="cancelled", error="e", code="cancelled", worker="ended"),
            "cancelled: e (cancelled); the function has ended",
        ),
    ],
)
def test_a_happening_is_one_line_that_is_safe_to_print(happening: Happening, line: str) -> None:
    assert line_of(happening) == line


def test_a_long_value_is_cut_and_shown_to_be() -> None:
    line = line_of(ToolCalled(name="n", arguments="x" * 9_999))
    assert line == "tool n: " + "x" * (LONGEST_VALUE - 1) + "…"


@pytest.mark.parametrize(
    ("state", "worker", "line"),
    [
        ("cancelled", "ended", "interrupted; the server says cancelled: stopped; the function has ended"),
        ("finished", "ended", "interrupted; the server says finished: there was nothing left to stop"),
        ("of the future", "", "interrupted; the server says of the future"),
    ],
)
def test_what_the_server_says_to_a_cancel_is_told_truly(state: str, worker: str, line: str) -> None:
    assert state_line(state, worker) == line
