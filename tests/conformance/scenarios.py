"""The scenarios: what a function does, what the client is to do, and what its user must have seen. For every client.

A client that can't do what a scenario asks says why; nothing here knows a client.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.conformance.seen import Act, Seen
from tests.conformance.stage import COMMENT, FIRST, FIRST_SAID, SECOND, SHOWN_AT_ONCE, Stage
from tests.handlers.house import ALICE, PROFILE, ProcessQuery
from tests.handlers.raw_client import PATIENCE_SECONDS

# Fails where the client did not see what it should; returns what there is to say beyond "yes", or "".
Look = Callable[[Seen, Stage], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One row of the table. ``function`` makes the function that the server is to serve."""

    name: str
    title: str
    function: Callable[[Stage], ProcessQuery]
    look: Look
    act: Act = "read"
    token: str = ALICE
    profile: str = PROFILE
    settings: Mapping[str, Any] = field(default_factory=dict)


def _tells(text: str) -> Callable[[Stage], ProcessQuery]:
    return lambda stage: lambda message: text


def _is_all(text: str) -> Look:
    def look(seen: Seen, stage: Stage) -> str:
        _check(seen, text=text, end="complete")
        return ""

    return look


def _is_error(text: str = "", **expected: Any) -> Look:
    """The text so far, and an error. A client need not tell all of an error, but what it tells must be so."""

    def look(seen: Seen, stage: Stage) -> str:
        error = seen.error
        assert error is not None, seen
        _check(seen, text=text, end="error", error=error)
        for name, told in error.items():
            assert told in expected[name], (name, told)
        return ", ".join(error) or "that it failed"

    return look


def _check(seen: Seen, **expected: Any) -> None:
    assert seen == Seen(**expected), f"{seen} is not {expected}"


def _slow(stage: Stage) -> ProcessQuery:
    def answer(message: str) -> Iterator[str]:
        stage.wait_until_said(COMMENT, COMMENT)
        yield FIRST
        stage.wait_until_said(FIRST_SAID, COMMENT, COMMENT)
        yield SECOND

    return answer


def _failing(stage: Stage) -> ProcessQuery:
    def answer(message: str) -> Iterator[str]:
        yield FIRST
        raise ValueError("no further")

    return answer


def _endless(stage: Stage) -> ProcessQuery:
    def answer(message: str, cancelled: Any) -> Iterator[str]:
        yield FIRST
        stage.wait_for_stop(cancelled)

    return answer


def _was_stopped(seen: Seen, stage: Stage) -> str:
    assert seen.text in SHOWN_AT_ONCE
    _check(seen, text=seen.text, end="stopped")
    assert stage.stopped.wait(PATIENCE_SECONDS)
    return ""


def _interrupted(stage: Stage) -> ProcessQuery:
    stage.is_cutting = True

    def answer(message: str) -> Iterator[str]:
        yield FIRST
        stage.wait_for_return()
        yield SECOND

    return answer


def _has_come_back(seen: Seen, stage: Stage) -> str:
    assert stage.was_cut
    _check(seen, text=FIRST + SECOND, end="complete")
    return ""


def _uses_tool(stage: Stage) -> ProcessQuery:
    def answer(message: str, tool_call: Any, tool_result: Any) -> Iterator[str]:
        yield FIRST
        tool_result(tool_call("search", {"q": "卷叠\u2028"}), "search", {"found": [1, None]})
        yield SECOND

    return answer


def _shows_tool(seen: Seen, stage: Stage) -> str:
    tool = {"name": "search", "arguments": {"q": "卷叠\u2028"}, "output": {"found": [1, None]}}
    _check(seen, text=FIRST + SECOND, end="complete", tools=[tool])
    return ""


def _counts(stage: Stage) -> ProcessQuery:
    def answer(message: str, usage: Any) -> Iterator[str]:
        yield FIRST
        usage(7, 5)

    return answer


def _shows_count(seen: Seen, stage: Stage) -> str:
    _check(seen, text=FIRST, end="complete", tokens=12)
    return ""


def _reports(stage: Stage) -> ProcessQuery:
    def answer(message: str, progress: Any) -> str:
        progress("looking it up", 40)
        stage.wait_until_said(rb'"progress":40')
        return FIRST

    return answer


def _shows_progress(seen: Seen, stage: Stage) -> str:
    _check(seen, text=FIRST, end="complete")
    assert 40 in seen.progress
    return ""


def _was_sent_away(seen: Seen, stage: Stage) -> str:
    _check(seen, text=FIRST, end="complete")
    assert stage.has_said(rb"HTTP/1.1 200", rb'"status":"complete"', rb"HTTP/1.1 204")
    return ""


CHINESE = "你好，世界！今天天气很好，我们去公园散步吧。「真的吗？」……她说——当然。"
EMOJI = "family 👨‍👩‍👧‍👦, flags 🏳️‍🌈🇨🇭🇹🇼, tone 👍🏽, heart ❤️, keycap 3️⃣, accent e\u0301"
LINE_ENDS = "a\u2028b\u2029c\u0085d\r\ne\rf\n\ng\x0bh\x0ci\x1cj\x1dk\x1el \ttab "
LIKE_THE_WIRE = (
    'data: [DONE]\n\nid: 7\n\n: ping\n\nevent: error\ndata: {"error": "no"}\n\n\\u2028 "quoted" \\ </script>'
)
LONG = "长长的回答，没有尽头。" * 10_000

_NOT_FOUND = {"status": [404], "code": ["profile_not_found", "model_not_found"], "sentence": ["User profile not found"]}
# A request that is refused has its sentence in Chinese where its body, which has the language, was not read.
_NO_TOKEN = {
    "status": [401],
    "code": ["unauthorized", "invalid_api_key"],
    "sentence": ["未授权：缺少令牌或令牌无效"],
}
_FAILED = {"code": ["processing_error"], "sentence": ["An error occurred while processing"]}

SCENARIOS = (
    Scenario(name="answer", title="an answer to its end", function=_tells(FIRST), look=_is_all(FIRST)),
    Scenario(
        name="before",
        title="an error before the first byte: an unknown profile",
        function=_tells(FIRST),
        look=_is_error(**_NOT_FOUND),
        profile="Nobody",
    ),
    Scenario(
        name="token",
        title="a token, or ticket, that is none",
        function=_tells(FIRST),
        look=_is_error(**_NO_TOKEN),
        token="wrong",
    ),
    Scenario(
        name="middle",
        title="an error in the middle, after the text so far",
        function=_failing,
        look=_is_error(FIRST, **_FAILED),
    ),
    Scenario(
        name="keepalives",
        title="keep-alives before and in the answer",
        function=_slow,
        look=_is_all(FIRST + SECOND),
        settings={"keepalive": 0.05},
    ),
    Scenario(
        name="stop",
        title="the client's own stop ends the work",
        function=_endless,
        look=_was_stopped,
        act="stop",
        # Nothing else stops it: the work would go on for an hour.
        settings={"linger": 3_600.0},
    ),
    Scenario(
        name="resume",
        title="back after a cut, with nothing lost or twice",
        function=_interrupted,
        look=_has_come_back,
        act="resume",
    ),
    Scenario(name="chinese", title="Chinese", function=_tells(CHINESE), look=_is_all(CHINESE)),
    Scenario(name="emoji", title="emoji: ZWJ, flags, tones", function=_tells(EMOJI), look=_is_all(EMOJI)),
    Scenario(
        name="line_ends",
        title="U+2028, U+2029, U+0085 and all ends of lines",
        function=_tells(LINE_ENDS),
        look=_is_all(LINE_ENDS),
    ),
    Scenario(
        name="like_the_wire",
        title="an answer that looks like events",
        function=_tells(LIKE_THE_WIRE),
        look=_is_all(LIKE_THE_WIRE),
    ),
    Scenario(name="long", title="110,000 characters at once", function=_tells(LONG), look=_is_all(LONG)),
    Scenario(name="tools", title="a tool that the function has used", function=_uses_tool, look=_shows_tool),
    Scenario(name="usage", title="tokens that the function has counted", function=_counts, look=_shows_count),
    Scenario(name="progress", title="progress", function=_reports, look=_shows_progress),
    Scenario(
        name="stay",
        title="comes back after the end, and 204 ends that",
        function=_tells(FIRST),
        look=_was_sent_away,
        act="stay",
    ),
    Scenario(
        name="whole", title="one body instead of a stream", function=_tells(CHINESE), look=_is_all(CHINESE), act="whole"
    ),
)
