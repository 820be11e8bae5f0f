"""``ask`` and ``inbox`` as a function meets them; the test is the turn and its user."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from typing import Any

import pytest

from streamchat.turns.asking import MAX_QUESTION_CHARACTERS, MAX_QUESTIONS, InputExpired
from streamchat.turns.events import Ended, InputRequired, QuestionExpired
from streamchat.turns.inputs import Lapsed, Reply, Said
from tests.fakes.emitters import ListEmitter, run

PATIENCE_SECONDS = 20.0


class Turn(ListEmitter):
    """Answers each question as it is told, at once: before the function has begun to wait."""

    def __init__(self, *answers: Any) -> None:
        super().__init__()
        self.answers = list(answers)

    def emit(self, fact: Any) -> None:
        super().emit(fact)
        if isinstance(fact, InputRequired):
            answer = self.answers.pop(0)
            if answer is not Lapsed:
                self.mailbox.put(Reply(request_id=fact.request_id, value=answer))
            else:
                self.mailbox.put(Lapsed(request_id=fact.request_id))

    @property
    def questions(self) -> list[InputRequired]:
        return [fact for fact in self.facts if isinstance(fact, InputRequired)]


class Silent(ListEmitter):
    """Answers nothing. ``asked`` is set by a question."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()

    def emit(self, fact: Any) -> None:
        super().emit(fact)
        self.asked.set()


@contextmanager
def running(function: Callable[..., Any], emitter: ListEmitter) -> Iterator[list[Ended]]:
    """The function in a thread; its end is in the list afterwards."""
    ends: list[Ended] = []
    thread = threading.Thread(target=lambda: ends.append(run(function, emitter=emitter)[0]))
    thread.start()
    yield ends
    thread.join(PATIENCE_SECONDS)
    assert len(ends) == 1


def test_a_plain_function_gets_the_answer_as_the_value_of_its_call() -> None:
    def function(message: str, ask: Callable[..., Any]) -> str:
        return f"{ask('Your name?')} {ask('Age?', {'type': 'integer'}, timeout=5)}"

    ended, turn = run(function, emitter=Turn("Ada", 36))
    assert (ended.cause, turn.texts) == ("complete", ["Ada 36"])
    first, second = turn.questions
    assert (first.question, first.schema, first.expires_in) == ("Your name?", None, inf)
    assert (second.question, second.schema, second.expires_in) == ("Age?", {"type": "integer"}, 5.0)
    assert first.request_id != second.request_id


def test_a_coroutine_awaits_it_and_may_wait_for_several() -> None:
    async def function(message: str, ask: Callable[..., Any]) -> str:
        return " ".join([await ask("1?"), *await asyncio.gather(ask("2?"), ask("3?"))])

    ended, turn = run(function, emitter=Turn("one", "two", "three"))
    assert (ended.cause, turn.texts) == ("complete", ["one two three"])


def test_a_thread_of_a_coroutine_blocks_like_a_plain_function() -> None:
    async def function(message: str, ask: Callable[..., Any]) -> str:
        return str(await asyncio.to_thread(ask, "Your name?"))

    assert run(function, emitter=Turn("Ada"))[1].texts == ["Ada"]


def test_a_question_that_nobody_answers_is_a_timeout_error_in_the_function() -> None:
    def function(message: str, ask: Callable[..., Any]) -> str:
        with pytest.raises(InputExpired, match="in time"):
            ask("Your name?")
        with pytest.raises(TimeoutError):
            ask("Really not?")
        return "nobody"

    async def coroutine(message: str, ask: Callable[..., Any]) -> str:
        with pytest.raises(InputExpired):
            await ask("Your name?")
        return "nobody"

    assert run(function, emitter=Turn(Lapsed, Lapsed))[1].texts == ["nobody"]
    assert run(coroutine, emitter=Turn(Lapsed))[1].texts == ["nobody"]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_stop_releases_whoever_waits(is_async: bool) -> None:
    def plain(message: str, ask: Callable[..., Any]) -> str:
        return str(ask("Your name?"))

    async def coroutine(message: str, ask: Callable[..., Any]) -> str:
        return str(await ask("Your name?"))

    emitter = Silent()
    with running(coroutine if is_async else plain, emitter) as ends:
        assert emitter.asked.wait(PATIENCE_SECONDS)
        emitter.cancelled.set()
    assert ends[0].cause == "cancelled"
    assert not any(isinstance(fact, QuestionExpired) for fact in emitter.facts)


def test_a_question_that_its_coroutine_gives_up_is_withdrawn() -> None:
    async def function(message: str, ask: Callable[..., Any]) -> str:
        asking = asyncio.ensure_future(ask("Your name?"))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait([asking])
        return "never mind"

    ended, emitter = run(function)
    asked, expired, _ = emitter.facts
    assert isinstance(asked, InputRequired)
    assert expired == QuestionExpired(request_id=asked.request_id)
    assert ended.cause == "complete"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("",), "1 to 20000 characters, not 0"),
        (("x" * (MAX_QUESTION_CHARACTERS + 1),), "not 20001"),
        (("?", {"type": "wizard"}), "not a JSON schema"),
        (("?", {"default": float("nan")}), "JSON compliant"),
        (("?", None, 0), "more than 0 seconds"),
        (("?", None, -1.0), "more than 0 seconds"),
        (("?", None, float("nan")), "more than 0 seconds"),
    ],
)
def test_a_question_that_cannot_be_put_is_the_functions_error(arguments: tuple[Any, ...], error: str) -> None:
    def function(message: str, ask: Callable[..., Any]) -> str:
        with pytest.raises(ValueError, match=error):
            ask(*arguments)
        return "told"

    assert run(function)[1].texts == ["told"]


def test_there_is_an_end_to_asking() -> None:
    def function(message: str, ask: Callable[..., Any]) -> str:
        for _ in range(MAX_QUESTIONS):
            ask("Are we there yet?")
        with pytest.raises(RuntimeError, match="no more than 100"):
            ask("Are we there yet?")
        return "there"

    assert run(function, emitter=Turn(*["no"] * MAX_QUESTIONS))[1].texts == ["there"]


def test_the_inbox_gives_what_is_there_and_waits_only_when_it_is_asked_to() -> None:
    def function(message: str, inbox: Any) -> str:
        before = [inbox.get(), list(inbox), list(inbox), inbox.get(timeout=0)]
        inbox._mailbox.put(Said(text="late"))
        return f"{before} {inbox.get(timeout=0)} {inbox.get(timeout=0)}"

    emitter = ListEmitter()
    for text in ("a", "b", "c"):
        emitter.mailbox.put(Said(text=text))
    assert run(function, emitter=emitter)[1].texts == ["['a', ['b', 'c'], [], None] late None"]


def test_a_coroutine_awaits_its_inbox() -> None:
    async def function(message: str, inbox: Any) -> str:
        waiting = asyncio.ensure_future(inbox.get())
        await asyncio.sleep(0)
        inbox._mailbox.put(Said(text="late"))
        return f"{await waiting} {await inbox.get(timeout=0)} {list(inbox)}"

    assert run(function)[1].texts == ["late None []"]


def test_a_text_is_not_lost_with_the_coroutine_that_waited_for_it() -> None:
    async def function(message: str, inbox: Any) -> str:
        waiting = asyncio.ensure_future(inbox.get())
        await asyncio.sleep(0)
        inbox._mailbox.put(Said(text="kept"))
        waiting.cancel()
        await asyncio.wait([waiting])
        return str(list(inbox))

    assert run(function)[1].texts == ["['kept']"]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_stop_releases_whoever_waits_for_a_word(is_async: bool) -> None:
    begun = threading.Event()

    def plain(message: str, inbox: Any) -> str:
        begun.set()
        return str(inbox.get())

    async def coroutine(message: str, inbox: Any) -> str:
        begun.set()
        return str(await inbox.get())

    emitter = ListEmitter()
    with running(coroutine if is_async else plain, emitter) as ends:
        assert begun.wait(PATIENCE_SECONDS)
        emitter.cancelled.set()
    assert ends[0].cause == "cancelled"
