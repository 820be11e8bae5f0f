"""Each example as its reader meets it: loaded by name, behind a real server, asked on a real connection."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import streamchat
from tests.fakes.openai_upstream import saying, scripted
from tests.handlers.house import Gate, House, answer_in, statuses, with_server
from tests.handlers.raw_client import Response

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
Load = Callable[[str], Callable[..., Any]]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Loads an example anew as ``--process-query NAME:process_query`` does in its folder."""
    monkeypatch.setattr(sys, "path", sys.path[:])
    loaded: list[str] = []

    def load(name: str) -> Callable[..., Any]:
        loaded.append(name)
        return streamchat.load(f"{name}:process_query", str(EXAMPLES))

    yield load
    for name in loaded:
        sys.modules.pop(name, None)


def asked(process_query: Callable[..., Any], message: str, **fields: Any) -> Response:
    """What a server with this function says to the question."""
    responses = []

    async def scenario(house: House) -> None:
        responses.append(await house.ask(message=message, **fields))

    with_server(process_query, scenario)
    return responses[0]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_is_short(path: Path) -> None:
    code = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    assert 10 <= len(code) <= 30


def test_the_chain_answers_from_the_passages_that_fit_the_question(load: Load) -> None:
    response = asked(load("langchain_chain"), "Where is the printer?")
    assert answer_in(response.frames).endswith("Handbook:\nThe printer is on the second floor.")


def test_the_call_streams_what_a_compatible_server_says_and_tells_it_what_was_said_before(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(house: House) -> None:
        for message in ("What is a rollup?", "And then?"):
            response = await house.ask(message=message, prompt="Be brief.", conversation_id="c")
            assert answer_in(response.frames) == "A rollup is a chain."

    async def main() -> dict[str, Any]:
        async with scripted(saying("A roll", "up is ", "a chain.")) as upstream:
            monkeypatch.setenv("OPENAI_BASE_URL", upstream.url)
            monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
            monkeypatch.setenv("OPENAI_MODEL", "m")
            await asyncio.to_thread(with_server, load("openai_call"), scenario)
            return upstream.asked[1].body

    body = asyncio.run(main())
    assert (body["model"], body["stream"]) == ("m", True)
    system, *said = body["messages"]
    assert system["role"] == "system"
    assert system["content"].endswith("Be brief.")
    assert said == [
        {"role": "user", "content": "What is a rollup?"},
        {"role": "assistant", "content": "A rollup is a chain."},
        {"role": "user", "content": "And then?"},
    ]


def test_the_report_is_a_table_of_twelve_months(load: Load) -> None:
    response = asked(load("sql_report"), "How was the year?", chunking={"strategy": "lines"})
    head, _, *months = answer_in(response.frames).splitlines()
    assert head == "| month | sales | euros |"
    assert [line.split("|")[1].strip() for line in months] == [str(month) for month in range(1, 13)]
    assert sum(int(line.split("|")[2].replace(",", "")) for line in months) == 1_000_000


def test_a_stop_interrupts_the_reports_statement(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    report, begun = load("sql_report"), Gate()
    endless = "WITH RECURSIVE sale(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM sale) SELECT n FROM sale WHERE n < 0"
    monkeypatch.setattr(importlib.import_module("sql_report"), "SALES", endless)

    def watched(message: str, progress: Callable[..., None], cancelled: Any) -> Any:
        begun.begun.set()
        return report(message, progress, cancelled)

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection)
            await begun.has_begun()
            await house.request("DELETE", f"/api/streams/{stream_id}")
            last = (await connection.read_until("cancelled"))[-1]
            assert last.payload["code"] == "cancelled"
        # The statement has no end of its own: that it has ended is the interruption.
        while (await house.request("DELETE", f"/api/streams/{stream_id}")).json["worker"] != "ended":  # noqa: ASYNC110
            await asyncio.sleep(0)

    with_server(watched, scenario)


@pytest.mark.parametrize(("says", "outcome"), [(True, "The bus is booked."), (False, "Nothing was booked.")])
def test_the_agent_shows_its_tools_and_does_what_its_user_decides(load: Load, says: bool, outcome: str) -> None:
    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection)
            seen = await connection.read_until("input_required")
            assert (statuses(seen).count("tool_call"), statuses(seen).count("tool_result")) == (3, 3)
            assert seen[-1].payload["question"] == "The bus costs 19 euros. Book it?"
            await house.post(f"/api/streams/{stream_id}/input", {"input": says})
            rest = await connection.read_until("complete")
            assert answer_in(seen + rest) == f"I have compared 3 ways to travel. {outcome}"

    with_server(load("travel_agent"), scenario)
