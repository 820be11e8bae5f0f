import asyncio
import contextvars
import threading
from dataclasses import dataclass
from datetime import date

import pytest

from streamchat.backends import tool_runner
from streamchat.backends.tool_runner import MAX_RESULT_CHARACTERS, BadArguments, Outcome, ToolRunner, arguments_of
from streamchat.backends.tools import tools_of

PATIENT = 600.0
PATIENCE_SECONDS = 20.0
asked_by = contextvars.ContextVar("asked_by", default="nobody")


@dataclass
class Book:
    title: str
    printed: date


def add(a: int, b: int = 1):
    return a + b


def who():
    return asked_by.get()


def book():
    return {"found": [Book("茶", date(2026, 1, 2))], "price": float("nan")}


def thing():
    return object()


def lost():
    raise KeyError("password=hunter2")


def wrong():
    raise ValueError("there is no city Ulmm")


def leaving():
    raise SystemExit(3)


def timing_out():
    raise TimeoutError


def endless():
    return "x" * (MAX_RESULT_CHARACTERS + 1)


def lines(count: int):
    for number in range(count):
        yield f"line {number}"


def breaking():
    yield "line 0"
    raise ValueError("the file ends here")


def for_good():
    while True:
        yield ""


def file_name():
    return "caf\udce9.txt"


async def twice(text: str):
    await asyncio.sleep(0)
    return 2 * text


async def failing():
    raise ConnectionError("10.0.0.7")


async def for_ever():
    await asyncio.Event().wait()


SIMPLE = (add, who, book, thing, lost, wrong, leaving, timing_out, endless, twice, failing, for_ever)
GENERATORS = (lines, breaking, for_good, file_name)


def outcome(name, arguments=None, *, functions=SIMPLE, seconds=PATIENT):
    return asyncio.run(ToolRunner(tools_of(functions), seconds).run(name, {} if arguments is None else arguments))


def error(sentence):
    return Outcome(result=sentence, told=f"Error: {sentence}", is_error=True)


def test_the_result_is_told_as_json():
    assert outcome("add", {"a": 2, "b": 3}) == Outcome(result=5, told="5")


def test_text_is_told_as_it_is():
    assert outcome("twice", {"text": "ab"}) == Outcome(result="abab", told="abab")


def test_records_and_dates_become_json_and_what_json_has_not_null():
    result = {"found": [{"title": "茶", "printed": "2026-01-02"}], "price": None}
    told = '{"found": [{"title": "茶", "printed": "2026-01-02"}], "price": null}'
    assert outcome("book") == Outcome(result=result, told=told)


def test_a_result_that_json_has_not_is_a_failure():
    assert outcome("thing") == error("thing returned what can't be shown")


def test_a_result_that_is_too_long_is_cut_and_says_so():
    cut = outcome("endless")
    assert cut.result == cut.told == "x" * MAX_RESULT_CHARACTERS + f"\n[cut: {MAX_RESULT_CHARACTERS + 1} characters]"


def test_the_words_of_a_value_error_are_told():
    assert outcome("wrong") == error("wrong: there is no city Ulmm")


def test_of_another_exception_only_the_type_is_told_and_logged_with_its_place(caplog):
    assert outcome("lost") == error("lost failed (KeyError)")
    assert "hunter2" not in caplog.text.replace('raise KeyError("password=hunter2")', "")
    assert "test_tool_runner.py" in caplog.text


@pytest.mark.parametrize(
    ("name", "kind"), [("leaving", "SystemExit"), ("timing_out", "TimeoutError"), ("failing", "ConnectionError")]
)
def test_a_tool_may_fail_in_any_way(name, kind):
    assert outcome(name) == error(f"{name} failed ({kind})")


def test_an_unknown_name_is_told_with_those_there_are():
    assert outcome("subtract", functions=(add, who)) == error("there is no tool 'subtract'; there are: add, who")


@pytest.mark.parametrize("arguments", [[], 5, "a"])
def test_arguments_that_are_no_object_are_refused(arguments):
    assert outcome("add", arguments) == error("the arguments must be a JSON object")


def test_arguments_that_do_not_fit_are_told_one_by_one():
    told = outcome("add", {"b": "x"}).result
    assert told == (
        "a: Missing required argument; b: Input should be a valid integer, unable to parse string as an integer"
    )


@pytest.mark.parametrize(("text", "arguments"), [("", {}), (" ", {}), ("null", {}), ('{"a": 1}', {"a": 1}), ("[]", [])])
def test_arguments_are_read_from_json(text, arguments):
    assert arguments_of(text) == arguments


@pytest.mark.parametrize("text", ["{", '{"a": 1} {', "a", "[" * 100_000])
def test_arguments_that_are_no_json_are_refused(text):
    with pytest.raises(BadArguments, match="not JSON"):
        arguments_of(text)


def test_what_a_generator_gives_is_a_list():
    assert outcome("lines", {"count": 2}, functions=GENERATORS).result == ["line 0", "line 1"]


def test_a_generator_may_fail_amid_its_items():
    assert outcome("breaking", functions=GENERATORS) == error("breaking: the file ends here")


def test_a_generator_that_does_not_end_is_past_its_time():
    assert outcome("for_good", functions=GENERATORS, seconds=0.01) == error("for_good took longer than 0.01 s")


def test_a_result_is_made_in_the_thread_of_its_function():
    made_in = []

    def slow():
        made_in.append(threading.get_ident())
        yield 1

    assert outcome("slow", functions=[slow]).result == [1]
    assert made_in != [threading.get_ident()]


def test_what_the_model_is_told_can_be_sent():
    assert outcome("file_name", functions=GENERATORS).told == "caf\ufffd.txt"


def test_a_function_runs_in_the_context_of_its_question():
    asked_by.set("ada")
    assert outcome("who").result == "ada"


def test_a_plain_function_does_not_hold_up_the_loop():
    async def ask():
        opened = threading.Event()

        def gate():
            return opened.wait(PATIENCE_SECONDS)

        runner = ToolRunner(tools_of([gate]), PATIENT)
        call = asyncio.create_task(runner.run("gate", {}))
        await asyncio.sleep(0)
        opened.set()
        return await call

    assert asyncio.run(ask()).result is True


def test_an_async_function_past_its_time_is_cancelled_and_told():
    assert outcome("for_ever", seconds=0.01) == error("for_ever took longer than 0.01 s")


def test_a_plain_function_past_its_time_is_left_behind_and_the_question_goes_on():
    opened, ended = threading.Event(), threading.Event()

    def gate():
        opened.wait(PATIENCE_SECONDS)
        ended.set()

    runner = ToolRunner(tools_of([gate]), 0.01)
    assert asyncio.run(runner.run("gate", {})) == error("gate took longer than 0.01 s")
    assert runner.left_behind == 1
    opened.set()
    assert ended.wait(PATIENCE_SECONDS)


def test_when_too_many_are_left_behind_none_is_begun(monkeypatch):
    monkeypatch.setattr(tool_runner, "MAX_LEFT_BEHIND", 1)
    opened, begun = threading.Event(), []

    def gate():
        begun.append(1)
        opened.wait(PATIENCE_SECONDS)

    runner = ToolRunner(tools_of([gate, twice]), 0.01)
    asyncio.run(runner.run("gate", {}))
    assert asyncio.run(runner.run("gate", {})) == error("gate can't be used now: too many calls are still running")
    assert not asyncio.run(runner.run("twice", {"text": "a"})).is_error
    assert begun == [1]
    opened.set()


def test_a_question_that_is_cancelled_is_over_when_its_function_is():
    async def ask():
        begun, opened, ended = asyncio.Event(), threading.Event(), []
        loop = asyncio.get_running_loop()

        def gate():
            loop.call_soon_threadsafe(begun.set)
            opened.wait(PATIENCE_SECONDS)
            ended.append(True)

        call = asyncio.create_task(ToolRunner(tools_of([gate]), PATIENT).run("gate", {}))
        await begun.wait()
        call.cancel()
        for _ in range(10):
            await asyncio.sleep(0)
        assert not call.done()
        opened.set()
        with pytest.raises(asyncio.CancelledError):
            await call
        return ended

    assert asyncio.run(ask()) == [True]
