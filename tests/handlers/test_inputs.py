"""What a function asks its user and what the user says to it: ``/api/streams/{id}/input``."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests.fakes import process_functions
from tests.handlers.house import (
    ALICE,
    BOB,
    CHAT,
    JSON,
    STREAMING_DOORS,
    Gate,
    House,
    answer_in,
    error_in,
    saying,
    statuses,
    with_server,
)
from tests.handlers.raw_client import PATIENCE_SECONDS, Connection, Frame, Response

ANSWER = {"input": "Ada"}
AGE = {"type": "object", "properties": {"age": {"type": "integer", "minimum": 0}}, "required": ["age"]}


def greeter(message: str, ask: Callable[..., Any]) -> str:
    return f"Hello {ask('Your name?')}."


def live_greeter(message: str, ask: Callable[..., Any]) -> Iterator[str]:
    yield "Good morning. "
    yield f"So you are {ask('Your name?')}. And "
    yield f"{ask('Your age?', schema=AGE)['age']} years old."


async def async_greeter(message: str, ask: Callable[..., Any]) -> AsyncIterator[str]:
    yield "Good morning. "
    yield f"So you are {await ask('Your name?')}. And "
    yield f"{(await ask('Your age?', schema=AGE))['age']} years old."


async def threaded_greeter(message: str, ask: Callable[..., Any]) -> str:
    return f"Hello {await asyncio.to_thread(ask, 'Your name?')}."


async def say(house: House, stream_id: str, body: dict[str, Any], token: str | None = ALICE) -> Response:
    """Say something to a stream."""
    return await house.post(f"/api/streams/{stream_id}/input", body, token=token)


async def question_in(connection: Connection) -> dict[str, Any]:
    """Read on to the next question."""
    return (await connection.read_until("input_required"))[-1].payload


async def rest(connection: Connection) -> list[Frame]:
    return [frame async for frame in connection.frames()]


# A question and its answer.


@pytest.mark.parametrize("function", [greeter, threaded_greeter])
@pytest.mark.parametrize("door", STREAMING_DOORS)
def test_a_function_asks_waits_and_goes_on_with_the_answer(door: str, function: Any) -> None:
    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection, door)
            seen = await connection.read_until("input_required")
            asked = dict(seen[-1].payload)
            request_id = asked.pop("request_id")
            assert asked == {
                "success": True,
                "data": "",
                "status": "input_required",
                "question": "Your name?",
                "expires_in": 300.0,
            }
            assert seen[-1].number == 1
            answered = await say(house, stream_id, ANSWER)
            assert (answered.status, answered.json) == (200, {"success": True, "stream_id": stream_id})
            after = await rest(connection)
            received = next(frame for frame in after if frame.status == "input_received")
            assert received.payload == {
                "success": True,
                "data": "",
                "status": "input_received",
                "request_id": request_id,
            }
            assert answer_in(after) == "Hello Ada."
            assert after[-1].status == "complete"

    with_server(function, scenario)


@pytest.mark.parametrize("function", [live_greeter, async_greeter])
def test_text_that_was_said_before_a_question_is_shown_before_it_and_a_schema_goes_along(function: Any) -> None:
    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection, pace="natural")
            before = await connection.read_until("input_required")
            assert answer_in(before) == "Good morning. "
            await say(house, stream_id, {**ANSWER, "request_id": before[-1].payload["request_id"]})
            between = await connection.read_until("input_required")
            assert answer_in(between) == "So you are Ada. And "
            assert between[-1].payload["schema"] == AGE
            await say(house, stream_id, {"input": {"age": 36}})
            assert answer_in(await rest(connection)) == "36 years old."

    with_server(function, scenario)


def test_who_comes_back_while_a_question_is_open_sees_it_and_can_answer_it() -> None:
    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection)
            asked = (await connection.read_until("input_required"))[-1]
        await house.has_no_readers()
        async with house.connect() as connection:
            await connection.send(
                "GET", f"/api/streams/{stream_id}", headers={"Authorization": f"Bearer {ALICE}"}, body=None
            )
            await connection.read_head()
            again = await connection.read_until("input_required")
            # Nothing else is said while the user is to speak: no old progress, and no new one.
            assert [frame.raw for frame in again] == [asked.raw]
            await say(house, stream_id, ANSWER)
            assert answer_in(await rest(connection)) == "Hello Ada."

    with_server(greeter, scenario)


def test_while_a_question_is_open_there_are_keepalives_and_no_progress() -> None:
    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection)
            await question_in(connection)
            waiting = [await connection.read_frame() for _ in range(3)]
            assert [frame.raw if frame else None for frame in waiting] == [b": keep-alive\n\n"] * 3
            await say(house, stream_id, ANSWER)
            assert answer_in(await rest(connection)) == "Hello Ada."

    with_server(greeter, scenario, keepalive=0.15)


def test_the_process_timeout_stands_still_while_a_question_is_open() -> None:
    asked_for_longer = Event()

    def process_query(message: str, ask: Callable[..., Any], cancelled: Any) -> str:
        name = ask("Your name?")
        asked_for_longer.set()
        cancelled.wait(PATIENCE_SECONDS)
        return f"Hello {name}."

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection, timeout=0.3)
            await question_in(connection)
            for _ in range(4):  # longer than the timeout: each takes 0.1 s and more
                assert (await connection.read_frame()).raw.startswith(b": keep-alive")  # type: ignore[union-attr]
            await say(house, stream_id, ANSWER)
            assert (await rest(connection))[-1].status == "timeout"
            assert asked_for_longer.is_set()

    with_server(process_query, scenario, keepalive=0.13)


# Answers that are none.


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("thirty-six", "at $: 'thirty-six' is not of type 'object'"),
        ({"age": "36"}, "at $.age: '36' is not of type 'integer'"),
        ({"age": -1}, "at $.age: -1 is less than the minimum of 0"),
        ({}, "at $: 'age' is a required property"),
        (None, "at $: None is not of type 'object'"),
    ],
)
def test_an_answer_that_is_not_what_was_asked_for_is_refused_and_the_question_stays_open(
    given: Any, problem: str
) -> None:
    def process_query(message: str, ask: Callable[..., Any]) -> str:
        return str(ask("Your age?", schema=AGE))

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection, lang="en")
            await question_in(connection)
            refused = await say(house, stream_id, {"input": given})
            error = error_in(refused, is_streaming=False)
            assert (refused.status, error["code"], error["field"]) == (400, "invalid_request", "input")
            assert error["error"] == f"Invalid request: input {problem}"
            assert (await say(house, stream_id, {"input": {"age": 36}})).status == 200
            assert answer_in(await rest(connection)) == "{'age': 36}"

    with_server(process_query, scenario)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"not json", "body"),
        (b"[]", "body"),
        (b"{}", "input"),
        (b'{"input": 1}', "input"),
        (b'{"input": null}', "input"),
        (b'{"input": "a", "request_id": 1}', "request_id"),
        (b'{"input": "a", "request_id": ""}', "request_id"),
        (b'{"input": "\\ud800"}', "body"),
        (b'{"input": "\xff"}', "body"),
        (b'{"input": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", "body"),
        (b'{"input": "' + b"a" * 10_001 + b'"}', "input"),
        (b'{"input": 1e999}', "input"),
    ],
)
def test_a_body_that_is_no_input_is_a_400_that_names_the_field(body: bytes, field: str) -> None:
    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection)
            await question_in(connection)
            path = f"/api/streams/{stream_id}/input"
            refused = await house.request("POST", path, headers=JSON, body=body)
            error = error_in(refused, is_streaming=False)
            assert (refused.status, error["code"], error["field"]) == (400, "invalid_request", field)
            assert (await say(house, stream_id, ANSWER)).status == 200
            assert answer_in(await rest(connection)) == "Hello Ada."

    with_server(greeter, scenario)


def test_a_body_over_the_limit_or_of_another_type_is_refused_as_at_every_door() -> None:
    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection)
            await question_in(connection)
            path = f"/api/streams/{stream_id}/input"
            assert (await say(house, stream_id, {"input": "a" * 2_000})).status == 413
            form = await house.request("POST", path, headers={"Content-Type": "text/plain"}, body=b'{"input": "a"}')
            assert form.status == 415
            assert (await house.get(path)).status == 405

    with_server(greeter, scenario, max_body_bytes=1_000)


def test_the_input_of_somebody_elses_stream_is_not_found_and_changes_nothing() -> None:
    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection)
            await question_in(connection)
            refused = await say(house, stream_id, {"input": "Eve"}, token=BOB)
            assert (refused.status, refused.json["code"]) == (404, "stream_not_found")
            assert (await say(house, stream_id, ANSWER, token=None)).status == 401
            assert (await say(house, "st_unknown", ANSWER)).status == 404
            await say(house, stream_id, ANSWER)
            assert answer_in(await rest(connection)) == "Hello Ada."

    with_server(greeter, scenario)


def test_a_retry_of_the_same_answer_is_harmless_and_another_answer_comes_too_late() -> None:
    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection)
            first = await question_in(connection)
            answer = {"input": "Ada", "request_id": first["request_id"]}
            assert (await say(house, stream_id, answer)).status == 200
            await question_in(connection)
            # The retry is not taken for the answer of the question that is open now.
            assert (await say(house, stream_id, answer)).status == 200
            late = await say(house, stream_id, {**answer, "input": "Eve"})
            assert (late.status, late.json["code"]) == (409, "no_input_expected")
            assert (await say(house, stream_id, {"input": {"age": 36}})).status == 200
            after = await rest(connection)
            assert statuses(after).count("input_received") == 1
            for _ in range(2):
                assert (await say(house, stream_id, answer)).status == 200
                assert (await say(house, stream_id, {"input": {"age": 36}})).status == 200
                assert (await say(house, stream_id, {"input": {"age": 37}})).status == 409

    with_server(live_greeter, scenario)


def test_of_two_open_questions_an_answer_has_to_name_one() -> None:
    async def process_query(message: str, ask: Callable[..., Any]) -> str:
        return " ".join(await asyncio.gather(ask("First?"), ask("Second?")))

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection)
            ids = {}
            for _ in range(2):
                asked = await question_in(connection)
                ids[asked["question"]] = asked["request_id"]
            refused = await say(house, stream_id, ANSWER)
            assert (refused.status, refused.json["field"]) == (400, "input")
            assert (await say(house, stream_id, {"input": "2", "request_id": ids["Second?"]})).status == 200
            assert (await say(house, stream_id, {"input": "1"})).status == 200
            assert answer_in(await rest(connection)) == "1 2"

    with_server(process_query, scenario)


# Questions that nobody answers.


def expiring(message: str, ask: Callable[..., Any]) -> str:
    try:
        return str(ask("Your name?", timeout=0.05))
    except TimeoutError:
        return "Nobody is there."


async def async_expiring(message: str, ask: Callable[..., Any]) -> str:
    try:
        return str(await ask("Your name?", timeout=0.05))
    except TimeoutError:
        return "Nobody is there."


@pytest.mark.parametrize("function", [expiring, async_expiring])
def test_a_question_that_expires_says_so_and_the_function_goes_on(function: Any) -> None:
    async def scenario(house: House) -> None:
        response = await house.ask()
        asked, expired = (frame for frame in response.frames if frame.status.startswith("input"))
        assert asked.payload["expires_in"] == 0.1  # rounded to what a person can tell
        assert (expired.status, expired.payload["request_id"]) == ("input_expired", asked.payload["request_id"])
        assert answer_in(response.frames) == "Nobody is there."
        late = await say(house, response.headers["x-stream-id"], ANSWER)
        assert (late.status, late.json["code"]) == (409, "no_input_expected")

    with_server(function, scenario)


def test_the_servers_limit_holds_for_every_question_and_an_expiry_that_nobody_catches_ends_the_turn() -> None:
    async def scenario(house: House) -> None:
        frames = (await house.ask()).frames
        assert statuses(frames)[-3:] == ["input_required", "input_expired", "error"]
        assert frames[-1].payload["code"] == "processing_error"

    with_server(greeter, scenario, input_timeout=0.05)


def test_where_the_client_sees_nothing_before_the_end_a_question_expires_at_once() -> None:
    async def scenario(house: House) -> None:
        assert (await house.ask(CHAT)).json["data"] == "Nobody is there."

    with_server(lambda message, ask: expiring(message, lambda question, timeout: ask(question)), scenario)


class Asker:
    """Asks, and tells what became of it."""

    def __init__(self) -> None:
        self.is_released = Event()

    def __call__(self, message: str, ask: Callable[..., Any]) -> str:
        try:
            return str(ask("Your name?"))
        finally:
            self.is_released.set()


class AsyncAsker(Asker):
    async def __call__(self, message: str, ask: Callable[..., Any]) -> str:  # type: ignore[override]
        try:
            return str(await ask("Your name?"))
        finally:
            self.is_released.set()


class InboxReader(Asker):
    def __call__(self, message: str, ask: Callable[..., Any], inbox: Any) -> str:  # type: ignore[override]
        try:
            ask("Your name?", timeout=0.01)
        except TimeoutError:
            return str(inbox.get())
        finally:
            self.is_released.set()
        return ""


@pytest.mark.parametrize("kind", [Asker, AsyncAsker])
def test_a_stop_releases_a_function_that_waits_for_its_user_at_once(kind: type[Asker]) -> None:
    asker = kind()

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection)
            await question_in(connection)
            stopped = await house.request("DELETE", f"/api/streams/{stream_id}")
            assert (stopped.json["state"], stopped.json["worker"]) == ("cancelled", "ended")
            assert (await rest(connection))[-1].status == "cancelled"
            assert asker.is_released.is_set()
            assert (await say(house, stream_id, ANSWER)).status == 409

    with_server(asker, scenario)


def test_a_client_that_has_gone_releases_it_as_its_policy_says() -> None:
    asker = Asker()

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            await house.begin(connection, on_disconnect="cancel")
            await question_in(connection)
        assert await asyncio.to_thread(asker.is_released.wait, PATIENCE_SECONDS)

    with_server(asker, scenario)


def test_nobody_reading_is_bounded_by_the_linger_time_though_a_question_is_open() -> None:
    asker = Asker()

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            await house.begin(connection)
            await question_in(connection)
        assert await asyncio.to_thread(asker.is_released.wait, PATIENCE_SECONDS)

    with_server(asker, scenario, linger=0.05)


def test_a_shutdown_releases_it_and_its_stream_says_so() -> None:
    asker = Asker()

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            await house.begin(connection)
            await question_in(connection)
            await house.server.drain()
            assert (await rest(connection))[-1].payload["code"] == "shutting_down"
        assert await asyncio.to_thread(asker.is_released.wait, PATIENCE_SECONDS)

    with_server(asker, scenario)


# What is said unasked.


def listener(gate: Gate) -> Callable[..., Any]:
    """Hears what was said until the gate opened, and then waits for one word more."""

    def process_query(message: str, inbox: Any) -> Iterator[str]:
        gate(message)
        for said in inbox:
            yield f"[{said}]"
        yield "!"  # what is last may be held back, for more of it may come
        yield f"<{inbox.get(PATIENCE_SECONDS)}>"
        yield str(inbox.get(timeout=0))

    return process_query


def async_listener(gate: Gate) -> Callable[..., Any]:
    async def process_query(message: str, inbox: Any) -> AsyncIterator[str]:
        await gate.let_through()
        for said in inbox:
            yield f"[{said}]"
        yield "!"  # what is last may be held back, for more of it may come
        yield f"<{await inbox.get(PATIENCE_SECONDS)}>"
        yield str(await inbox.get(timeout=0))

    return process_query


@pytest.mark.parametrize("listening", [listener, async_listener])
def test_what_is_said_while_the_function_works_reaches_its_inbox_in_order(listening: Any) -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection, chunking={"strategy": "characters", "size": 1})
            await gate.has_begun()
            for text in ("shorter", "in French"):
                assert (await say(house, stream_id, {"input": text})).status == 200
            received = [(await connection.read_until("input_received"))[-1].payload for _ in range(2)]
            assert [payload["request_id"] for payload in received] == [None, None]
            gate.opened.set()
            seen = await connection.read_until("streaming")
            while not answer_in(seen).endswith("[in French]"):
                seen += await connection.read_until("streaming")
            assert (await say(house, stream_id, {"input": "thanks"})).status == 200
            seen += await rest(connection)
            assert answer_in(seen) == "[shorter][in French]!<thanks>None"
            again = (await house.get(f"/api/streams/{stream_id}")).frames
            assert statuses(again).count("input_received") == 3
            over = await say(house, stream_id, {"input": "more"})
            assert (over.status, over.json["code"]) == (409, "no_input_expected")

    with_server(listening(gate), scenario)


def test_a_function_that_takes_nothing_is_told_nothing() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection, lang="en")
            await gate.has_begun()
            refused = await say(house, stream_id, {"input": "shorter"})
            assert (refused.status, refused.json["code"]) == (409, "no_input_expected")
            assert refused.json["error"] == "Nothing waits for input now"
            gate.opened.set()
            assert "input_received" not in statuses(await rest(connection))

    with_server(gate, scenario)


def test_unasked_input_is_a_text_and_there_is_no_more_than_a_hundred_of_it() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection)
            await gate.has_begun()
            assert (await say(house, stream_id, {"input": ["shorter"]})).status == 400
            assert (await say(house, stream_id, {"input": "shorter", "request_id": "in_1"})).status == 409
            answers = [(await say(house, stream_id, {"input": str(number)})).status for number in range(101)]
            assert answers == [200] * 100 + [409]
            gate.opened.set()
            assert answer_in(await rest(connection)) == "100"

    def process_query(message: str, inbox: Any) -> str:
        gate(message)
        return str(len(list(inbox)))

    with_server(process_query, scenario)


def test_a_stop_releases_a_function_that_waits_for_a_word() -> None:
    reader = InboxReader()

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection)
            await connection.read_until("input_expired")
            stopped = await house.request("DELETE", f"/api/streams/{stream_id}")
            assert (stopped.json["state"], stopped.json["worker"]) == ("cancelled", "ended")

    with_server(reader, scenario)


def test_what_users_say_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    def process_query(message: str, ask: Callable[..., Any]) -> str:
        raise ValueError(f"no such name: {ask('Your name?')}")

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection)
            await question_in(connection)
            await say(house, stream_id, {"input": "Rumpelstiltskin"})
            assert (await rest(connection))[-1].payload["code"] == "processing_error"

    with_server(process_query, scenario)
    assert "no such name: [...]" in caplog.text
    assert "Rumpelstiltskin" not in caplog.text


# The page that tells authors how.


def test_the_example_of_the_docs_runs_as_it_stands() -> None:
    page = (Path(__file__).parents[2] / "docs" / "backends.md").read_text(encoding="utf-8")
    code = page.partition("## Asking the user")[2].partition("```python\n")[2].partition("```")[0]
    names: dict[str, Any] = {}
    exec(code, names)

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection)
            asked = await question_in(connection)
            assert asked["schema"] == {"enum": ["small", "large"]}
            assert (await say(house, stream_id, {"input": "huge"})).status == 400
            await say(house, stream_id, {"input": "large"})
            assert (await question_in(connection))["expires_in"] == 60.0
            await say(house, stream_id, ANSWER)
            assert answer_in(await rest(connection)) == "".join(f"{n}: a large one for Ada\n" for n in range(3))

    with_server(names["process_query"], scenario)


def test_a_plain_answer_is_as_it_ever_was() -> None:
    async def scenario(house: House) -> None:
        assert not {"input_required", "input_received"} & set(statuses((await house.ask()).frames))

    with_server(saying("Hello."), scenario)


@pytest.mark.slow
def test_a_function_in_a_process_of_its_own_asks_and_hears_as_well() -> None:
    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection)
            await question_in(connection)
            await say(house, stream_id, ANSWER)
            await question_in(connection)
            assert (await say(house, stream_id, {"input": "36"})).status == 400
            await say(house, stream_id, {"input": 36})
            await connection.read_until("input_received")
            await say(house, stream_id, {"input": "thanks"})
            assert answer_in(await rest(connection)) == "Ada 36 thanks []"

    with_server(process_functions.asks, scenario, workers="processes", max_running=1)
