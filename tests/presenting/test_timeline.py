from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from streamchat.presenting.answer_text import SLICE_CHARACTERS
from streamchat.presenting.frames import AnyFrame, Frame, Payload
from streamchat.presenting.payloads import MEDIA_PART_CHARACTERS, error_payload
from streamchat.presenting.styles import ADVANCED, BASIC, RAW, SMART, StreamStyle
from streamchat.presenting.timeline import Timeline
from streamchat.turns.events import (
    Answer,
    Ended,
    Fact,
    Media,
    Started,
    ToolCall,
    ToolResult,
    Withdrawn,
)
from tests.fakes.audience import presenter_of, text_of, timeline_of, watch
from tests.fakes.executors import COMPLETE

STARTED = (0.0, Started())


def step(timeline: Timeline, most: int = 1) -> list[AnyFrame]:
    """The frames of one step."""
    frames: list[AnyFrame] = []
    timeline.step(frames, most)
    return frames


def shown(*facts: tuple[float, Fact], style: StreamStyle = SMART, size: int | None = 3) -> list[tuple[float, Frame]]:
    """Every durable frame of a log that begins at 0, and when it is due."""
    timeline = timeline_of(style, size=size)
    timeline.feed([STARTED, *((at, fact) for at, fact in facts)])
    frames = []
    while (due := timeline.due) < inf:
        frames += [(due, frame) for frame in step(timeline)]
    return frames


def payloads(frames: list[tuple[float, Frame]]) -> list[Payload]:
    return [frame.payload for _, frame in frames]


def statuses(frames: list[tuple[float, Frame]]) -> list[str]:
    return [frame.payload["status"] for _, frame in frames]


def test_nothing_is_due_before_anything_has_happened() -> None:
    timeline = timeline_of(SMART)
    assert timeline.due == inf
    assert step(timeline) == []
    assert (timeline.started_at, timeline.answered_at, timeline.number) == (None, None, 0)


def test_durable_frames_are_counted_from_one_and_the_last_is_terminal() -> None:
    frames = shown((2.0, Answer(text="abcdefgh")), (2.0, COMPLETE))
    assert statuses(frames) == ["processing_complete", *["streaming"] * 3, "complete"]
    assert [frame.number for _, frame in frames] == [1, 2, 3, 4, 5]
    assert [frame.is_terminal for _, frame in frames] == [False] * 4 + [True]
    assert all(frame.is_durable for _, frame in frames)


def test_the_answer_is_announced_at_once_and_its_first_chunk_does_not_wait() -> None:
    frames = shown((2.0, Answer(text="abcdefgh")), (2.0, COMPLETE))
    assert [at for at, _ in frames[:2]] == [2.0, 2.0]


def test_chunks_follow_at_the_pace_of_the_style_and_the_end_follows_the_last() -> None:
    frames = shown((2.0, Answer(text="abcdef.gh")), (2.0, COMPLETE))
    assert [at for at, _ in frames] == pytest.approx([2.0, 2.0, 2.095, 2.19, 2.19])
    with_stop = shown((2.0, Answer(text="ab.cde")), (2.0, COMPLETE))
    assert [at for at, _ in with_stop] == pytest.approx([2.0, 2.0, 2.175, 2.175])


def test_total_time_counts_from_the_acceptance_to_the_end() -> None:
    (*_, (at, end)) = shown((2.0, Answer(text="abcdef")), (2.0, COMPLETE))
    assert end.payload == {
        "success": True,
        "data": "",
        "status": "complete",
        "is_complete": True,
        "total_time": round(at, 1),
    }
    (*_, (_, basic_end)) = shown((2.0, Answer(text="abcdef")), (2.0, COMPLETE), style=BASIC)
    assert basic_end.payload == {"success": True, "data": "", "status": "complete", "is_complete": True}


@pytest.mark.parametrize("length", [0, 1, 20, 999, 5_000, 60_000, 1_000_000])
@pytest.mark.parametrize("style", [BASIC, ADVANCED, SMART], ids=lambda style: style.name)
def test_a_whole_answer_is_shown_within_ten_seconds(style: StreamStyle, length: int) -> None:
    answer = "你好。" * (length // 3) + "!" * (length % 3)
    frames = shown((7.0, Answer(text=answer)), (7.0, COMPLETE), style=style, size=20)
    times = [at for at, _ in frames]
    assert times == sorted(times)
    assert times[-1] <= 17.0 + 1e-6
    assert text_of([frame for _, frame in frames]) == answer


def test_a_long_answer_is_chunked_slice_by_slice_across_the_joints() -> None:
    answer = "".join(chr(0x4E00 + number % 5_000) for number in range(3 * SLICE_CHARACTERS + 1))
    frames = shown((1.0, Answer(text=answer)), (1.0, COMPLETE), size=7)
    chunks = [payload["data"] for payload in payloads(frames) if payload["status"] == "streaming"]
    assert "".join(chunks) == answer
    assert [len(chunk) for chunk in chunks[:-1]] == [7] * (len(chunks) - 1)
    assert payloads(frames)[-2]["streaming_progress"] == 100.0


def test_without_a_chunker_the_text_is_handed_on_as_it_comes() -> None:
    frames = shown((1.0, Answer(text="one\r\ntwo")), (1.0, COMPLETE), style=RAW, size=None)
    assert [payload["data"] for payload in payloads(frames)] == ["", "one\r\ntwo", ""]
    live = shown((1.0, "one\r\n"), (2.0, "two"), (2.5, COMPLETE), style=RAW, size=None)
    assert [(at, frame.payload["data"]) for at, frame in live] == [(1.0, ""), (1.0, "one\r\n"), (2.0, "two"), (2.5, "")]


def test_an_empty_answer_is_announced_and_complete() -> None:
    for facts in ([(2.0, Answer(text="")), (2.0, COMPLETE)], [(2.0, COMPLETE)]):
        assert statuses(shown(*facts)) == ["processing_complete", "complete"]


# A source that is still talking.


def test_a_live_source_has_no_total_until_it_has_ended() -> None:
    frames = shown((1.0, "abcdef"), (1.05, COMPLETE), style=BASIC)
    places = [
        (payload["data"], payload["progress"], payload["total_length"], payload["current_position"])
        for payload in payloads(frames)
        if payload["status"] == "streaming"
    ]
    # The second chunk waits for its pause, and by then the source has ended.
    assert places == [("abc", None, None, 3), ("def", 100.0, 6, 6)]


def test_smart_says_null_too_while_a_source_is_live() -> None:
    frames = shown((1.0, "abc"), (9.0, COMPLETE))
    assert payloads(frames)[1]["streaming_progress"] is None


def test_what_the_chunker_held_back_follows_at_the_end_of_the_source() -> None:
    frames = shown((1.0, "ab"), (1.5, COMPLETE))
    assert [(at, frame.payload["data"]) for at, frame in frames] == [(1.0, ""), (1.5, "ab"), (1.5, "")]


def test_what_a_quiet_source_has_left_in_the_chunker_is_shown_after_a_second() -> None:
    frames = shown((1.0, "abcd"), (9.0, "ef"), (9.5, COMPLETE))
    assert [(at, frame.payload["data"]) for at, frame in frames if frame.payload["data"]] == [
        (1.0, "abc"),
        (2.0, "d"),
        (9.5, "ef"),
    ]


def test_a_cluster_that_may_still_grow_is_held_back_from_a_quiet_source() -> None:
    frames = shown((1.0, "a👩"), (5.0, "\u200d🚀"), (5.5, COMPLETE), size=9)
    assert [(at, frame.payload["data"]) for at, frame in frames if frame.payload["data"]] == [
        (2.0, "a"),
        (5.5, "👩\u200d🚀"),
    ]


def test_what_follows_a_cluster_that_was_held_back_has_a_second_of_its_own() -> None:
    frames = shown((1.0, "a👩"), (5.0, "bc"), (9.0, "d"), (9.5, COMPLETE), size=9)
    assert [(at, frame.payload["data"]) for at, frame in frames if frame.payload["data"]] == [
        (2.0, "a"),
        (6.0, "👩bc"),
        (9.5, "d"),
    ]


def test_a_slow_source_is_never_delayed() -> None:
    frames = shown(*((float(n), "abc") for n in range(1, 20)), (20.0, COMPLETE), style=ADVANCED)
    assert [at for at, _ in frames] == [1.0, *(float(n) for n in range(1, 20)), 20.0]


LIVE = some.lists(some.tuples(some.sampled_from([0.0, 0.001, 0.02, 0.3, 2.0]), some.integers(1, 400)), max_size=40)


@settings(deadline=None)
@given(LIVE, some.sampled_from([BASIC, ADVANCED, SMART]), some.integers(1, 40))
def test_a_live_source_is_never_trailed_by_more_than_a_second(
    pieces: list[tuple[float, int]], style: StreamStyle, size: int
) -> None:
    at, length, facts, arrivals = 1.0, 0, list[tuple[float, Fact]](), list[tuple[int, float]]()
    for gap, count in pieces:
        at, length = at + gap, length + count
        facts.append((at, "x" * count))
        arrivals.append((length, at))
    ended_at = at + 0.1
    arrivals.append((length, ended_at))
    position = 0
    for due, frame in shown(*facts, (ended_at, COMPLETE), style=style, size=size):
        position += len(frame.payload["data"])
        arrived = next(arrived for upto, arrived in arrivals if upto >= position)
        assert due <= arrived + 1.0 + 1e-9
    assert position == length


def test_text_and_reports_stay_in_their_order() -> None:
    frames = shown(
        (1.0, ToolCall(call_id="c", name="search", arguments={"q": "x"})),
        (2.0, ToolResult(call_id="c", name="search", result=["found"])),
        (3.0, "abcd"),
        (3.0, ToolCall(call_id="d", name="fetch", arguments=None)),
        (3.0, "e"),
        (4.0, COMPLETE),
    )
    assert [(payload["status"], payload["data"]) for payload in payloads(frames)] == [
        ("tool_call", ""),
        ("tool_result", ""),
        ("processing_complete", ""),
        ("streaming", "abc"),
        ("streaming", "d"),
        ("tool_call", ""),
        ("streaming", "e"),
        ("complete", ""),
    ]
    assert payloads(frames)[0] == {
        "success": True,
        "data": "",
        "status": "tool_call",
        "call_id": "c",
        "name": "search",
        "arguments": {"q": "x"},
    }
    assert payloads(frames)[1] == {
        "success": True,
        "data": "",
        "status": "tool_result",
        "call_id": "c",
        "name": "search",
        "result": ["found"],
        "is_error": False,
    }


def test_an_address_is_one_media_frame_and_content_comes_in_parts() -> None:
    content = "A" * (2 * MEDIA_PART_CHARACTERS + 1)
    frames = shown(
        (1.0, Media(media_type="image/png", url="https://example.org/a.png", alt="a cat")),
        (1.0, Media(media_type="image/png", content=content)),
        (1.0, Media(media_type="image/png", content="")),
        (2.0, COMPLETE),
    )
    media = [payload for payload in payloads(frames) if payload["status"] == "media"]
    assert media[0] == {
        "success": True,
        "data": "",
        "status": "media",
        "media_type": "image/png",
        "url": "https://example.org/a.png",
        "part": 1,
        "parts": 1,
        "alt": "a cat",
    }
    assert [(payload["part"], payload["parts"]) for payload in media] == [(1, 1), (1, 3), (2, 3), (3, 3), (1, 1)]
    assert "".join(payload["content"] for payload in media[1:4]) == content
    assert list(media[1]) == ["success", "data", "status", "media_type", "content", "part", "parts", "alt"]


# Ends.


@pytest.mark.parametrize(
    ("ended", "payload"),
    [
        (
            Ended(cause="error", code="processing_error", reason="raised", detail="Traceback: secret"),
            {
                "success": False,
                "error": "处理过程中发生错误",
                "status": "error",
                "is_complete": True,
                "code": "processing_error",
            },
        ),
        (
            Ended(cause="error", code="processing_error", reason="not_text"),
            {
                "success": False,
                "error": "处理过程中发生错误：返回的内容不是文本",
                "status": "error",
                "is_complete": True,
                "code": "processing_error",
            },
        ),
        (
            Ended(cause="error", code="shutting_down", reason="shutdown", worker="running"),
            {
                "success": False,
                "error": "服务正在关闭，请稍后重试",
                "status": "error",
                "is_complete": True,
                "code": "shutting_down",
            },
        ),
        (
            Ended(cause="timeout", code="timeout", reason="deadline", worker="running"),
            {
                "success": False,
                "error": "处理超时，请稍后重试",
                "status": "timeout",
                "is_complete": True,
                "elapsed_time": 150.5,
                "code": "timeout",
            },
        ),
        (
            Ended(cause="cancelled", code="cancelled", reason="owner", worker="running"),
            {
                "success": False,
                "error": "已取消",
                "status": "cancelled",
                "is_complete": True,
                "worker": "running",
                "code": "cancelled",
            },
        ),
    ],
    ids=lambda value: getattr(value, "reason", ""),
)
def test_every_other_end_is_one_frame_with_its_fields_in_order(ended: Ended, payload: Payload) -> None:
    ((at, frame),) = shown((150.5, ended))
    assert frame == Frame(payload, 1, is_terminal=True)
    assert list(frame.payload) == list(payload)
    assert at == 150.5


def test_elapsed_counts_from_the_start_of_the_work_not_from_the_queue() -> None:
    timeline = timeline_of(SMART)
    timeline.feed([(40.0, Started()), (50.0, Ended(cause="timeout", code="timeout"))])
    step(timeline)
    step(timeline)
    (frame,) = step(timeline)
    assert frame.payload["elapsed_time"] == 10.0


def test_an_error_shows_at_once_what_came_before_it() -> None:
    frames = shown((1.0, "abcdefghij"), (1.1, Ended(cause="error", code="processing_error", reason="raised")))
    assert text_of([frame for _, frame in frames]) == "abcdefghij"
    assert statuses(frames)[-1] == "error"
    assert frames[-1][0] <= 1.1


def test_a_cancel_shows_no_more_of_it() -> None:
    frames = shown((1.0, "abcdefghij"), (1.05, Ended(cause="cancelled", code="cancelled", reason="owner")))
    assert statuses(frames) == ["processing_complete", "streaming", "cancelled"]
    assert frames[-1][0] == pytest.approx(1.05)


def test_a_turn_that_ends_before_it_began_is_one_frame() -> None:
    timeline = timeline_of(SMART)
    timeline.feed([(3.0, Ended(cause="cancelled", code="cancelled", reason="owner"))])
    assert step(timeline) == []
    (frame,) = step(timeline)
    assert (frame.payload["status"], frame.number, frame.is_terminal) == ("cancelled", 1, True)


@pytest.mark.parametrize(("cause", "code"), [("cancelled", "cancelled"), ("error", "shutting_down")])
def test_a_withdrawn_answer_breaks_off_with_a_clear_frame(cause: str, code: str) -> None:
    frames = shown(
        (1.0, Answer(text="x" * 3_000)),
        (1.0, COMPLETE),
        (2.0, Withdrawn(cause=cause, code=code)),  # type: ignore[arg-type]
    )
    assert frames[-1][0] == 2.0
    assert (frames[-1][1].payload["status"], frames[-1][1].payload["code"]) == (cause, code)
    assert [frame.is_terminal for _, frame in frames].count(True) == 1
    assert 0 < len(text_of([frame for _, frame in frames])) < 3_000


def test_what_is_withdrawn_after_everything_was_shown_changes_nothing() -> None:
    frames = shown((1.0, Answer(text="abc")), (1.0, COMPLETE), (9.0, Withdrawn(cause="cancelled", code="cancelled")))
    assert statuses(frames) == ["processing_complete", "streaming", "complete"]


def test_after_the_terminal_frame_nothing_is_due() -> None:
    timeline = timeline_of(SMART)
    timeline.feed([STARTED, (1.0, COMPLETE)])
    while not timeline.is_finished:
        step(timeline)
    assert timeline.due == inf


def test_an_error_payload_may_stand_alone() -> None:
    assert error_payload("No", "unauthorized") == {
        "success": False,
        "error": "No",
        "status": "error",
        "is_complete": True,
        "code": "unauthorized",
    }


def test_every_end_is_said_in_the_readers_language() -> None:
    log = [STARTED, (1.0, Ended(cause="timeout", code="timeout"))]
    errors = [watch(presenter_of(SMART, lang=lang), log)[-1].payload["error"] for lang in ("zh", "en")]
    assert errors == ["处理超时，请稍后重试", "Processing timed out, please try again later"]
