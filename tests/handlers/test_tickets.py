"""Tickets: what lets a client that can send no header follow one stream, once."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import cast

import pytest

from streamchat.handlers import tickets as module
from streamchat.handlers.tickets import MAX_OF_A_STREAM, Ticket, Tickets, TicketTaken, TooManyTickets
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
    until,
    with_server,
)
from tests.handlers.raw_client import Connection, CutShort, Frame, Response, frames_of


class Desk:
    """Tickets of 30 s, and a clock that goes by hand."""

    def __init__(self) -> None:
        self.clock = HandClock(100.0)
        self.tickets = Tickets(self.clock, 30.0)

    def take_up(self, stream_id: str = "st_1") -> tuple[str, Ticket]:
        """A new ticket's secret, and the ticket."""
        secret = self.tickets.issue(stream_id, "alice")
        ticket = self.tickets.find(secret, stream_id)
        assert ticket is not None
        return secret, ticket

    def is_good(self, secret: str, stream_id: str = "st_1") -> bool:
        return self.tickets.find(secret, stream_id) is not None

    def lets_in(self, ticket: Ticket, *, comes_back: bool) -> bool:
        """Follow for a moment, and break off."""
        try:
            with self.tickets.follow(ticket, reader(), comes_back=comes_back):
                return True
        except TicketTaken:
            return False


class FakeReader:
    """Knows whether it was closed."""

    is_closed = False

    def close(self) -> None:
        self.is_closed = True


def reader() -> Reader:
    return cast("Reader", FakeReader())


def test_while_somebody_follows_nobody_is_let_in_but_who_shows_to_come_back() -> None:
    desk = Desk()
    _, ticket = desk.take_up()
    with desk.tickets.follow(ticket, first := reader(), comes_back=False):
        assert not desk.lets_in(ticket, comes_back=False)
        assert not first.is_closed
        assert desk.lets_in(ticket, comes_back=True)
        assert first.is_closed


def test_a_connection_that_breaks_gives_the_ticket_back_and_one_that_has_sent_all_does_not() -> None:
    desk = Desk()
    _, ticket = desk.take_up()
    assert desk.lets_in(ticket, comes_back=False)
    assert desk.lets_in(ticket, comes_back=False)
    with desk.tickets.follow(ticket, reader(), comes_back=False):
        ticket.is_spent = True
    assert not desk.lets_in(ticket, comes_back=False)
    assert desk.lets_in(ticket, comes_back=True)


def test_a_follower_that_was_replaced_does_not_give_back_what_another_has() -> None:
    desk = Desk()
    _, ticket = desk.take_up()
    before = desk.tickets.follow(ticket, reader(), comes_back=False)
    before.__enter__()
    with desk.tickets.follow(ticket, reader(), comes_back=True):
        before.__exit__(None, None, None)
        assert not desk.lets_in(ticket, comes_back=False)


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
    secret, ticket = desk.take_up()
    with desk.tickets.follow(ticket, reader(), comes_back=False):
        desk.clock.advance(500.0)
        assert desk.is_good(secret)
    desk.clock.advance(29.0)
    assert desk.is_good(secret)
    desk.clock.advance(1.0)
    assert not desk.is_good(secret)


def test_who_comes_back_ends_the_connection_before_and_only_the_last_one_counts() -> None:
    desk = Desk()
    secret, ticket = desk.take_up()
    first, second = reader(), reader()
    with desk.tickets.follow(ticket, first, comes_back=False):
        with desk.tickets.follow(ticket, second, comes_back=True):
            assert (first.is_closed, second.is_closed) == (True, False)
        assert ticket.follower is None
        desk.clock.advance(1.0)
    desk.clock.advance(28.0)
    assert desk.is_good(secret)
    desk.clock.advance(1.0)
    assert not desk.is_good(secret)


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
    assert secret not in repr(desk.tickets.find(secret, "st_1"))
    assert secret.encode() not in repr(vars(desk.tickets)).encode()


async def ticket_for(house: House, stream_id: str) -> str:
    response = await house.request("POST", f"/api/streams/{stream_id}/ticket")
    assert (response.status, response.headers["cache-control"]) == (200, "no-store")
    body = response.json
    assert body == {"success": True, "stream_id": stream_id, "ticket": body["ticket"], "expires_in": 30.0}
    return str(body["ticket"])


ANSWER = "An answer in some chunks, for a page without headers. " * 3


def place(stream_id: str, number: int) -> bytes:
    """The block that a ticket's stream begins with."""
    return f"id: {stream_id}:{number}\n\n".encode()


def behind(begin: bytes, response: Response) -> list[Frame]:
    """The frames that follow the first block, which must be this one."""
    assert response.status == 200
    assert response.body.startswith(begin)
    return frames_of(response.body.removeprefix(begin))


async def begins(connection: Connection, path: str, begin: bytes, **headers: str) -> None:
    """Follow as far as the place."""
    await connection.send("GET", path, headers=headers)
    assert (await connection.read_head()).status == 200
    assert await connection.read_block() == begin


def test_a_ticket_follows_the_stream_and_no_token_is_needed() -> None:
    async def scenario(house: House) -> None:
        asked = await house.ask()
        stream_id = asked.headers["x-stream-id"]
        secret = await ticket_for(house, stream_id)
        followed = await house.get(f"/api/streams/{stream_id}?ticket={secret}", token=None)
        assert durable(behind(place(stream_id, 0), followed)) == durable(asked.frames)
        again = await house.get(f"/api/streams/{stream_id}?ticket={secret}", token=None)
        assert (again.status, error_in(again, is_streaming=True)["code"]) == (401, "unauthorized")

    with_server(saying(ANSWER), scenario)


def test_only_with_a_ticket_does_a_stream_begin_with_the_readers_place() -> None:
    async def scenario(house: House) -> None:
        asked = await house.ask()
        stream_id = asked.headers["x-stream-id"]
        followed = await house.get(f"/api/streams/{stream_id}")
        for response in (asked, followed):
            assert response.body.startswith(b"data: ")
        path = f"/api/streams/{stream_id}?ticket={await ticket_for(house, stream_id)}&last_event_id={stream_id}:2"
        assert durable(behind(place(stream_id, 2), await house.get(path, token=None))) == durable(followed.frames)[2:]

    with_server(saying(ANSWER), scenario)


def test_a_reconnect_goes_on_with_the_same_address_after_every_frame() -> None:
    async def scenario(house: House) -> None:
        asked = await house.ask()
        stream_id = asked.headers["x-stream-id"]
        path = f"/api/streams/{stream_id}?ticket={await ticket_for(house, stream_id)}"
        everything = durable(behind(place(stream_id, 0), await house.get(path, token=None)))
        for count in range(len(everything)):
            back = await house.get(path, token=None, Last_Event_ID=f"{stream_id}:{count}")
            assert [frame.raw for frame in behind(place(stream_id, count), back)] == everything[count:]
        # EventSource connects again after an end, too: this is what stops it.
        assert (await house.get(path, token=None, Last_Event_ID=f"{stream_id}:{len(everything)}")).status == 204

    with_server(saying(ANSWER), scenario)


@asynccontextmanager
async def running(house: House) -> AsyncIterator[tuple[str, str, Connection, Connection]]:
    """A stream that has just begun: its id, the path with a ticket for it, and connections for two followers."""
    async with house.connect() as asking, house.connect() as one, house.connect() as other:
        stream_id = await house.begin(asking)
        yield stream_id, f"/api/streams/{stream_id}?ticket={await ticket_for(house, stream_id)}", one, other


def test_the_place_comes_before_there_is_a_frame_and_whoever_has_it_may_come_back_at_any_time() -> None:
    gate = Gate(ANSWER)

    async def scenario(house: House) -> None:
        async with running(house) as (stream_id, path, first, second):
            await begins(first, path, place(stream_id, 0))
            # The first one's network is gone, and the server does not know it yet.
            await begins(second, path, place(stream_id, 0), **{"Last-Event-ID": f"{stream_id}:0"})
            gate.opened.set()
            assert answer_in([frame async for frame in second.frames()]) == ANSWER

    with_server(gate, scenario)


def test_whoever_was_cut_off_before_anything_came_may_come_once_more_from_the_beginning() -> None:
    gate = Gate(ANSWER)

    async def scenario(house: House) -> None:
        async with running(house) as (stream_id, path, cut, back):
            await cut.send("GET", path)
            await until(lambda: house.server.rooms.book.readers == 2)
            await cut.close()
            await until(lambda: house.server.rooms.book.readers == 1)
            await begins(back, path, place(stream_id, 0))
            gate.opened.set()
            assert answer_in([frame async for frame in back.frames()]) == ANSWER
            # This one was sent all of it.
            assert (await house.get(path, token=None)).status == 401

    with_server(gate, scenario)


def test_there_is_one_follower_at_a_time() -> None:
    gate = Gate(ANSWER)

    async def scenario(house: House) -> None:
        async with running(house) as (stream_id, path, first, second):
            await begins(first, path, place(stream_id, 0))
            assert (await house.get(path, token=None)).status == 401
            assert await first.read_frame() is not None
            await begins(second, path, place(stream_id, 0), **{"Last-Event-ID": f"{stream_id}:0"})
            with pytest.raises(CutShort):
                await read_on(first)
            gate.opened.set()
            assert answer_in([frame async for frame in second.frames()]) == ANSWER

    with_server(gate, scenario)


async def read_on(connection: Connection) -> None:
    """Read to the end of the stream."""
    while await connection.read_frame():
        pass


def test_of_many_who_come_at_once_one_is_let_in() -> None:
    gate = Gate(ANSWER)

    async def scenario(house: House) -> None:
        async with house.connect() as asking, AsyncExitStack() as stack:
            stream_id = await house.begin(asking)
            path = f"/api/streams/{stream_id}?ticket={await ticket_for(house, stream_id)}"
            crowd = [await stack.enter_async_context(house.connect()) for _ in range(8)]
            for each in crowd:
                await each.send("GET", path)
            heads = [await each.read_head() for each in crowd]
            assert sorted(head.status for head in heads) == [200] + [401] * 7
            gate.opened.set()

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
