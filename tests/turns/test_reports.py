from base64 import b64encode
from typing import Any

import pytest

from streamchat.turns.events import Media, Progress, ToolCall, ToolResult, Usage
from streamchat.turns.reports import (
    MAX_ALT_CHARACTERS,
    MAX_PROGRESS_CHARACTERS,
    MAX_TOKENS,
    MAX_TYPE_CHARACTERS,
    MAX_URL_CHARACTERS,
    Reports,
)
from tests.fakes.emitters import ListEmitter


class Reporting(Reports):
    """The reports of a function, and what has become of them."""

    def __init__(self) -> None:
        self.told = ListEmitter()
        super().__init__(self.told)


@pytest.fixture
def reports() -> Reporting:
    return Reporting()


# Progress.


@pytest.mark.parametrize(
    ("percent", "shown"),
    [(None, None), (40, 40.0), (-5, 0.0), (250, 100.0), (float("nan"), None), (float("inf"), 100.0), ("12.5", 12.5)],
)
def test_progress_is_a_notice_with_a_percent_from_0_to_100(
    reports: Reporting, percent: Any, shown: float | None
) -> None:
    reports.progress("searching", percent)
    assert reports.told.notices == [Progress(message="searching", percent=shown)]
    assert reports.told.facts == []


def test_a_percent_that_is_no_number_is_the_functions_error(reports: Reporting) -> None:
    with pytest.raises(ValueError, match="half"):
        reports.progress("searching", "half")  # type: ignore[arg-type]
    assert reports.told.notices == []


def test_a_progress_message_is_whole_and_not_endless(reports: Reporting) -> None:
    reports.progress("\ud800" + "x" * 10_000)
    (notice,) = reports.told.notices
    assert isinstance(notice, Progress)
    assert notice.message == "\ufffd" + "x" * (MAX_PROGRESS_CHARACTERS - 1)


# Tokens.


def test_tokens_are_counted_in_whole_numbers(reports: Reporting) -> None:
    reports.usage(12, 0)
    reports.usage(prompt_tokens=12, completion_tokens=MAX_TOKENS)
    assert reports.told.facts == [
        Usage(prompt_tokens=12, completion_tokens=0),
        Usage(prompt_tokens=12, completion_tokens=MAX_TOKENS),
    ]


@pytest.mark.parametrize("wrong", [-1, MAX_TOKENS + 1, 1.0, "1", None, float("nan")])
def test_what_is_no_number_of_tokens_is_the_functions_error_and_not_counted(reports: Reporting, wrong: Any) -> None:
    for counts in ((wrong, 1), (1, wrong)):
        with pytest.raises((TypeError, ValueError)):
            reports.usage(*counts)
    assert reports.told.facts == []


# Tools.


def test_a_tool_is_called_and_answers_under_one_id(reports: Reporting) -> None:
    call_id = reports.tool_call("search", {"query": "rollup", "limit": 3})
    reports.tool_result(call_id, "search", ["a", {"b": None}])
    assert reports.told.facts == [
        ToolCall(call_id=call_id, name="search", arguments={"query": "rollup", "limit": 3}),
        ToolResult(call_id=call_id, name="search", result=["a", {"b": None}]),
    ]
    assert reports.tool_call("search") != call_id


def test_a_function_may_bring_its_own_id_and_say_that_a_tool_failed(reports: Reporting) -> None:
    assert reports.tool_call("fetch", call_id="mine") == "mine"
    reports.tool_result("mine", "fetch", "no such page", is_error=True)
    assert reports.told.facts == [
        ToolCall(call_id="mine", name="fetch", arguments=None),
        ToolResult(call_id="mine", name="fetch", result="no such page", is_error=True),
    ]


def test_a_tools_arguments_and_result_are_copies(reports: Reporting) -> None:
    given = {"query": ["one"]}
    reports.tool_call("search", given, call_id="c")
    reports.tool_result("c", "search", given)
    given["query"].append("two")
    assert reports.told.facts == [
        ToolCall(call_id="c", name="search", arguments={"query": ["one"]}),
        ToolResult(call_id="c", name="search", result={"query": ["one"]}),
    ]


@pytest.mark.parametrize("value", [{1, 2}, b"bytes", float("nan"), object()], ids=type)
def test_what_json_does_not_have_is_an_error_in_the_function_that_gave_it(reports: Reporting, value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        reports.tool_call("search", value)
    with pytest.raises((TypeError, ValueError)):
        reports.tool_result("c", "search", value)
    assert reports.told.facts == []


# Media.


def test_media_is_an_address_or_content_with_words_for_who_cannot_see_it(reports: Reporting) -> None:
    reports.media("image/png", url="https://example.org/a.png", alt="a cat")
    reports.media("audio/wav", content="UklGRg==")
    assert reports.told.facts == [
        Media(media_type="image/png", url="https://example.org/a.png", alt="a cat"),
        Media(media_type="audio/wav", content="UklGRg=="),
    ]


def test_bytes_become_base64_and_base64_stays_as_it_is(reports: Reporting) -> None:
    content = bytes(range(256))
    spelled = b64encode(content).decode()
    reports.media("audio/wav", content=content)
    reports.media("audio/wav", content=spelled)
    reports.media("audio/wav", content=b"")
    assert reports.told.facts == [Media(media_type="audio/wav", content=text) for text in (spelled, spelled, "")]


@pytest.mark.parametrize("content", ["UklGRg", "UklG Rg==", "UklGRg==\n", "not base64!", "熊猫", "UklGRg==UklGRg=="])
def test_content_that_is_neither_is_the_functions_error(reports: Reporting, content: str) -> None:
    with pytest.raises(ValueError, match="media takes content as bytes, or as base64"):
        reports.media("audio/wav", content=content)
    assert reports.told.facts == []


def test_media_have_bounds_that_a_frame_can_hold(reports: Reporting) -> None:
    longest = {"media_type": "x" * MAX_TYPE_CHARACTERS, "url": "x" * MAX_URL_CHARACTERS}
    reports.media(**longest, alt="x" * (MAX_ALT_CHARACTERS + 1))
    assert reports.told.facts == [Media(**longest, alt="x" * MAX_ALT_CHARACTERS)]
    for field, problem in (("media_type", "a media_type of at most 255"), ("url", "a url of at most 65536")):
        with pytest.raises(ValueError, match=problem):
            reports.media(**{**longest, field: longest[field] + "x"})
    assert len(reports.told.facts) == 1


@pytest.mark.parametrize("sources", [{}, {"url": "https://example.org", "content": "QQ=="}])
def test_media_without_a_source_or_with_two_is_the_functions_error(reports: Reporting, sources: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="media takes either url or content"):
        reports.media("image/png", **sources)  # type: ignore[arg-type]
    assert reports.told.facts == []


def test_nothing_that_is_reported_holds_what_no_wire_can_carry(reports: Reporting) -> None:
    reports.tool_call("s\ud800", {"k\ud800": ["\ud83d\ude00 \udfff"]}, call_id="c\ud800")
    reports.tool_result("c\ud800", "s\ud800", "\ud800")
    reports.media("image/\ud800", url="\ud800", alt="\ud800")
    assert reports.told.facts == [
        ToolCall(call_id="c\ufffd", name="s\ufffd", arguments={"k\ufffd": ["😀 \ufffd"]}),
        ToolResult(call_id="c\ufffd", name="s\ufffd", result="\ufffd"),
        Media(media_type="image/\ufffd", url="\ufffd", alt="\ufffd"),
    ]
