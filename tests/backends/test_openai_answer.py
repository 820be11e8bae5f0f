import asyncio
import json
import threading
import time
from contextlib import aclosing

import pytest

pytest.importorskip("pycurl")

from streamchat.backends import openai_client
from streamchat.backends.openai_answer import CUT, Reports, answering, messages_for
from streamchat.backends.openai_errors import AnswerBroken, NoAnswer
from streamchat.backends.openai_reply import Usage
from streamchat.backends.openai_upstream import Upstream
from streamchat.backends.tool_runner import ToolRunner
from streamchat.backends.tools import tools_of
from tests.fakes.openai_upstream import (
    DONE,
    PATIENCE_SECONDS,
    Scene,
    calling,
    delta,
    refusing,
    saying,
    scripted,
)


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch):
    monkeypatch.setattr(openai_client, "FIRST_WAIT_SECONDS", 0.001)


def add(a: int, b: int):
    """Add two numbers."""
    return a + b


def broken():
    raise RuntimeError("secret")


class Told:
    """What was reported, in order."""

    def __init__(self):
        self.progress_said = []
        self.tools = []
        self.usage_said = []

    def progress(self, text, percent=None):
        self.progress_said.append((text, percent))

    def tool_call(self, name, arguments=None):
        self.tools.append(("call", name, arguments))
        return f"id_{name}_{sum(kind == 'call' for kind, *_ in self.tools)}"

    def tool_result(self, call_id, name, result, is_error=False):
        self.tools.append(("result", call_id, result, is_error))

    def usage(self, prompt_tokens, completion_tokens):
        self.usage_said.append((prompt_tokens, completion_tokens))

    @property
    def reports(self):
        return Reports(progress=self.progress, tool_call=self.tool_call, tool_result=self.tool_result, usage=self.usage)


class Asking:
    """One question to a scripted upstream."""

    def __init__(self, upstream, functions=(), message="What is 2 + 3?", tool_seconds=60.0, **settings):
        self.told = Told()
        self.settings = Upstream(**{"base_url": upstream.url, "model": "m"} | settings)
        runner = ToolRunner(tools_of(functions), tool_seconds)
        deadline = time.monotonic() + 600
        self.answering = answering(
            self.settings, runner, self.told.reports, message=message, deadline=deadline, request_id="req-1"
        )
        self.messages = messages_for(message, "Be short.", [])

    def pieces(self):
        return self.answering.answer(self.messages)


def asked(*scenes, **how):
    """The pieces that come of these scenes, the question, and the bodies that the upstream was sent."""

    async def ask():
        async with scripted(*scenes) as upstream:
            asking = Asking(upstream, **how)
            pieces = [piece async for piece in asking.pieces()]
            return pieces, asking, [each.body for each in upstream.asked]

    return asyncio.run(ask())


def fails(expected, *scenes, **how):
    async def ask():
        async with scripted(*scenes) as upstream:
            asking = Asking(upstream, **how)
            with pytest.raises(expected) as failed:
                async for _ in asking.pieces():
                    pass
            return str(failed.value), len(upstream.asked)

    return asyncio.run(ask())


def test_the_model_gets_prompt_history_and_question_in_this_order():
    history = [{"role": "user", "content": "One?"}, {"role": "assistant", "content": "Two."}]
    messages = messages_for("Three?", "Count.", history)
    assert [(entry["role"], entry["content"]) for entry in messages] == [
        ("system", "Count."),
        ("user", "One?"),
        ("assistant", "Two."),
        ("user", "Three?"),
    ]


def test_an_empty_prompt_is_left_out():
    assert [entry["role"] for entry in messages_for("Hi", "", [])] == ["user"]


@pytest.mark.parametrize("cut", CUT)
def test_the_model_does_not_read_our_own_remark_as_its_own(cut):
    history = [{"role": "user", "content": "One?"}, {"role": "assistant", "content": f"Two{cut}"}]
    assert messages_for("Go on", "", history)[1]["content"] == "Two"


def test_only_what_is_set_goes_into_the_request():
    body = asked(saying("5"))[2][0]
    assert body == {
        "model": "m",
        "messages": messages_for("What is 2 + 3?", "Be short.", []),
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_settings_go_into_the_request():
    body = asked(saying("5"), temperature=0.0, max_tokens=9, extra_body={"top_k": 3})[2][0]
    assert (body["temperature"], body["max_tokens"], body["top_k"]) == (0.0, 9, 3)


def test_the_extra_body_has_the_last_word():
    assert asked(saying("5"), extra_body={"stream_options": {"include_usage": False}})[2][0]["stream_options"] == {
        "include_usage": False
    }


def test_openai_s_own_server_is_told_the_length_by_its_newer_name():
    settings = Upstream(base_url="https://api.openai.com/v1", api_key="k", model="m", max_tokens=9)
    asking = answering(settings, ToolRunner((), 1.0), Told().reports, message="Hi", deadline=0.0)
    body = asking._body([], may_call=False)
    assert (body["max_completion_tokens"], "max_tokens" in body) == (9, False)


def test_the_request_s_id_is_passed_on():
    async def ask():
        async with scripted(saying("5")) as upstream:
            async for _ in Asking(upstream).pieces():
                pass
            return upstream.asked[0].headers["x-request-id"]

    assert asyncio.run(ask()) == "req-1"


@pytest.mark.parametrize(("message", "cut"), [("Why?", CUT[0]), ("为什么？", CUT[1])])
def test_an_answer_that_reached_its_limit_says_so_in_the_language_of_the_question(message, cut):
    assert asked(saying("Because", finish_reason="length"), message=message)[0] == ["Because", cut]


def test_usage_is_told():
    assert asked(saying("5", usage=(7, 3)))[1].told.usage_said == [(7, 3)]


def test_a_server_that_counts_nothing_leaves_the_answer_without_a_figure():
    assert asked(saying("5"))[1].told.usage_said == []


def test_usage_adds_up_over_rounds():
    call = calling(("add", '{"a": 2, "b": 3}'))
    counted = Scene(pieces=[*call.pieces[:-1], saying("", usage=(10, 20)).pieces[-2], DONE])
    asking = asked(counted, saying("5", usage=(1, 2)), functions=[add])[1]
    assert asking.answering.usage == Usage(prompt_tokens=11, completion_tokens=22)
    assert asking.told.usage_said == [(10, 20), (11, 22)]


def test_reasoning_is_progress_and_no_part_of_the_answer():
    scene = Scene(pieces=[delta(reasoning="Hm"), delta(reasoning="..."), delta(content="5"), delta("stop"), DONE])
    pieces, asking, _ = asked(scene)
    assert pieces == ["5"]
    assert asking.told.progress_said == [("The model is thinking...", None)]


def test_a_wait_before_a_retry_is_progress():
    asking = asked(refusing(429, Retry_After="0.01"), saying("5"), message="二加三？")[1]
    assert asking.told.progress_said == [("模型繁忙，1 秒后重试...", None)]


@pytest.mark.parametrize("scene", [saying(), saying(""), Scene(pieces=[delta(reasoning="Hm"), delta("stop"), DONE])])
def test_an_end_without_a_word_is_a_failure(scene):
    assert "without a word" in fails(NoAnswer, scene)[0]


def test_a_tool_is_shown_run_and_its_result_fed_back():
    pieces, asking, bodies = asked(calling(("add", '{"a": 2, "b": 3}')), saying("It is", " 5."), functions=[add])
    assert pieces == ["It is", " 5."]
    assert asking.told.tools == [("call", "add", {"a": 2, "b": 3}), ("result", "id_add_1", 5, False)]
    assert bodies[0]["tools"][0]["function"]["name"] == "add"
    assert bodies[0]["tool_choice"] == "auto"
    function = {"name": "add", "arguments": '{"a": 2, "b": 3}'}
    assert bodies[1]["messages"][2:] == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "up_0", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "up_0", "content": "5"},
    ]


def test_several_calls_in_one_message_are_each_answered():
    calls = calling(("add", '{"a": 1, "b": 1}'), ("add", '{"a": 2, "b": 2}'))
    _, asking, bodies = asked(calls, saying("2 and 4"), functions=[add])
    assert [entry["content"] for entry in bodies[1]["messages"][-2:]] == ["2", "4"]
    assert [told[0] for told in asking.told.tools] == ["call", "call", "result", "result"]


def test_several_calls_run_side_by_side():
    """Each of the two waits for the other."""
    both = threading.Barrier(2)

    def meet(place: str):
        both.wait(PATIENCE_SECONDS)
        return place

    pieces, asking, _ = asked(
        calling(("meet", '{"place": "a"}'), ("meet", '{"place": "b"}')), saying("met"), functions=[meet]
    )
    assert pieces == ["met"]
    assert not any(told[3] for told in asking.told.tools if told[0] == "result")


def test_what_the_model_says_beside_a_call_is_part_of_the_answer_and_a_paragraph_of_its_own():
    pieces, _, bodies = asked(
        calling(("add", '{"a": 2, "b": 3}'), text="Let me see."), saying("It", " is 5."), functions=[add]
    )
    assert pieces == ["Let me see.", "\n\nIt", " is 5."]
    assert bodies[1]["messages"][2]["content"] == "Let me see."


@pytest.mark.parametrize(
    ("call", "shown", "told"),
    [
        (("add", '{"a": 2'), '{"a": 2', "the arguments are not JSON"),
        (("add", "[2, 3]"), [2, 3], "the arguments must be a JSON object"),
        (("add", '{"a": 2}'), {"a": 2}, "b: Missing required argument"),
        (("subtract", "{}"), {}, "there is no tool 'subtract'; there are: add, broken"),
        (("broken", ""), {}, "broken failed (RuntimeError)"),
    ],
)
def test_a_call_that_fails_is_shown_and_told_and_the_answer_goes_on(call, shown, told):
    pieces, asking, bodies = asked(calling(call), saying("Sorry."), functions=[add, broken])
    assert pieces == ["Sorry."]
    assert asking.told.tools[0] == ("call", call[0], shown)
    assert asking.told.tools[1][3] is True
    assert asking.told.tools[1][2].startswith(told)
    assert bodies[1]["messages"][-1]["content"].startswith(f"Error: {told}")
    assert "secret" not in json.dumps(bodies[1])


def test_a_tool_past_its_time_is_told_and_the_answer_goes_on():
    opened = threading.Event()

    def gate():
        opened.wait(PATIENCE_SECONDS)

    pieces, asking, _ = asked(calling(("gate", "{}")), saying("Never mind."), functions=[gate], tool_seconds=0.01)
    opened.set()
    assert pieces == ["Never mind."]
    assert asking.told.tools[1][2:] == ("gate took longer than 0.01 s", True)


def test_after_the_last_round_the_model_must_answer():
    call = calling(("add", '{"a": 2, "b": 3}'))
    pieces, _, bodies = asked(call, call, saying("5, and 5 again."), functions=[add], tool_rounds=2)
    assert pieces == ["5, and 5 again."]
    assert [body["tool_choice"] for body in bodies] == ["auto", "auto", "none"]


def test_a_model_that_calls_tools_for_ever_is_stopped():
    told, times = fails(NoAnswer, calling(("add", '{"a": 2, "b": 3}')), functions=[add], tool_rounds=2)
    assert "asked for tools more than 2 times" in told
    assert times == 3


def test_a_call_that_was_cut_at_the_limit_is_not_made():
    scene = Scene(pieces=[*calling(("add", '{"a": 2')).pieces[:-2], delta("length"), DONE])
    pieces, asking, bodies = asked(scene, functions=[add])
    assert (pieces, asking.told.tools, len(bodies)) == ([CUT[0]], [], 1)


def test_calls_are_made_even_if_the_server_calls_its_message_finished():
    scene = Scene(pieces=[*calling(("add", '{"a": 2, "b": 3}')).pieces[:-2], delta("stop"), DONE])
    assert asked(scene, saying("5"), functions=[add])[0] == ["5"]


def test_a_call_is_told_even_if_no_tools_were_offered():
    assert "asked for tools" in fails(NoAnswer, calling(("add", "{}")))[0]


def test_reasoning_before_a_call_is_given_back():
    call = calling(("add", '{"a": 2, "b": 3}'))
    scene = Scene(pieces=[delta(reasoning_content="I must add."), *call.pieces])
    bodies = asked(scene, saying("5"), functions=[add])[2]
    assert bodies[1]["messages"][2]["reasoning_content"] == "I must add."


def test_a_stream_that_breaks_after_tools_have_run_is_asked_for_again():
    """Nothing of that message had come, and the tools are not run twice."""
    call = calling(("add", '{"a": 2, "b": 3}'))
    pieces, asking, bodies = asked(call, Scene(ending="cut"), saying("5"), functions=[add])
    assert (pieces, len(bodies), len(asking.told.tools)) == (["5"], 3, 2)


def test_a_stream_that_breaks_within_a_call_runs_nothing():
    scene = Scene(pieces=calling(("add", '{"a": 2, "b": 3}')).pieces[:-2], ending="cut")
    assert "broke off" in fails(AnswerBroken, scene, functions=[add])[0]


def test_leaving_while_a_tool_runs_ends_the_question():
    async def leave():
        async with scripted(calling(("wait", "{}"))) as upstream:
            begun, cancelled = asyncio.Event(), []

            async def wait():
                begun.set()
                try:
                    await asyncio.Event().wait()
                finally:
                    cancelled.append(True)

            asking = Asking(upstream, [wait])
            task = asyncio.create_task(_exhaust(asking.pieces()))
            await asyncio.wait_for(begun.wait(), PATIENCE_SECONDS)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            return cancelled, asking.told.tools

    assert asyncio.run(leave()) == ([True], [("call", "wait", {})])


async def _exhaust(pieces):
    async with aclosing(pieces):
        async for _ in pieces:
            pass
