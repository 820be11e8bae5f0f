"""Questions of the function to its user, as a reader is shown them."""

import pytest

from streamchat.presenting.styles import ADVANCED, BASIC, SMART
from streamchat.turns.events import (
    Ended,
    Entry,
    InputReceived,
    InputRequired,
    Progress,
    QuestionExpired,
    Started,
)
from tests.fakes.audience import durable, presenter_of, text_of, watch

STARTED = (0.0, Started())
END = Ended(cause="complete", code="complete")


def asked(at: float, number: int = 1) -> Entry:
    return at, InputRequired(request_id=f"in_{number}", question="Sure?", expires_in=60.04)


def received(at: float, number: int | None = 1) -> Entry:
    return at, InputReceived(request_id=None if number is None else f"in_{number}")


@pytest.mark.parametrize("style", [BASIC, ADVANCED, SMART])
def test_from_a_question_to_its_answer_there_is_nothing_but_signs_of_life(style) -> None:
    log = [STARTED, asked(1.0), received(101.0), (101.5, "abc"), (102.0, END)]
    reports = [(50.0, Progress(message="still here", percent=50.0))]
    seen = watch(presenter_of(style), log, reports)
    between = [each for each in seen if 1.0 < each.at < 101.0]
    assert [each.at for each in between] == [16.0, 31.0, 46.0, 61.0, 76.0, 91.0]
    assert all(each.frame.is_keepalive for each in between)
    # Then the work is the news again, at once.
    after = [each for each in seen if each.at == 101.0]
    assert [each.status for each in after] == ["input_received", "processing"]


def test_the_frames_say_what_there_is_to_say() -> None:
    schema = {"type": "integer"}
    log = [
        STARTED,
        (1.0, InputRequired(request_id="in_1", question="Age?", schema=schema, expires_in=60.04)),
        (2.0, QuestionExpired(request_id="in_1")),
        received(3.0, None),
    ]
    said = {"success": True, "data": ""}
    assert [frame.payload for frame in durable(watch(presenter_of(SMART), log, until=5.0))] == [
        {
            **said,
            "status": "input_required",
            "request_id": "in_1",
            "question": "Age?",
            "schema": schema,
            "expires_in": 60.0,
        },
        {**said, "status": "input_expired", "request_id": "in_1"},
        {**said, "status": "input_received", "request_id": None},
    ]


def test_a_question_is_not_kept_waiting_by_the_pace_of_what_was_said_before_it() -> None:
    text = "A sentence that takes its time. " * 20
    seen = watch(presenter_of(ADVANCED, size=10), [STARTED, (1.0, text), asked(1.01)], until=5.0)
    frames = [each for each in seen if each.frame.is_durable]
    assert frames[-1].status == "input_required"
    assert frames[-1].at == 1.01
    assert text_of([each.frame for each in frames]) == text


def test_what_the_chunker_holds_back_is_said_before_the_question_and_the_rest_after_it() -> None:
    log = [
        STARTED,
        (1.0, "ab"),
        asked(1.0),
        received(2.0),
        (3.0, "cdef"),
        (4.0, END),
    ]
    shown = [frame.payload for frame in durable(watch(presenter_of(SMART), log))]
    assert [payload["data"] or payload["status"] for payload in shown] == [
        "processing_complete",
        "ab",
        "input_required",
        "input_received",
        "cde",
        "f",
        "complete",
    ]


def test_what_is_said_unasked_cuts_no_word() -> None:
    log = [STARTED, (1.0, "ab"), received(1.1, None), (1.2, "c"), (2.0, END)]
    shown = [frame.payload for frame in durable(watch(presenter_of(SMART), log))]
    assert [payload["data"] for payload in shown if payload["status"] == "streaming"] == ["abc"]


def test_a_reader_who_is_late_or_reads_again_is_given_the_same() -> None:
    log = [
        STARTED,
        (1.0, "Hello there, you. "),
        asked(1.2),
        asked(1.3, 2),
        received(4.0),
        (9.0, QuestionExpired(request_id="in_2")),
        (9.5, "So be it."),
        (9.6, END),
    ]
    there = durable(watch(presenter_of(SMART), log))
    late = presenter_of(SMART)
    late.feed(log)
    frames = []
    while not late.is_finished:
        frames += late.take(100.0)
    assert [(frame.number, frame.payload) for frame in durable_of(frames)] == [(f.number, f.payload) for f in there]


def durable_of(frames):
    return [frame for frame in frames if frame.is_durable]


def test_the_time_in_which_a_question_was_open_is_not_the_works() -> None:
    log = [STARTED, asked(2.0), asked(3.0, 2), received(50.0), received(102.0, 2), (103.5, "abc")]
    seen = watch(presenter_of(SMART), log, until=104.0)
    processed = next(each.payload for each in seen if each.status == "processing_complete")
    assert processed["total_processing_time"] == 3.5
    progress = [each.payload["progress"] for each in seen if each.status == "processing"]
    assert max(progress) < 10.0
