import asyncio
import functools
import gc
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from streamchat.turns.cancellation import QueryCancelled
from streamchat.turns.events import Answer, Ended, Media, Progress, ToolCall, ToolResult, Usage
from streamchat.turns.pieces import MAX_PIECE_CHARACTERS
from streamchat.turns.query import Query
from streamchat.turns.whole_text import whole_text
from tests.fakes.emitters import ListEmitter, run

COMPLETE = Ended(cause="complete", code="complete")

Act = Callable[[], Any]
Shape = Callable[[Act], Callable[..., Any]]

# Every shape a function can have. Each one answers, yields or awaits what ``act`` gives.


def function(act: Act) -> Callable[..., Any]:
    def process_query(message: str) -> Any:
        return act()

    return process_query


def coroutine_function(act: Act) -> Callable[..., Any]:
    async def process_query(message: str) -> Any:
        return act()

    return process_query


def coroutine_that_waits_first(act: Act) -> Callable[..., Any]:
    async def process_query(message: str) -> Any:
        await asyncio.sleep(0)
        return act()

    return process_query


def coroutine_that_awaits_a_task(act: Act) -> Callable[..., Any]:
    async def process_query(message: str) -> Any:
        async def inner() -> Any:
            return act()

        return await inner()

    return process_query


def awaitable_object(act: Act) -> Callable[..., Any]:
    class Answering:
        def __await__(self) -> Generator[Any, None, Any]:
            yield from asyncio.sleep(0).__await__()
            return act()

    return lambda message: Answering()


def lambda_that_returns_a_coroutine(act: Act) -> Callable[..., Any]:
    made = coroutine_function(act)
    return lambda message: made(message)


def callable_object(act: Act) -> Callable[..., Any]:
    class Model:
        def __call__(self, message: str) -> Any:
            return act()

    return Model()


def partial(act: Act) -> Callable[..., Any]:
    def process_query(model: str, message: str) -> Any:
        return act()

    return functools.partial(process_query, "small")


def partial_of_a_coroutine(act: Act) -> Callable[..., Any]:
    async def process_query(model: str, message: str) -> Any:
        return act()

    return functools.partial(process_query, "small")


def generator(act: Act) -> Callable[..., Any]:
    def process_query(message: str) -> Iterator[Any]:
        yield act()

    return process_query


def async_generator(act: Act) -> Callable[..., Any]:
    async def process_query(message: str) -> AsyncIterator[Any]:
        yield act()

    return process_query


def awaited_async_generator(act: Act) -> Callable[..., Any]:
    async def process_query(message: str) -> AsyncIterator[Any]:
        await asyncio.sleep(0)
        return async_generator(act)(message)  # type: ignore[no-any-return]

    return process_query


def custom_iterator(act: Act) -> Callable[..., Any]:
    class Pieces:
        is_spent = False

        def __iter__(self) -> Any:
            return self

        def __next__(self) -> Any:
            if self.is_spent:
                raise StopIteration
            self.is_spent = True
            return act()

    return lambda message: Pieces()


def custom_async_iterator(act: Act) -> Callable[..., Any]:
    class Pieces:
        is_spent = False

        def __aiter__(self) -> Any:
            return self

        async def __anext__(self) -> Any:
            if self.is_spent:
                raise StopAsyncIteration
            self.is_spent = True
            return act()

    return lambda message: Pieces()


def mapped(act: Act) -> Callable[..., Any]:
    return lambda message: (act() for _ in range(1))


AT_ONCE: list[Shape] = [
    function,
    coroutine_function,
    coroutine_that_waits_first,
    coroutine_that_awaits_a_task,
    awaitable_object,
    lambda_that_returns_a_coroutine,
    callable_object,
    partial,
    partial_of_a_coroutine,
]
IN_PIECES: list[Shape] = [
    generator,
    async_generator,
    awaited_async_generator,
    custom_iterator,
    custom_async_iterator,
    mapped,
]
EVERY_SHAPE = AT_ONCE + IN_PIECES

FAILURES: list[type[BaseException]] = [
    ValueError,
    SystemExit,
    KeyboardInterrupt,
    StopIteration,
    StopAsyncIteration,
    GeneratorExit,
    asyncio.CancelledError,
    QueryCancelled,
    TimeoutError,
    RecursionError,
    MemoryError,
]


def failing(failure: BaseException) -> Act:
    def act() -> Any:
        raise failure

    return act


def by_name(value: Any) -> str:
    return getattr(value, "__name__", None) or type(value).__name__


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fails when anything was logged, as asyncio does about a lost exception."""
    yield
    gc.collect(1)
    assert caplog.text == ""


@pytest.mark.parametrize("shape", AT_ONCE, ids=by_name)
def test_text_that_is_returned_is_one_answer(shape: Shape) -> None:
    ended, emitter = run(shape(lambda: "你好 😀\r\n"))
    assert ended == COMPLETE
    assert emitter.facts == [Answer(text="你好 😀\r\n")]


@pytest.mark.parametrize("shape", AT_ONCE, ids=by_name)
def test_an_empty_answer_is_an_answer(shape: Shape) -> None:
    ended, emitter = run(shape(lambda: ""))
    assert (ended, emitter.facts) == (COMPLETE, [Answer(text="")])


@pytest.mark.parametrize("shape", IN_PIECES, ids=by_name)
def test_text_that_is_yielded_is_a_live_piece(shape: Shape) -> None:
    ended, emitter = run(shape(lambda: "piece"))
    assert (ended, emitter.facts) == (COMPLETE, ["piece"])


@pytest.mark.parametrize("shape", IN_PIECES, ids=by_name)
def test_a_long_piece_is_handed_on_in_parts(shape: Shape) -> None:
    piece = "0123456789" * MAX_PIECE_CHARACTERS
    ended, emitter = run(shape(lambda: piece))
    assert ended == COMPLETE
    assert "".join(emitter.texts) == piece
    assert set(map(len, emitter.texts)) == {MAX_PIECE_CHARACTERS}


@pytest.mark.parametrize("shape", IN_PIECES, ids=by_name)
def test_an_empty_piece_is_left_out(shape: Shape) -> None:
    assert run(shape(lambda: ""))[1].facts == []


@pytest.mark.parametrize("failure", FAILURES, ids=by_name)
@pytest.mark.parametrize("shape", EVERY_SHAPE, ids=by_name)
@pytest.mark.usefixtures("quiet")
def test_whatever_is_raised_is_one_clear_end(shape: Shape, failure: type[BaseException]) -> None:
    ends_itself: dict[Shape, type[BaseException]] = {
        custom_iterator: StopIteration,
        custom_async_iterator: StopAsyncIteration,
    }
    ended, emitter = run(shape(failing(failure("told you"))))
    if failure is ends_itself.get(shape):
        assert ended == COMPLETE  # that is how an iterator says that it is done
        return
    assert (ended.cause, ended.code, ended.reason) == ("error", "processing_error", "raised")
    assert "told you" in ended.detail
    assert emitter.facts == []


@pytest.mark.parametrize("value", [None, b"bytes", {"text": "hi"}, 42, 4.2, True, ["hi"], ("hi",), object], ids=repr)
@pytest.mark.parametrize("shape", EVERY_SHAPE, ids=by_name)
@pytest.mark.usefixtures("quiet")
def test_what_is_no_text_is_said_to_be_none(shape: Shape, value: Any) -> None:
    ended, emitter = run(shape(lambda: value))
    assert (ended.cause, ended.code, ended.reason) == ("error", "processing_error", "not_text")
    assert type(value).__name__ in ended.detail
    assert emitter.facts == []


@pytest.mark.parametrize("shape", EVERY_SHAPE, ids=by_name)
def test_a_lone_surrogate_becomes_a_replacement_and_a_pair_is_joined(shape: Shape) -> None:
    _, emitter = run(shape(lambda: "a\ud800b\ud83d\ude00c"))
    assert emitter.texts == ["a\ufffdb😀c"]


@pytest.mark.parametrize("shape", AT_ONCE, ids=by_name)
def test_a_kind_of_text_is_text(shape: Shape) -> None:
    class Loud(str):
        __slots__ = ()

        def __str__(self) -> str:
            return self

    _, emitter = run(shape(lambda: Loud("hi")))
    assert [(type(text), text) for text in emitter.texts] == [(str, "hi")]


def yields_then_raises(message: str) -> Iterator[str]:
    yield "one "
    yield "two"
    raise ValueError("told you")


async def async_yields_then_raises(message: str) -> AsyncIterator[str]:
    yield "one "
    await asyncio.sleep(0)
    yield "two"
    raise SystemExit(3)


def yields_then_none(message: str) -> Iterator[Any]:
    yield "one "
    yield "two"
    yield None


@pytest.mark.parametrize(
    ("broken", "reason"),
    [(yields_then_raises, "raised"), (async_yields_then_raises, "raised"), (yields_then_none, "not_text")],
)
def test_what_was_yielded_before_the_failure_stays(broken: Callable[..., Any], reason: str) -> None:
    ended, emitter = run(broken)
    assert emitter.facts == ["one ", "two"]
    assert (ended.cause, ended.reason) == ("error", reason)


def test_a_generator_is_closed_when_it_yields_something_else() -> None:
    closed = []
    kept = []

    def pieces() -> Iterator[Any]:
        try:
            yield 1
        finally:
            closed.append("sync")

    def process_query(message: str) -> Iterator[Any]:
        # Somebody else still holds it: it is closed, not merely forgotten.
        kept.append(pieces())
        return kept[0]

    async def async_process_query(message: str) -> AsyncIterator[Any]:
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            closed.append("async")

    run(process_query)
    run(async_process_query)
    assert closed == ["sync", "async"]


@pytest.mark.parametrize("shape", IN_PIECES, ids=by_name)
def test_a_stop_between_two_pieces_ends_the_work(shape: Shape) -> None:
    emitter = ListEmitter()
    emitter.cancelled.set()
    ended, _ = run(shape(lambda: "piece"), emitter=emitter)
    assert (ended.cause, ended.code) == ("cancelled", "cancelled")
    assert emitter.facts == []


def test_a_generator_that_is_stopped_gets_to_clean_up() -> None:
    seen = []

    def process_query(message: str) -> Iterator[str]:
        try:
            for number in range(100):
                yield str(number)
        finally:
            seen.append("closed")

    ended, emitter = run(process_query, emitter=ListEmitter(cancel_after=3))
    assert (ended.cause, len(emitter.facts), seen) == ("cancelled", 3, ["closed"])


def test_progress_is_where_a_blocking_function_is_stopped() -> None:
    seen = []

    def process_query(message: str, progress: Any, cancelled: Any) -> str:
        cancelled.set()
        try:
            progress("searching")
        except Exception:  # noqa: BLE001 - the point: this must not catch it
            seen.append("swallowed")
        seen.append("went on")
        return "too late"

    ended, emitter = run(process_query)
    assert (ended.cause, seen, emitter.facts) == ("cancelled", [], [])


def test_a_function_that_returns_by_itself_when_it_is_told_to_stop_is_cancelled() -> None:
    def process_query(message: str, cancelled: Any) -> str:
        cancelled.set()
        return "partial" if cancelled else "whole"

    ended, emitter = run(process_query)
    assert (ended.cause, emitter.facts) == ("cancelled", [])


def test_a_coroutine_is_stopped_at_its_next_await() -> None:
    seen = []

    async def process_query(message: str, cancelled: Any) -> str:
        cancelled.set()
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("cleaned up")
        return "never"

    ended, _ = run(process_query)
    assert (ended.cause, seen) == ("cancelled", ["cleaned up"])


def test_a_coroutine_that_was_stopped_before_it_began_does_not_go_past_its_first_await() -> None:
    emitter = ListEmitter()
    emitter.cancelled.set()

    async def process_query(message: str) -> str:
        await asyncio.Event().wait()
        return "never"

    assert run(process_query, emitter=emitter)[0].cause == "cancelled"


def test_a_coroutine_that_swallows_the_stop_still_cannot_answer() -> None:
    async def process_query(message: str, cancelled: Any) -> str:
        cancelled.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "still here"
        return "never"

    ended, emitter = run(process_query)
    assert (ended.cause, emitter.facts) == ("cancelled", [])


def test_the_flag_may_be_set_after_the_coroutine_has_ended() -> None:
    emitter = ListEmitter()
    ended, _ = run(coroutine_function(lambda: "hi"), emitter=emitter)
    emitter.cancelled.set()
    assert ended == COMPLETE


def test_the_callers_context_reaches_every_shape() -> None:
    request_id: ContextVar[str] = ContextVar("request_id")
    request_id.set("r-1")
    for shape in EVERY_SHAPE:
        assert run(shape(request_id.get))[1].texts == ["r-1"]


def test_an_error_does_not_take_the_question_into_the_log() -> None:
    query = Query(message="my 'secret' question\n", username="ada", prompt="be kind", system_prompt="You are Ada.")

    def process_query(message: str, prompt: str, system_prompt: str) -> str:
        raise ValueError(f"{message!r} {message} {prompt} {system_prompt}")

    ended, _ = run(process_query, query)
    for secret in ("secret", "be kind", "You are Ada."):
        assert secret not in ended.detail
    assert "ValueError" in ended.detail
    assert "[...]" in ended.detail


def test_what_an_error_says_of_its_own_stays_in_the_log() -> None:
    def process_query(message: str) -> str:
        raise ConnectionError("the index at port 9200 does not answer")

    ended, _ = run(process_query, Query(message="what is a rollup?", username="ada"))
    assert "ConnectionError: the index at port 9200 does not answer" in ended.detail


# What a function reports on its way.


def test_a_function_is_given_every_way_to_report() -> None:
    def process_query(message: str, progress: Any, tool_call: Any, tool_result: Any, media: Any, usage: Any) -> str:
        progress("searching", 40)
        tool_result(tool_call("search", call_id="c"), "search", ["found"])
        media("image/png", url="https://example.org/a.png")
        usage(12, 3)
        return "done"

    ended, emitter = run(process_query)
    assert ended == COMPLETE
    assert emitter.notices == [Progress(message="searching", percent=40.0)]
    assert emitter.facts == [
        ToolCall(call_id="c", name="search", arguments=None),
        ToolResult(call_id="c", name="search", result=["found"]),
        Media(media_type="image/png", url="https://example.org/a.png"),
        Usage(prompt_tokens=12, completion_tokens=3),
        Answer(text="done"),
    ]


def test_what_can_t_be_reported_fails_the_function() -> None:
    def process_query(message: str, usage: Any) -> str:
        usage(-1, 0)
        return "done"

    ended, emitter = run(process_query)
    assert (ended.code, ended.reason, emitter.facts) == ("processing_error", "raised", [])
    assert "ValueError: usage takes" in ended.detail


@settings(deadline=None)
@given(some.text(some.characters(exclude_categories=[])))
def test_text_is_always_made_whole_and_never_changed_without_need(text: str) -> None:
    whole = whole_text(text)
    whole.encode()
    try:
        text.encode()
    except UnicodeEncodeError:
        assert "\ufffd" in whole or len(whole) < len(text)
    else:
        assert whole == text
