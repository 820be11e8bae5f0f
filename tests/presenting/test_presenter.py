import itertools
import json
from math import inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from streamchat.presenting.frames import Chunk, Frame
from streamchat.presenting.pacing import NO_PACE, Pace
from streamchat.presenting.presenter import CHARACTERS_PER_TAKE, FRAMES_PER_TAKE, Presenter
from streamchat.presenting.sentences import sentence
from streamchat.presenting.styles import ADVANCED, BASIC, QUIET, RAW, SMART, StreamStyle
from streamchat.presenting.timeline import Timeline
from streamchat.turns.events import (
    Answer,
    Dismissed,
    Ended,
    Entry,
    Media,
    Progress,
    Queued,
    Started,
    ToolCall,
    ToolResult,
    Usage,
    Withdrawn,
    said_in,
)
from streamchat.wire.sse import SseWire
from tests.fakes.audience import Seen, durable, presenter_of, text_of, watch
from tests.fakes.chunkers import every
from tests.fakes.executors import COMPLETE

STARTED = (0.0, Started())
HOUR = 3_600.0
DOORS = [BASIC, ADVANCED, SMART]


def by_name(style: StreamStyle) -> str:
    return style.name


def told(seen: list[Seen]) -> list[tuple[float, int, str]]:
    """When, under which number, and the exact JSON, its fields in order."""
    return [
        (round(each.at, 6), each.frame.number, json.dumps(each.payload, ensure_ascii=False, separators=(",", ":")))
        for each in seen
    ]


def progress_of(seen: list[Seen]) -> list[Seen]:
    return [each for each in seen if each.status == "processing" and "elapsed_time" in each.payload]


# Golden frames: contract, section 3.

AFTER_3_5_S = [STARTED, (3.5, Answer(text="你好。再见。")), (3.5, COMPLETE)]
WORDS = "Hello! I think AI is" + " a tool for people." * 25 + " Bye."
EN_AFTER_3_5_S = [STARTED, (3.5, Answer(text=WORDS)), (3.5, COMPLETE)]


def test_golden_frames_of_basic_in_chinese() -> None:
    assert told(watch(presenter_of(BASIC, size=3), AFTER_3_5_S)) == [
        (0.0, 0, '{"success":true,"data":"","status":"connecting"}'),
        (0.0, 0, '{"success":true,"data":"","status":"processing","message":"正在处理您的请求..."}'),
        (
            0.0,
            0,
            '{"success":true,"data":"","status":"processing","message":"正在分析您的请求...",'
            '"progress":5.0,"elapsed_time":0.0}',
        ),
        (
            3.0,
            0,
            '{"success":true,"data":"","status":"processing","message":"正在生成回复内容...",'
            '"progress":6.8,"elapsed_time":3.0}',
        ),
        (
            3.5,
            1,
            '{"success":true,"data":"","status":"processing_complete","progress":100,'
            '"message":"处理完成 (耗时 3.5秒)，正在发送回复...","total_processing_time":3.5}',
        ),
        (
            3.5,
            2,
            '{"success":true,"data":"你好。","status":"streaming","progress":50.0,"is_complete":false,'
            '"total_length":6,"current_position":3}',
        ),
        (
            3.606,
            3,
            '{"success":true,"data":"再见。","status":"streaming","progress":100.0,"is_complete":false,'
            '"total_length":6,"current_position":6}',
        ),
        (3.606, 4, '{"success":true,"data":"","status":"complete","is_complete":true}'),
    ]


def test_golden_frames_of_advanced_in_chinese() -> None:
    assert told(watch(presenter_of(ADVANCED, size=3), AFTER_3_5_S)) == [
        (0.0, 0, '{"success":true,"data":"","status":"initializing"}'),
        (0.0, 0, '{"success":true,"data":"","status":"processing","message":"正在初始化处理..."}'),
        (
            0.0,
            0,
            '{"success":true,"data":"","status":"processing","message":"正在分析用户请求...",'
            '"progress":5.0,"elapsed_time":0.0}',
        ),
        (
            2.0,
            0,
            '{"success":true,"data":"","status":"processing","message":"正在检索相关信息...",'
            '"progress":6.2,"elapsed_time":2.0}',
        ),
        (
            3.5,
            1,
            '{"success":true,"data":"","status":"processing_complete","progress":100,'
            '"message":"处理完成 (耗时 3.5秒)，正在发送回复...","total_processing_time":3.5}',
        ),
        (3.5, 2, '{"success":true,"data":"你好。","status":"streaming","chunk_number":1,"is_complete":false}'),
        (3.73, 3, '{"success":true,"data":"再见。","status":"streaming","chunk_number":2,"is_complete":false}'),
        (3.73, 4, '{"success":true,"data":"","status":"complete","is_complete":true}'),
    ]


def test_golden_frames_of_smart_in_chinese() -> None:
    assert told(watch(presenter_of(SMART, size=3), AFTER_3_5_S)) == [
        (0.0, 0, '{"success":true,"data":"","status":"initializing","message":"正在初始化连接...","progress":5}'),
        (0.0, 0, '{"success":true,"data":"","status":"processing","message":"正在处理您的请求...","progress":5}'),
        (
            0.0,
            0,
            '{"success":true,"data":"","status":"processing","message":"正在分析用户请求...",'
            '"progress":5.0,"elapsed_time":0.0}',
        ),
        (
            2.0,
            0,
            '{"success":true,"data":"","status":"processing","message":"正在检索相关信息...",'
            '"progress":6.2,"elapsed_time":2.0}',
        ),
        (
            3.5,
            1,
            '{"success":true,"data":"","status":"processing_complete","progress":100,'
            '"message":"处理完成 (耗时 3.5秒)，正在发送回复...","total_processing_time":3.5}',
        ),
        (
            3.5,
            2,
            '{"success":true,"data":"你好。","status":"streaming","chunk_number":1,"streaming_progress":50.0,'
            '"is_complete":false}',
        ),
        (
            3.675,
            3,
            '{"success":true,"data":"再见。","status":"streaming","chunk_number":2,"streaming_progress":100.0,'
            '"is_complete":false}',
        ),
        (3.675, 4, '{"success":true,"data":"","status":"complete","is_complete":true,"total_time":3.7}'),
    ]


OPENINGS_EN = {
    "basic": [
        '{"success":true,"data":"","status":"connecting"}',
        '{"success":true,"data":"","status":"processing","message":"Processing your request..."}',
        '{"success":true,"data":"","status":"processing","message":"Analysing your request...",'
        '"progress":5.0,"elapsed_time":0.0}',
        '{"success":true,"data":"","status":"processing","message":"Writing the answer...",'
        '"progress":6.8,"elapsed_time":3.0}',
    ],
    "advanced": [
        '{"success":true,"data":"","status":"initializing"}',
        '{"success":true,"data":"","status":"processing","message":"Preparing to process..."}',
        '{"success":true,"data":"","status":"processing","message":"Analysing the request...",'
        '"progress":5.0,"elapsed_time":0.0}',
        '{"success":true,"data":"","status":"processing","message":"Looking for related information...",'
        '"progress":6.2,"elapsed_time":2.0}',
    ],
    "smart": [
        '{"success":true,"data":"","status":"initializing","message":"Initializing the connection...","progress":5}',
        '{"success":true,"data":"","status":"processing","message":"Processing your request...","progress":5}',
        '{"success":true,"data":"","status":"processing","message":"Analysing the request...",'
        '"progress":5.0,"elapsed_time":0.0}',
        '{"success":true,"data":"","status":"processing","message":"Looking for related information...",'
        '"progress":6.2,"elapsed_time":2.0}',
    ],
}
FIRST_CHUNK_EN = {
    "basic": '{"success":true,"data":"Hello! I think AI is","status":"streaming","progress":4.0,"is_complete":false,'
    '"total_length":500,"current_position":20}',
    "advanced": '{"success":true,"data":"Hello! I think AI is","status":"streaming","chunk_number":1,'
    '"is_complete":false}',
    "smart": '{"success":true,"data":"Hello! I think AI is","status":"streaming","chunk_number":1,'
    '"streaming_progress":4.0,"is_complete":false}',
}


@pytest.mark.parametrize("style", DOORS, ids=by_name)
def test_golden_frames_in_english(style: StreamStyle) -> None:
    assert len(WORDS) == 500
    seen = watch(presenter_of(style, size=20, lang="en"), EN_AFTER_3_5_S)
    lines = [line for _, _, line in told(seen)]
    assert lines[:4] == OPENINGS_EN[style.name]
    assert lines[4:6] == [
        '{"success":true,"data":"","status":"processing_complete","progress":100,'
        '"message":"Done (in 3.5 s), sending the answer...","total_processing_time":3.5}',
        FIRST_CHUNK_EN[style.name],
    ]
    total_time = f',"total_time":{round(seen[-1].at, 1)}' if style is SMART else ""
    assert lines[-1] == f'{{"success":true,"data":"","status":"complete","is_complete":true{total_time}}}'
    assert text_of(durable(seen)) == WORDS


def test_the_raw_style_opens_with_nothing() -> None:
    seen = watch(presenter_of(RAW, size=None), [STARTED, (1.0, Answer(text="hi")), (1.0, COMPLETE)])
    assert [each.status for each in seen] == ["processing", "processing_complete", "streaming", "complete"]


def test_the_quiet_style_says_of_waiting_only_that_the_stream_lives() -> None:
    notices = [(0.0, Queued(position=3, estimated_wait=None)), (25.0, Progress(message="searching", percent=40.0))]
    log = [(20.0, Started()), (40.0, Answer(text="hi")), (40.0, COMPLETE)]
    seen = watch(presenter_of(QUIET, size=None), log, notices)
    assert [(each.at, each.status) for each in seen if not each.frame.is_keepalive] == [
        (40.0, "processing_complete"),
        (40.0, "streaming"),
        (40.0, "complete"),
    ]
    assert [each.at for each in seen if each.frame.is_keepalive] == [15.0, 30.0]


# What is said while the work goes on.


@pytest.mark.parametrize("style", DOORS, ids=by_name)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_for_hours_progress_never_falls_nor_passes_95_and_messages_go_round(style: StreamStyle, lang: Any) -> None:
    seen = watch(presenter_of(style, lang=lang), [STARTED], until=3 * HOUR)
    said = progress_of(seen)
    assert [each.at for each in said] == pytest.approx(
        [number * style.interval_seconds for number in range(int(3 * HOUR / style.interval_seconds) + 1)]
    )
    percents = [each.payload["progress"] for each in said]
    assert percents == sorted(percents)
    assert (percents[0], percents[-1]) == (5.0, 95.0)
    assert [each.payload["elapsed_time"] for each in said] == [round(each.at, 1) for each in said]
    messages = [sentence(name, lang) for name in style.messages]
    assert [each.payload["message"] for each in said] == [messages[n % len(messages)] for n in range(len(said))]
    assert all(each.frame == Frame(each.payload, 0, is_durable=False) for each in seen)


@pytest.mark.parametrize("style", DOORS, ids=by_name)
def test_an_interval_is_a_maximum_silence_and_never_a_delay(style: StreamStyle) -> None:
    log = [STARTED, (0.05, Answer(text="hi")), (0.05, COMPLETE)]
    seen = watch(presenter_of(style), log)
    assert [each.at for each in seen if each.frame.is_durable] == [0.05, 0.05, 0.05]


def test_progress_stops_when_the_answer_is_there() -> None:
    seen = watch(presenter_of(SMART), [STARTED, (5.0, "abc"), (100.0, COMPLETE)])
    assert max(each.at for each in progress_of(seen)) == 4.0


def test_with_history_progress_follows_it_and_the_remaining_time_is_said() -> None:
    durations = (2.0, 4.0, 6.0, 8.0, 10.0)
    said = progress_of(watch(presenter_of(SMART, durations=durations), [STARTED], until=12.0))
    assert [(each.payload["progress"], each.payload.get("remaining_time")) for each in said] == [
        (5.0, 6.0),
        (20.0, 5.0),
        (35.0, 4.0),
        (50.0, 3.0),
        (65.0, 2.0),
        (80.0, None),
        (82.5, None),
    ]


def test_a_queue_before_the_work_does_not_count_as_elapsed() -> None:
    seen = watch(presenter_of(SMART), [(60.0, Started())], until=64.0)
    assert [each.payload["elapsed_time"] for each in progress_of(seen)] == [0.0, 2.0, 4.0]


def test_what_a_backend_reports_goes_before_everything_else() -> None:
    notices = [(1.0, Progress(message="searching", percent=40.0))]
    said = progress_of(watch(presenter_of(SMART), [STARTED], notices, until=6.0))
    assert [(each.at, each.payload["message"], each.payload["progress"]) for each in said] == [
        (0.0, "正在分析用户请求...", 5.0),
        (1.0, "searching", 40.0),
        (3.0, "searching", 40.0),
        (5.0, "searching", 40.0),
    ]


def test_a_report_without_a_percent_keeps_ours() -> None:
    notices = [(75.0, Progress(message="searching", percent=None))]
    said = progress_of(watch(presenter_of(SMART), [STARTED], notices, until=75.0))
    assert (said[-1].payload["message"], said[-1].payload["progress"]) == ("searching", 50.0)


def test_a_backend_cannot_make_progress_fall_or_pass_95() -> None:
    reports = [40.0, 20.0, 100.0, 0.0]
    notices = [(float(at), Progress(message=str(at), percent=percent)) for at, percent in enumerate(reports, 1)]
    said = progress_of(watch(presenter_of(SMART), [STARTED], notices, until=4.5))
    assert [each.payload["progress"] for each in said] == [5.0, 40.0, 40.0, 95.0, 95.0]


def test_a_backend_that_reports_all_the_time_is_shown_its_latest_word_ten_times_a_second() -> None:
    notices = [(n / 1_000, Progress(message=str(n), percent=n / 100)) for n in range(1, 5_001)]
    said = progress_of(watch(presenter_of(SMART), [STARTED], notices, until=5.0))
    gaps = [after.at - before.at for before, after in itertools.pairwise(said)]
    assert min(gaps) >= 0.1 - 1e-9
    assert 45 <= len(said) <= 52
    assert all(abs(int(each.payload["message"]) - each.at * 1_000) <= 1.0 for each in said[1:])


@settings(deadline=None)
@given(
    some.lists(some.tuples(some.floats(0.001, 30.0), some.none() | some.floats(0.0, 100.0)), max_size=30),
    some.lists(some.floats(0.0, 300.0), max_size=12).map(lambda durations: tuple(sorted(durations))),
)
def test_progress_is_monotone_whatever_is_reported(reports: Any, durations: Any) -> None:
    at, notices = 0.0, []
    for gap, percent in reports:
        at += gap
        notices.append((at, Progress(message="x", percent=percent)))
    said = progress_of(watch(presenter_of(SMART, durations=durations), [STARTED], notices, until=at + 60.0))
    percents = [each.payload["progress"] for each in said]
    assert percents == sorted(percents)
    assert percents[0] >= 5.0
    assert percents[-1] <= 95.0
    gaps = [after.at - before.at for before, after in itertools.pairwise(said)]
    assert max(gaps) <= SMART.interval_seconds + 1e-6


# The queue, and silence.


def test_whoever_waits_in_the_queue_is_told_the_place() -> None:
    notices = [(0.0, Queued(position=3, estimated_wait=None)), (1.0, Queued(position=2, estimated_wait=4.5))]
    seen = watch(presenter_of(SMART), [(4.0, Started())], notices, until=4.0)
    assert told(seen)[1:4] == [
        (
            0.0,
            0,
            '{"success":true,"data":"","status":"queued","message":"正在排队，前面还有 2 个请求...",'
            '"position":3,"estimated_wait":null}',
        ),
        (
            1.0,
            0,
            '{"success":true,"data":"","status":"queued","message":"正在排队，前面还有 1 个请求...",'
            '"position":2,"estimated_wait":4.5}',
        ),
        (
            3.0,
            0,
            '{"success":true,"data":"","status":"queued","message":"正在排队，前面还有 1 个请求...",'
            '"position":2,"estimated_wait":4.5}',
        ),
    ]
    assert [(each.at, each.status) for each in seen[4:]] == [(4.0, "processing"), (4.0, "processing")]
    assert all(not each.frame.is_durable for each in seen)


def test_the_queue_is_not_spoken_of_once_the_work_has_begun() -> None:
    notices = [(0.0, Queued(position=1, estimated_wait=None))]
    seen = watch(presenter_of(SMART), [STARTED], notices, until=20.0)
    assert "queued" not in {each.status for each in seen}


def test_a_keepalive_comes_after_15_s_of_silence_and_only_then() -> None:
    # Before the work begins nothing else is due.
    assert [each.at for each in watch(presenter_of(SMART), [], until=50.0)] == [0.0, 15.0, 30.0, 45.0]
    seen = watch(presenter_of(SMART), [(20.0, Started())], until=30.0)
    assert [each.at for each in seen if each.frame.is_keepalive] == [15.0]


def test_a_live_source_that_falls_silent_is_kept_alive() -> None:
    log = [STARTED, (1.0, "abc"), (40.0, "def"), (42.0, COMPLETE)]
    seen = watch(presenter_of(SMART), log)
    assert [each.at for each in seen if each.frame.is_keepalive] == [16.0, 31.0]
    assert seen[-1].at == 42.0


def test_where_progress_is_said_no_keepalive_is_needed() -> None:
    seen = watch(presenter_of(BASIC), [STARTED], until=HOUR)
    assert not any(each.frame.is_keepalive for each in seen)


def test_the_keepalive_time_is_the_servers_choice() -> None:
    seen = watch(presenter_of(SMART, keepalive_seconds=0.5), [], until=1.6)
    assert [each.at for each in seen if each.frame.is_keepalive] == [0.5, 1.0, 1.5]


@pytest.mark.parametrize("style", [*DOORS, RAW, QUIET], ids=by_name)
def test_there_is_never_more_silence_than_the_keepalive_time(style: StreamStyle) -> None:
    log = [
        (100.0, Started()),
        (200.0, "abcdef"),
        (300.0, "ghi"),
        (400.0, COMPLETE),
    ]
    times = [each.at for each in watch(presenter_of(style), log)]
    assert max(after - before for before, after in zip([0.0, *times], times, strict=False)) <= 15.0 + 1e-6


def test_nothing_follows_the_terminal_frame() -> None:
    presenter = presenter_of(SMART)
    watch(presenter, [STARTED, (1.0, COMPLETE)])
    assert presenter.is_finished
    assert presenter.due == inf
    presenter.feed([], Progress(message="late", percent=None))
    assert presenter.take(HOUR) == []


# One log, read in every way.

TEXTS = some.text("ab 。.\n你好😀\u2028", min_size=1, max_size=12)
LIVE_FACTS = some.lists(
    TEXTS
    | some.builds(ToolCall, call_id=some.just("c"), name=some.just("search"), arguments=some.just({"q": "/"}))
    | some.builds(Media, media_type=some.just("image/png"), content=some.sampled_from(["", "A" * 65_537])),
    max_size=10,
)
FACTS: some.SearchStrategy[list[Any]] = LIVE_FACTS | some.text("ab 。.\n你", max_size=60).map(
    lambda text: [Answer(text=text)]
)
ENDS: some.SearchStrategy[list[Any]] = some.sampled_from(
    [
        [COMPLETE],
        [COMPLETE, Withdrawn(cause="cancelled", code="cancelled")],
        [COMPLETE, Withdrawn(cause="error", code="shutting_down")],
        [Ended(cause="error", code="processing_error", reason="raised")],
        [Ended(cause="timeout", code="timeout", reason="deadline", worker="running")],
        [Ended(cause="cancelled", code="cancelled", reason="owner")],
    ]
)
# Few different gaps, none at all among them, and all of them exact in binary: what happens, and is looked at, in the
# very same moment is the hard case.
GAPS = some.sampled_from([0.0, 0.0, 0.0, 0.125, 0.25, 3.0])


@some.composite
def logs(draw: some.DrawFn) -> list[Entry]:
    at, log = 0.0, list[Entry]()
    answering = draw(FACTS)
    ending = draw(ENDS)
    for fact in (Started(), *answering, *ending):
        at += draw(GAPS)
        log.append((at, fact))
    return log


# When somebody looks, and how much of what happened in that very moment has been written by then.
LOOKS = some.lists(some.tuples(GAPS, some.integers(0, 4)), max_size=40)


def read(presenter: Presenter, log: list[Entry], looks: list[tuple[float, int]]) -> bytes:
    """The bytes of the durable frames, of somebody who looks at these times and then whenever something is due."""
    wire, written, unread, now = SseWire("st_one"), b"", list(log), 0.0

    def take(count: int) -> None:
        nonlocal written
        presenter.feed(unread[:count])
        del unread[:count]
        written += wire.encode(frame for frame in presenter.take(now) if frame.is_durable)

    for gap, part in looks:
        now += gap
        take(sum(at < now for at, _ in unread) + min(part, sum(at == now for at, _ in unread)))
        take(sum(at <= now for at, _ in unread))
    while not presenter.is_finished:
        now = max(now, min(presenter.due, unread[0][0] if unread else inf))
        take(sum(at <= now for at, _ in unread))
    return written


def test_what_falls_due_in_the_same_moment_is_shown_as_whoever_was_there_saw_it() -> None:
    # A coarse clock, as uvloop's is: the end of the source bears the same time as the chunk that was shown before it.
    log = [STARTED, (0.0, "abc"), (0.0, COMPLETE)]
    assert read(presenter_of(SMART), log, [(0.0, 2)]) == read_late(presenter_of(SMART), log)
    assert b'"streaming_progress":null' in read_late(presenter_of(SMART), log)


def read_late(presenter: Presenter, log: list[Entry]) -> bytes:
    """The bytes for somebody who comes when all is over."""
    return read(presenter, log, [(1e6, 0)])


@settings(deadline=None)
@given(logs(), LOOKS, some.sampled_from([BASIC, SMART]), some.integers(1, 6))
def test_durable_frames_are_the_same_to_the_byte_however_the_log_is_read(
    log: list[Entry], looks: list[tuple[float, int]], style: StreamStyle, size: int
) -> None:
    assert read(presenter_of(style, size=size), log, looks) == read_late(presenter_of(style, size=size), log)


@settings(deadline=None)
@given(logs(), LOOKS, some.sampled_from([ADVANCED, SMART]), some.integers(1, 6), some.data())
def test_a_resume_after_any_frame_gives_the_rest_to_the_byte(
    log: list[Entry], looks: list[tuple[float, int]], style: StreamStyle, size: int, data: some.DataObject
) -> None:
    whole = read(presenter_of(style, size=size), log, looks)
    blocks = whole.split(b"\n\n")[:-1]
    skip = data.draw(some.integers(0, len(blocks)))
    resumed = presenter_of(style, size=size, skip=skip, with_opening=False)
    other_looks = data.draw(LOOKS)
    rest = b"".join(block + b"\n\n" for block in blocks[skip:])
    assert read(resumed, log, other_looks) == rest


@settings(deadline=None)
@given(logs(), LOOKS)
def test_every_stream_ends_with_exactly_one_terminal_frame(log: list[Entry], looks: list[tuple[float, int]]) -> None:
    frames = durable(watch(presenter_of(SMART, size=2), log))
    assert [frame.is_terminal for frame in frames] == [False] * (len(frames) - 1) + [True]
    assert [frame.number for frame in frames] == list(range(1, len(frames) + 1))
    assert frames[-1].payload["is_complete"] is True
    assert frames[-1].payload["status"] in ("complete", "error", "timeout", "cancelled")


@settings(deadline=None)
@given(logs())
def test_a_complete_answer_is_whole_and_a_broken_one_is_a_beginning(log: list[Entry]) -> None:
    answer = "".join(said_in(fact) for _, fact in log)
    frames = durable(watch(presenter_of(SMART, size=2), log))
    text = text_of(frames)
    status = frames[-1].payload["status"]
    assert text == answer if status in ("complete", "timeout") else answer.startswith(text)


def test_who_resumes_sees_where_things_stand_and_no_old_progress() -> None:
    presenter = presenter_of(SMART, skip=0, with_opening=False)
    presenter.feed([STARTED])
    (frame,) = presenter.take(30.0)
    assert frame.payload["status"] == "processing"
    assert frame.payload["elapsed_time"] == 30.0


def test_a_transient_frame_repeats_the_number_of_the_last_durable_one() -> None:
    log = [STARTED, (1.0, ToolCall(call_id="c", name="search", arguments=None))]
    seen = watch(presenter_of(SMART), log, until=5.0)
    assert [(each.status, each.frame.number) for each in seen] == [
        ("initializing", 0),
        ("processing", 0),
        ("processing", 0),
        ("tool_call", 1),
        ("processing", 1),
        ("processing", 1),
    ]


def test_who_resumes_is_not_thrown_back_by_a_transient_frame() -> None:
    presenter = presenter_of(SMART, skip=1, with_opening=False)
    presenter.feed([STARTED, (1.0, ToolCall(call_id="c", name="search", arguments=None))])
    assert [(frame.payload["status"], frame.number) for frame in presenter.take(3.0)] == [("processing", 1)]


def test_who_resumes_far_on_is_not_thrown_back_while_catching_up() -> None:
    call = ToolCall(call_id="c", name="search", arguments=None)
    presenter = presenter_of(SMART, skip=200, with_opening=False)
    presenter.feed([STARTED, *((1.0, call) for _ in range(200))])
    frames = presenter.take(3.0)
    assert presenter.number < 200
    assert [(frame.payload["status"], frame.number) for frame in frames] == [("processing", 200)]


def test_what_is_overdue_is_not_paced_again() -> None:
    presenter = presenter_of(SMART, size=3)
    presenter.feed([STARTED, (1.0, Answer(text="abc" * 20)), (1.0, COMPLETE)])
    frames = presenter.take(500.0)
    assert [frame.payload["status"] for frame in frames[-3:]] == ["streaming", "streaming", "complete"]
    assert text_of(frames) == "abc" * 20


def test_at_no_pace_everything_is_due_at_once() -> None:
    log = [STARTED, (1.0, Answer(text="abc." * 20)), (1.0, COMPLETE)]
    assert {each.at for each in durable_seen(watch(presenter_of(SMART, is_paced=False), log))} == {1.0}


def durable_seen(seen: list[Seen]) -> list[Seen]:
    return [each for each in seen if each.frame.is_durable]


@pytest.mark.parametrize("answer", ["x" * 1_000_000, "你好。" * 333_333], ids=["latin", "han"])
def test_a_megabyte_never_takes_more_than_its_frames_at_a_time(answer: str) -> None:
    timeline = Timeline(style=SMART, pace=NO_PACE, make_chunker=lambda: every(20), lang="zh")
    presenter = Presenter(timeline, style=SMART, lang="zh")
    presenter.feed([STARTED, (1.0, Answer(text=answer)), (1.0, COMPLETE)])
    pieces = []
    while not presenter.is_finished:
        assert presenter.due <= 2.0
        frames = presenter.take(2.0)
        assert 0 < len(frames) <= FRAMES_PER_TAKE + 2  # the opening and the first progress are not counted
        pieces.append(text_of(frames))
    assert "".join(pieces) == answer
    assert max(map(len, pieces)) <= FRAMES_PER_TAKE * 20


def test_one_look_reads_only_so_many_entries_that_show_nothing() -> None:
    presenter = presenter_of(SMART)
    presenter.feed(
        [
            STARTED,
            *((0.001 * number, Usage(prompt_tokens=number, completion_tokens=number)) for number in range(1, 1_001)),
        ]
    )
    assert len(presenter.take(2.0)) <= FRAMES_PER_TAKE + 2
    assert presenter.due <= 2.0


@pytest.mark.parametrize(
    ("pace", "make_chunker"), [(SMART.pace, lambda: every(20)), (NO_PACE, None)], ids=["in chunks", "as it comes"]
)
def test_one_look_reads_only_so_much_of_what_a_source_has_flooded_the_log_with(pace: Pace, make_chunker: Any) -> None:
    piece = "abc. " * 400
    timeline = Timeline(style=SMART, pace=pace, make_chunker=make_chunker, lang="zh")
    presenter = Presenter(timeline, style=SMART, lang="zh")
    presenter.feed([STARTED, *((0.001 * number, piece) for number in range(1, 100))])
    while timeline.text.arrived < 99 * len(piece):
        before = timeline.text.arrived
        presenter.take(0.1)
        assert 0 < timeline.text.arrived - before < CHARACTERS_PER_TAKE + len(piece)


def test_what_comes_between_raw_pieces_stays_between_them() -> None:
    call, result = ToolCall(call_id="c", name="n", arguments=None), ToolResult(call_id="c", name="n", result=1)
    facts = ["ab", "", "c", call, "d", result, "ef", COMPLETE]
    seen = durable_seen(watch(presenter_of(SMART, size=None, is_paced=False), [STARTED, *((1.0, f) for f in facts)]))
    assert [each.frame.payload["status"] for each in seen[1:]] == [
        "streaming",
        "streaming",
        "tool_call",
        "streaming",
        "tool_result",
        "streaming",
        "complete",
    ]
    chunks = [each.frame for each in seen if isinstance(each.frame, Chunk)]
    assert [(chunk.text, chunk.chunk_number, chunk.position) for chunk in chunks] == [
        ("ab", 1, 2),
        ("c", 2, 3),
        ("d", 3, 4),
        ("ef", 4, 6),
    ]


def test_a_presenter_that_skips_everything_finishes_without_a_word() -> None:
    log = [STARTED, (1.0, Answer(text="abc")), (1.0, COMPLETE)]
    presenter = presenter_of(SMART, skip=3, with_opening=False)
    presenter.feed(log)
    assert presenter.take(9.0) == []
    assert (presenter.is_finished, presenter.number) == (True, 3)


def test_whoever_reads_more_slowly_than_the_server_can_wait_is_told_and_not_cut() -> None:
    presenter = presenter_of(SMART, is_paced=False)
    presenter.feed([STARTED, (0.0, Answer(text="abc" * 1_000)), (0.0, COMPLETE)])
    shown = presenter.take(0.0)
    presenter.feed([], Dismissed())
    assert presenter.due <= 0.0
    (last,) = presenter.take(0.0)
    assert last.payload["code"] == "shutting_down"
    # A transient one: whoever comes back with its id, to a server that still knows the stream, misses nothing.
    assert (last.is_terminal, last.is_durable, last.number) == (True, False, shown[-1].number)
    assert presenter.is_finished
    assert presenter.due == inf
    assert presenter.take(1.0) == []


def test_whoever_has_the_last_frame_is_told_nothing_more() -> None:
    presenter = presenter_of(SMART, is_paced=False)
    presenter.feed([STARTED, (0.0, Answer(text="abc")), (0.0, COMPLETE)])
    assert presenter.take(0.0)[-1].is_terminal
    presenter.feed([], Dismissed())
    assert presenter.take(0.0) == []


@pytest.mark.parametrize("facts", [[Answer(text="")], ["", "a"]], ids=["whole", "live"])
def test_a_strategy_that_gives_empty_chunks_makes_no_frames_of_them(facts: list[Any]) -> None:
    class Empty:
        def feed(self, text: str) -> list[str]:
            return ["", text]

        def flush(self) -> list[str]:
            return [""]

    timeline = Timeline(style=BASIC, pace=NO_PACE, make_chunker=Empty, lang="zh")
    seen = watch(Presenter(timeline, style=BASIC, lang="zh"), [STARTED, *((1.0, f) for f in facts), (1.0, COMPLETE)])
    assert [each.payload["data"] for each in seen if each.status == "streaming"] == [
        said_in(f) for f in facts if said_in(f)
    ]
