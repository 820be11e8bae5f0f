from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

import pytest

from streamchat.turns.process_query import GIVEN, BoundFunction, UnusableFunction, wanted_arguments
from streamchat.turns.query import Query
from tests.fakes.emitters import run


def plain(message: str) -> str:
    return message


def predecessor(
    message: str, use_history: bool = False, system_prompt: str | None = None, conversation_id: str | None = None
) -> str:
    return f"{message}|{use_history}|{system_prompt}|{conversation_id}"


async def coroutine(message: str, *, deadline: float) -> str:
    return f"{message} {deadline}"


def generator(message: str, user: str) -> Iterator[str]:
    yield message + user


async def async_generator(message: str, history: list[dict[str, str]]) -> AsyncIterator[str]:
    yield f"{message}{history}"


class Model:
    def __call__(self, message: str, profile: dict[str, Any]) -> str:
        return message

    def answer(self, message: str, cancelled: object) -> str:
        return message

    @classmethod
    def make(cls, message: str) -> str:
        return message

    @staticmethod
    def free(message: str) -> str:
        return message


def with_settings(message: str, model: str, temperature: float = 0.4) -> str:
    return f"{message} {model} {temperature}"


def everything(
    message: str,
    username: str,
    prompt: str,
    prompt_mode: str,
    system_prompt: str,
    conversation_id: str,
    history: object,
    use_history: bool,
    profile: object,
    user: str,
    request_id: str,
    attachments: object,
    deadline: float,
    cancelled: object,
    progress: object,
    tool_call: object,
    tool_result: object,
    media: object,
    usage: object,
    ask: object,
    inbox: object,
) -> str:
    return ",".join(locals())


@pytest.mark.parametrize(
    ("function", "wanted"),
    [
        (plain, ["message"]),
        (predecessor, ["message", "use_history", "system_prompt", "conversation_id"]),
        (coroutine, ["message", "deadline"]),
        (generator, ["message", "user"]),
        (async_generator, ["message", "history"]),
        (Model(), ["message", "profile"]),
        (Model().answer, ["message", "cancelled"]),
        (Model.make, ["message"]),
        (Model.free, ["message"]),
        (partial(with_settings, model="small"), ["message"]),
        (lambda message, progress: message, ["message", "progress"]),
        (lambda message, *more, **rest: message, ["message"]),
        (lambda *, message, unknown=1: message, ["message"]),
        (everything, list(GIVEN)),
    ],
)
def test_a_function_is_given_the_arguments_it_names_and_no_others(
    function: Callable[..., Any], wanted: list[str]
) -> None:
    assert sorted(wanted_arguments(function)) == sorted(wanted)


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (None, "must be callable, not NoneType"),
        ("module:function", "must be callable, not str"),
        (lambda: "hi", "must name an argument 'message'"),
        (lambda username: "hi", "must name an argument 'message'"),
        (lambda **anything: "hi", "must name an argument 'message'"),
        (lambda *anything: "hi", "must name an argument 'message'"),
        (lambda message, api_key: "hi", "needs 'api_key', which streamchat does not give"),
        (lambda message, a, b: "hi", "needs 'a', 'b'"),
        (with_settings, "needs 'model'"),
        (Model, "message"),
        (max, "can't be read"),
    ],
)
def test_a_function_that_cannot_be_called_is_refused_with_a_sentence(function: Any, sentence: str) -> None:
    with pytest.raises(UnusableFunction, match=sentence):
        BoundFunction(function)


def test_the_sentence_names_what_there_is() -> None:
    with pytest.raises(UnusableFunction, match=r"it gives: message, username, .*, inbox"):
        BoundFunction(lambda message, api_key: "hi")


def test_a_function_has_a_name_for_people() -> None:
    assert BoundFunction(plain).name == "plain"
    assert BoundFunction(plain, "mine:plain").name == "mine:plain"
    assert BoundFunction(Model()).name == "Model"
    assert BoundFunction(partial(with_settings, model="small")).name == "partial"


def test_a_function_takes_the_attachments_that_it_says() -> None:
    def seeing(message: str, attachments: object) -> str:
        return message

    assert BoundFunction(plain).attachment_types == ()
    assert BoundFunction(seeing).attachment_types == ("*/*",)
    seeing.attachment_types = ["image/*", "text/plain"]  # type: ignore[attr-defined]
    assert BoundFunction(seeing).attachment_types == ("image/*", "text/plain")


@pytest.mark.parametrize("types", ["image/*", [7], ["image/*", None], 7, None])
def test_types_that_are_no_list_of_texts_are_told_at_the_start(types: object) -> None:
    def seeing(message: str, attachments: object) -> str:
        return message

    seeing.attachment_types = types  # type: ignore[attr-defined]
    with pytest.raises(UnusableFunction, match="attachment_types"):
        BoundFunction(seeing)


def test_it_is_called_with_what_it_names() -> None:
    available = {name: name.upper() for name in GIVEN}
    assert BoundFunction(predecessor).call(available) == "MESSAGE|USE_HISTORY|SYSTEM_PROMPT|CONVERSATION_ID"
    assert BoundFunction(partial(with_settings, model="small")).call(available) == "MESSAGE small 0.4"


def test_everything_that_is_promised_is_really_given() -> None:
    ended, emitter = run(everything, Query(message="hello", username="ada"))
    assert ended.cause == "complete"
    assert sorted(emitter.texts[0].split(",")) == sorted(GIVEN)
