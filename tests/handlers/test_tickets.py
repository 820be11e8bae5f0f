"""Tickets: what lets a client that can send no header follow one stream, once."""

import logging
from typing import Any, cast

import pytest

from streamchat.handlers import tickets as module
from streamchat.handlers.tickets import MAX_OF_A_STREAM, Tickets, TooManyTickets
from streamchat.turns.reader import Reader
from tests.fakes.clock import HandClock
from tests.handlers.house import (
    BOB,
    Gate,
    House,
    answer_in,
    authorized,
    durable,
    error_in,
    saying,
    statuses,
    with_server,
)


class Desk:
    """Tickets of 30 s, and a clock that goes by hand."""

    def __init__(self) -> None:
        self.clock = HandClock(100.0)
        self.tickets = Tickets(self.clock, 30.0)

    def is_good(self, secret: str, stream_id: str = "st_1", *, comes_back: bool = False) -> bool:
        return self.tickets.redeem(secret, stream_id, comes_back=comes_back) is not None


class FakeReader:
    """Knows whether it was closed."""

    is_closed = False

    def close(self) -> None:
        self.is_closed = True


def reader() -> Reader:
    return cast("Reader", FakeReader())


def test_a_ticket_is_taken_up_once() -> None:
    desk = Desk()
    secret = desk.tickets.issue("st_1", "alice")
    assert desk.is_good(secret)
    assert not desk.is_good(secret)
    assert desk.is_good(secret, comes_back=True)


@pytest.mark.parametrize("secret", ["", "nonsense", "é", "\ud800", "x" * 10_000])
def test_what_is_no_ticket_opens_nothing(secret: str) -> None:
    desk = Desk()
    desk.tickets.issue("st_1", "alice")
    assert not desk.is_good(secret)


def test_a_ticket_is_good_for_its_own_stream_only_and_is_not_used_up_by_a_try() -> None:
    desk = Desk()
    secret = desk.tickets.issue("st_1", "alice")
    assert not desk.is_good(secret, "st_2")
    assert desk.is_good(secret)


def test_a_ticket_that_nobody_takes_up_is_void_in_time() -> None:
    desk = Desk()
    secret = desk.tickets.issue("st_1", "alice")
    desk.clock.advance(30.0)
    assert not desk.is_good(secret)
    assert len(desk.tickets) == 0


def test_a_follower_may_take_as_long_as_it_likes_and_come_back_in_time() -> None:
    desk = Desk()
    secret = desk.tickets.issue("st_1", "alice")
    ticket = desk.tickets.redeem(secret, "st_1", comes_back=False)
    assert ticket is not None
    with desk.tickets.follow(ticket, reader()):
        desk.clock.advance(500.0)
        assert desk.is_good(secret, comes_back=True)
        desk.clock.advance(1.0)
    desk.clock.advance(29.0)
    assert desk.is_good(secret, comes_back=True)
    desk.clock.advance(30.0)
    assert not desk.is_good(secret, comes_back=True)


def test_who_comes_back_ends_the_connection_before_and_only_the_last_one_counts() -> None:
    desk = Desk()
    secret = desk.tickets.issue("st_1", "alice")
    ticket = desk.tickets.redeem(secret, "st_1", comes_back=False)
    assert ticket is not None
    first, second = reader(), reader()
    with desk.tickets.follow(ticket, first):
        with desk.tickets.follow(ticket, second):
            assert (first.is_closed, second.is_closed) == (True, False)
        assert ticket.follower is None
    desk.clock.advance(29.0)
    assert desk.is_good(secret, comes_back=True)


def test_the_oldest_of_a_stream_goes_when_it_has_too_many() -> None:
    desk = Desk()
    secrets = [desk.tickets.issue("st_1", "alice") for _ in range(MAX_OF_A_STREAM + 1)]
    assert [desk.is_good(secret) for secret in secrets] == [False] + [True] * MAX_OF_A_STREAM


def test_there_are_never_too_many_and_the_void_ones_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_TICKETS", 100)
    desk = Desk()
    for number in range(100):
        desk.tickets.issue(f"st_{number}", "alice")
    with pytest.raises(TooManyTickets):
        desk.tickets.issue("st_x", "alice")
    desk.clock.advance(30.0)
    assert desk.is_good(desk.tickets.issue("st_x", "alice"), "st_x")
    assert len(desk.tickets) == 1


def test_a_secret_is_not_kept() -> None:
    desk = Desk()
    secret = desk.tickets.issue("st_1", "alice")
    ticket = desk.tickets.redeem(secret, "st_1", comes_back=False)
    assert secret not in repr(ticket)
    assert secret.encode() not in repr(vars(desk.tickets)).encode()


async def ticket_for(house: House, stream_id: str) -> str:
    response = await house.request("POST", f"/api/streams/{stream_id}/ticket")
    assert (response.status, response.headers["cache-control"]) == (200, "no-store")
    body = response.json
    assert body == {"success": True, "stream_id": stream_id, "ticket": body["ticket"], "expires_in": 30.0}
    return str(body["ticket"])


ANSWER = "An answer in some chunks, for a page without headers. " * 3


def test_a_ticket_follows_the_stream_and_no_token_is_needed() -> None:
    async def scenario(house: House) -> None:
        asked = await house.ask()
        stream_id = asked.headers["x-stream-id"]
        secret = await ticket_for(house, stream_id)
        followed = await house.get(f"/api/streams/{stream_id}?ticket={secret}", token=None)
        assert durable(followed.frames) == durable(asked.frames)
        again = await house.get(f"/api/streams/{stream_id}?ticket={secret}", token=None)
        assert (again.status, error_in(again, is_streaming=True)["code"]) == (401, "unauthorized")

    with_server(saying(ANSWER), scenario)


def test_a_reconnect_goes_on_with_the_same_address_after_every_frame() -> None:
    async def scenario(house: House) -> None:
        asked = await house.ask()
        stream_id = asked.headers["x-stream-id"]
        path = f"/api/streams/{stream_id}?ticket={await ticket_for(house, stream_id)}"
        everything = durable((await house.get(path, token=None)).frames)
        for count in range(1, len(everything)):
            back = await house.get(path, token=None, Last_Event_ID=f"{stream_id}:{count}")
            assert [frame.raw for frame in back.frames] == everything[count:]
        # EventSource connects again after an end, too: this is what stops it.
        assert (await house.get(path, token=None, Last_Event_ID=f"{stream_id}:{len(everything)}")).status == 204

    with_server(saying(ANSWER), scenario)


def test_there_is_one_follower_at_a_time() -> None:
    gate = Gate(ANSWER)

    async def scenario(house: House) -> None:
        async with house.connect() as asking, house.connect() as first, house.connect() as second:
            stream_id = await house.begin(asking)
            path = f"/api/streams/{stream_id}?ticket={await ticket_for(house, stream_id)}"
            await first.send("GET", path)
            await first.read_head()
            await second.send("GET", path, headers={"Last-Event-ID": f"{stream_id}:0"})
            await second.read_head()
            with pytest.raises(ConnectionError):
                await read_on(first)
            gate.opened.set()
            assert answer_in([frame async for frame in second.frames()]) == ANSWER

    async def read_on(connection: Any) -> None:
        try:
            async for _ in connection.frames():
                pass
        except Exception as error:
            raise ConnectionError from error

    with_server(gate, scenario)


@pytest.mark.parametrize("method", ["DELETE", "POST"])
def test_a_ticket_is_for_reading_only(method: str) -> None:
    async def scenario(house: House) -> None:
        stream_id = (await house.ask()).headers["x-stream-id"]
        secret = await ticket_for(house, stream_id)
        path = f"/api/streams/{stream_id}" + ("/ticket" if method == "POST" else "")
        response = await house.request(method, f"{path}?ticket={secret}", token=None)
        assert response.status == 401
        other = (await house.ask()).headers["x-stream-id"]
        assert (await house.get(f"/api/streams/{other}?ticket={secret}", token=None)).status == 401
        assert (await house.get(f"/api/conversations?ticket={secret}", token=None)).status == 401

    with_server(saying(ANSWER), scenario)


def test_only_the_owner_gets_a_ticket() -> None:
    async def scenario(house: House) -> None:
        stream_id = (await house.ask()).headers["x-stream-id"]
        for token, status in ((BOB, 404), (None, 401)):
            response = await house.request("POST", f"/api/streams/{stream_id}/ticket", token=token)
            assert response.status == status
        assert (await house.request("POST", "/api/streams/st_none/ticket")).status == 404

    with_server(saying(ANSWER), scenario)


def test_a_token_goes_before_a_ticket() -> None:
    async def scenario(house: House) -> None:
        stream_id = (await house.ask()).headers["x-stream-id"]
        followed = await house.request("GET", f"/api/streams/{stream_id}?ticket=x", headers=authorized("secret-a"))
        assert statuses(followed.frames)[-1] == "complete"

    with_server(saying(ANSWER), scenario)


def test_no_log_line_has_a_ticket_in_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = ["made-up-ticket"]

    async def scenario(house: House) -> None:
        stream_id = (await house.ask()).headers["x-stream-id"]
        secrets.append(await ticket_for(house, stream_id))
        for path in (f"/api/streams/{stream_id}", "/api/streams/st_none", "/nowhere", "/api/ws", "/api/chat"):
            for secret in (*secrets, secrets[-1]):
                await house.get(f"{path}?ticket={secret}", token=None)
                await house.get(f"{path}?ticket={secret}&last_event_id=%ff", token=None)
        await house.get(f"/api/streams/{stream_id}?ticket={secrets[1]}", token=None, Last_Event_ID="impossible")

    with_server(saying(ANSWER), scenario)
    lines = [record.getMessage() + repr(vars(record)) for record in caplog.records]
    assert any("refused" in line for line in lines)
    assert not [line for line in lines for secret in secrets if secret in line or "ticket=" in line]
