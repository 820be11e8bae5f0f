"""GET /api/analytics, behind a real server: whose turns, which period, and what is said of bad questions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from streamchat.handlers.analytics import DEFAULT_DAYS, MAX_DAYS, period
from streamchat.handlers.errors import Refused
from streamchat.stores.tokens import TokenStore
from tests.handlers.house import ALICE, BOB, CHAT_DOORS, PROFILE, SMART, Gate, House, error_in, saying, with_server
from tests.handlers.raw_client import Response

NOW = datetime(2026, 11, 2, 15, 30, tzinfo=UTC)


async def report(house: House, token: str = ALICE, **query: str) -> Any:
    response = await asked(house, token, **query)
    assert response.status == 200, response.body
    return response.json


async def asked(house: House, token: str | None = ALICE, **query: str) -> Response:
    return await house.get(f"/api/analytics?{urlencode(query)}", token=token)


def turns_in(body: Any) -> dict[str, int]:
    return {group["group"]: group["turns"] for group in body["groups"]}


def test_without_a_turn_the_report_is_there_and_empty() -> None:
    async def scenario(house: House) -> None:
        body = await report(house)
        assert (body["success"], body["by"], body["scope"], body["kept_days"]) == (True, "day", "own", 90)
        assert (body["totals"]["turns"], body["groups"], body["is_cut"]) == (0, [], False)
        assert body["totals"]["first_answer_seconds"] == {"p50": None, "p95": None}

    with_server(saying("hi"), scenario)


def test_every_door_makes_one_record_that_is_there_at_once() -> None:
    async def scenario(house: House) -> None:
        for door in CHAT_DOORS:
            await house.ask(door)
        today = datetime.now(UTC).date().isoformat()
        assert turns_in(await report(house)) == {today: 4}
        assert turns_in(await report(house, by="door")) == {"advanced": 1, "basic": 1, "chat": 1, "smart": 1}
        body = await report(house, by="profile")
        (group,) = body["groups"]
        assert (group["group"], group["ends"]["complete"], group["characters"]) == (PROFILE, 4, 8)
        assert group["first_answer_seconds"]["p95"] >= group["first_answer_seconds"]["p50"] > 0
        assert set(group["mean_seconds"]) == {"accepted", "queued", "processing", "streaming", "total"}

    with_server(saying("hi"), scenario)


def test_a_caller_sees_their_own_turns_and_an_admin_those_of_all() -> None:
    async def scenario(house: House) -> None:
        ops = await TokenStore(house.server.database).create("ops", is_admin=True)
        for token in (ALICE, ALICE, BOB, ops):
            await house.ask(token=token)
        own = await report(house, ALICE, by="caller")
        assert (own["scope"], turns_in(own), own["totals"]["turns"], own["totals"]["callers"]) == (
            "own",
            {"alice": 2},
            2,
            1,
        )
        everyone = await report(house, ops, by="caller")
        assert everyone["scope"] == "all"
        assert turns_in(everyone) == {"alice": 2, "bob": 1, "ops": 1}
        assert everyone["totals"]["callers"] == 3

    with_server(saying("hi"), scenario)


def test_a_configured_caller_is_an_admin_when_it_is_named_so() -> None:
    async def scenario(house: House) -> None:
        await house.ask(token=ALICE)
        assert turns_in(await report(house, BOB, by="caller")) == {"alice": 1}
        assert (await report(house, ALICE))["scope"] == "own"

    with_server(saying("hi"), scenario, admin=("bob",))


def test_the_token_made_at_start_is_an_admins() -> None:
    async def scenario(house: House) -> None:
        assert (await report(house, house.server.generated_token))["scope"] == "all"

    with_server(saying("hi"), scenario, token=())


def test_nobody_without_a_token_sees_a_figure() -> None:
    async def scenario(house: House) -> None:
        for token in (None, "wrong"):
            assert (await asked(house, token)).status == 401

    with_server(saying("hi"), scenario)


def test_an_error_a_timeout_and_a_stop_are_told_apart() -> None:
    gate = Gate()

    def answer(message: str) -> str:
        if message == "fail":
            raise ValueError("no")
        return gate(message)

    async def scenario(house: House) -> None:
        await house.ask(message="fail")
        await house.ask(message="late", timeout=0.05)
        async with house.connect() as connection:
            stream_id = await house.begin(connection)
            await house.request("DELETE", f"/api/streams/{stream_id}")
            await connection.read_until("cancelled")
        gate.opened.set()
        await house.has_no_readers()
        totals = (await report(house))["totals"]
        assert {cause: count for cause, count in totals["ends"].items() if count} == {
            "error": 1,
            "timeout": 1,
            "cancelled": 1,
        }
        assert totals["errors"] == {"processing_error": 1}

    with_server(answer, scenario)


def test_a_client_that_leaves_is_counted_once_as_gone() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            await house.begin(connection, on_disconnect="cancel")
            await gate.has_begun()
        await house.has_no_readers()
        gate.opened.set()
        await house.server.rooms.book.settle(float("inf"))
        totals = (await report(house))["totals"]
        assert (totals["turns"], totals["ends"]["client_gone"]) == (1, 1)

    with_server(gate, scenario)


def test_a_resumed_stream_and_a_repeated_question_are_no_further_turns() -> None:
    async def scenario(house: House) -> None:
        stream = await house.post(
            SMART, {"username": PROFILE, "message": "hi", "pace": "none"}, headers={"Idempotency-Key": "k"}
        )
        await house.post(
            SMART, {"username": PROFILE, "message": "hi", "pace": "none"}, headers={"Idempotency-Key": "k"}
        )
        assert (await house.get(f"/api/streams/{stream.headers['x-stream-id']}")).status == 200
        assert (await report(house))["totals"]["turns"] == 1

    with_server(saying("hi"), scenario)


def test_switched_off_nothing_is_recorded_and_what_was_there_is_deleted() -> None:
    async def scenario(house: House) -> None:
        await house.ask()
        body = await report(house)
        assert (body["kept_days"], body["totals"]["turns"]) == (0, 0)

    with_server(saying("hi"), scenario, analytics_days=0)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"by": "hour"}, "by"),
        ({"by": ""}, "by"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-13-01"}, "from"),
        ({"from": "2026-02-30"}, "from"),
        ({"from": "20261102"}, "from"),
        ({"from": "2026-11-02T08:00:00"}, "from"),
        ({"from": "２０２６-11-02"}, "from"),
        ({"from": ""}, "from"),
        ({"from": "0001-01-01T00:00:00+23:59"}, "from"),
        ({"to": "2026-11-02 08:00:00Z"}, "to"),
        ({"to": "9999-12-31"}, "to"),
        ({"to": "0001-01-02"}, "to"),
        ({"to": "\0"}, "to"),
        ({"from": "2026-11-03", "to": "2026-11-01"}, "from"),
        ({"from": "2026-11-03", "to": "2026-11-02"}, "from"),
        ({"from": "2026-11-02T08:00:00Z", "to": "2026-11-02T08:00:00Z"}, "from"),
        ({"from": "2025-01-01", "to": "2026-11-01"}, "from"),
        ({"from": "9999-12-30"}, "from"),
    ],
)
def test_a_bad_question_is_refused_and_the_parameter_named(query: dict[str, str], field: str) -> None:
    async def scenario(house: House) -> None:
        response = await asked(house, **query, lang="en")
        assert response.status == 400
        error = error_in(response, is_streaming=False)
        assert (error["code"], error["field"]) == ("invalid_request", field)

    with_server(saying("hi"), scenario)


def test_a_store_that_is_down_is_told_as_such() -> None:
    async def scenario(house: House) -> None:
        await house.server.database.close()
        response = await asked(house)
        assert (response.status, response.json["code"]) == (503, "overloaded")

    with_server(saying("hi"), scenario)


@pytest.mark.parametrize(
    ("since", "until", "begin", "end"),
    [
        (None, None, "2026-10-04T00:00", "2026-11-02T15:30"),
        ("2026-11-01", None, "2026-11-01T00:00", "2026-11-02T15:30"),
        (None, "2026-10-31", "2026-10-02T00:00", "2026-11-01T00:00"),
        ("2026-10-31", "2026-10-31", "2026-10-31T00:00", "2026-11-01T00:00"),
        ("2026-10-31T08:00:00+08:00", "2026-10-31T01:00:00.5Z", "2026-10-31T00:00", "2026-10-31T01:00:00.500000"),
        ("2026-10-31t08:00:00z", "2026-10-31T08:00:01Z", "2026-10-31T08:00", "2026-10-31T08:00:01"),
    ],
)
def test_a_day_as_the_end_belongs_to_the_period_and_a_moment_does_not(
    since: str | None, until: str | None, begin: str, end: str
) -> None:
    expected = tuple(datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (begin, end))
    assert period(since, until, NOW) == expected


def test_a_period_without_a_begin_has_the_days_it_is_said_to_have() -> None:
    begin, _ = period(None, None, NOW)
    assert (NOW.date() - begin.date()).days == DEFAULT_DAYS - 1


def test_the_longest_period_is_taken_and_one_day_more_is_not() -> None:
    last = NOW.date()
    first = last - timedelta(days=MAX_DAYS - 1)
    begin, end = period(first.isoformat(), last.isoformat(), NOW)
    assert (end - begin).days == MAX_DAYS
    with pytest.raises(Refused):
        period((first - timedelta(days=1)).isoformat(), last.isoformat(), NOW)


def test_an_argument_that_is_no_text_is_named() -> None:
    async def scenario(house: House) -> None:
        response = await house.get("/api/analytics?from=%ff")
        assert (response.status, response.json["field"]) == (400, "from")
        response = await house.get("/api/streams/%ff")
        assert (response.status, response.frames[0].payload["field"]) == (400, "request")

    with_server(saying("hi"), scenario)
