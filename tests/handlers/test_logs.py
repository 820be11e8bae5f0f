"""Log lines: one for a question that goes well, the request's id in each, never a token, a prompt or an answer."""

import asyncio
import json
import logging
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from streamchat.handlers.logs import set_up_logging
from tests.handlers.house import SMART, STREAMING_DOORS, House, with_server

TOKEN = "token-that-nobody-may-read"
MESSAGE = "message-that-nobody-may-read"
PROMPT = "prompt-that-nobody-may-read"
ANSWER = "answer-that-nobody-may-read"


@pytest.fixture(autouse=True)
def root_logger_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def answering(message: str, prompt: str, history: list[dict[str, str]]) -> str:
    if message.startswith("raise"):
        raise ValueError(f"can't take {message} with {prompt}")
    return ANSWER


async def everything(house: House) -> None:
    """Questions that go well and badly, and requests that are refused."""
    for door in STREAMING_DOORS:
        await house.ask(door, token=TOKEN, message=MESSAGE, prompt=PROMPT, conversation_id="chat_1")
        await house.ask(door, token=TOKEN, message=f"raise {MESSAGE}", prompt=PROMPT)
        await house.ask(door, token=TOKEN, message=MESSAGE, prompt=PROMPT, lang="xx")
        await house.ask(door, token=TOKEN + "x", message=MESSAGE)
        await house.ask(door, token=TOKEN, message=MESSAGE, chunking={"strategy": PROMPT})
    await house.get("/api/conversations/chat_1", token=TOKEN)
    await house.get(f"/api/conversations?limit=0&x={MESSAGE}", token=TOKEN)
    await house.get(f"/nowhere?token={TOKEN}&message={MESSAGE}", token=TOKEN)


@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize("level", ["debug", "info"])
def test_no_token_prompt_or_answer_is_ever_logged(
    log_format: str, level: str, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up_logging(log_format, level)  # type: ignore[arg-type]
    with_server(answering, everything, token=(f"alice={TOKEN}",))
    logged = capsys.readouterr().err
    assert "turn delivered" in logged
    assert "turn ended" in logged
    assert "that-nobody-may-read" not in logged


def lines_of_one_question(level: str, door: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What is logged of the turn of one question that goes well; its lines know the stream and the request."""
    found = []

    async def scenario(house: House) -> None:
        body = {"username": "VitalikButerin", "message": "hi", "pace": "none"}
        response = await house.post(door, body, headers={"X-Request-Id": "trace-7"})
        found.append(response.headers["x-stream-id"])

    set_up_logging("json", level)  # type: ignore[arg-type]
    with_server(answering, scenario)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    turns = [line for line in lines if line["logger"] == "streamchat.turns"]
    assert {line["turn_id"] for line in turns} == set(found)
    assert {line["request_id"] for line in turns} == {"trace-7"}
    return turns


@pytest.mark.parametrize(("path", "door"), [(SMART, "smart"), ("/api/chat", "chat")])
def test_a_question_that_goes_well_is_one_line_with_all_its_figures(
    path: str, door: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (line,) = lines_of_one_question("info", path, capsys)
    assert (line["event"], line["level"], line["caller"]) == ("delivered", "INFO", "alice")
    assert (line["door"], line["end"], line["leaving"]) == (door, "complete", "finished")
    assert line["characters"] == len(ANSWER)
    stages = [line[f"{stage}_seconds"] for stage in ("accepted", "queued", "processing", "streaming", "total")]
    assert all(seconds >= 0.0 for seconds in stages)


def test_debugging_every_stage_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    turns = lines_of_one_question("debug", SMART, capsys)
    stages = [line.get("stage", line["event"]) for line in turns]
    assert sorted(stages[:2]) == ["accepted", "queued"]
    assert stages[2:] == ["processing", "ended", "delivered"]
    assert all(line["seconds"] >= 0 for line in turns if "seconds" in line)


def test_a_failure_is_logged_with_its_traceback_under_the_requests_id(capsys: pytest.CaptureFixture[str]) -> None:
    async def scenario(house: House) -> None:
        body = {"username": "VitalikButerin", "message": "raise", "pace": "none"}
        await house.post(SMART, body, headers={"X-Request-Id": "trace-8"})

    set_up_logging("json", "info")
    with_server(answering, scenario)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    (ended,) = [line for line in lines if line.get("event") == "ended"]
    assert ended["level"] == "WARNING"
    assert (ended["request_id"], ended["cause"], ended["reason"]) == ("trace-8", "error", "raised")
    assert "Traceback" in ended["detail"]
    assert "ValueError" in ended["detail"]


def test_a_log_line_of_the_users_function_carries_the_requests_id(capsys: pytest.CaptureFixture[str]) -> None:
    def logging_function(message: str) -> str:
        logging.getLogger("users.own").warning("from the function")
        return "hi"

    async def scenario(house: House) -> None:
        body = {"username": "VitalikButerin", "message": "hi", "pace": "none"}
        await house.post(SMART, body, headers={"X-Request-Id": "trace-9"})

    set_up_logging("text", "info")
    with_server(logging_function, scenario)
    assert "WARNING users.own [trace-9] from the function" in capsys.readouterr().err


def logged(log_format: str, capsys: pytest.CaptureFixture[str], **extra: Any) -> str:
    """What the log shows of one record with an exception and these fields."""
    set_up_logging(log_format, "info")  # type: ignore[arg-type]
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("users.own").exception("it\nfailed", extra=extra)
    return capsys.readouterr().err


@pytest.mark.parametrize("value", [float("nan"), object(), {(1, 2): 3}, b"bytes", "\ud800", "\u2028"])
def test_a_json_line_is_one_object_whatever_it_carries(value: Any, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    (line,) = logged("json", capsys, own=value).splitlines()
    fields = json.loads(line, parse_constant=refuse)
    assert (fields["message"], fields["logger"], fields["level"]) == ("it\nfailed", "users.own", "ERROR")
    assert "ValueError: two\nlines" in fields["exc_info"]
    assert "own" in fields


def test_a_line_says_when_it_was_with_its_zone(capsys: pytest.CaptureFixture[str]) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    as_text = logged("text", capsys).split(" ")[0]
    as_json = json.loads(logged("json", capsys))["time"]
    for said in (as_text, as_json):
        assert before <= datetime.fromisoformat(said) <= datetime.now(UTC)
        assert said.endswith("+00:00")


def test_what_python_warns_of_is_a_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)  # an earlier test may have begun it, outside of this block
        set_up_logging("json", "info")
        warnings.warn("mind the step", stacklevel=1)
    line = json.loads(capsys.readouterr().err)
    assert (line["logger"], "mind the step" in line["message"]) == ("py.warnings", True)


@pytest.mark.parametrize("level", ["debug", "info"])
def test_an_address_that_is_asked_is_no_line(level: str, capsys: pytest.CaptureFixture[str]) -> None:
    async def ask() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as client:
            await client.get("https://files.example/cat.png?token=secret")

    set_up_logging("text", level)
    asyncio.run(ask())
    logging.getLogger("httpx").warning("but a warning is")
    assert "secret" not in (shown := capsys.readouterr().err)
    assert "but a warning is" in shown


def test_a_refusal_is_a_line_with_its_door_and_code(capsys: pytest.CaptureFixture[str]) -> None:
    async def scenario(house: House) -> None:
        await house.ask(SMART, message=7)
        await house.get("/nowhere")

    set_up_logging("json", "info")
    with_server(answering, scenario)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    refused = [(line["door"], line["code"], line["caller"]) for line in lines if line.get("event") == "refused"]
    assert refused == [("smart", "invalid_request", "alice"), ("other", "not_found", "")]


def test_a_refused_method_has_its_code_and_the_requests_id_too(capsys: pytest.CaptureFixture[str]) -> None:
    async def scenario(house: House) -> None:
        for method in ("PUT", "NONSENSE"):
            response = await house.request(method, SMART, headers={"X-Request-Id": f"trace-{method}"})
            assert response.headers["x-request-id"] == f"trace-{method}"

    set_up_logging("json", "info")
    with_server(answering, scenario)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    refused = [(line["request_id"], line["code"]) for line in lines if line.get("event") == "refused"]
    assert refused == [("trace-PUT", "method_not_allowed"), ("trace-NONSENSE", "method_not_allowed")]


def test_a_slow_turn_is_one_warning_with_the_figures_of_its_delivery(capsys: pytest.CaptureFixture[str]) -> None:
    async def scenario(house: House) -> None:
        body = {"username": "VitalikButerin", "message": "hi", "pace": "none"}
        await house.post(SMART, body, headers={"X-Request-Id": "trace-10"})

    set_up_logging("json", "info")
    with_server(answering, scenario, slow_turn=1e-9)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    delivered, slow = (line for line in lines if line["logger"] == "streamchat.turns")
    assert (delivered.pop("event"), slow.pop("event")) == ("delivered", "slow")
    assert (slow["level"], slow["request_id"], slow["door"], slow["cause"]) == (
        "WARNING",
        "trace-10",
        "smart",
        "complete",
    )
    assert slow.keys() == delivered.keys()
