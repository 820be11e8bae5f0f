"""The pool, the queue in front of it, and a refusal when both are full."""

import asyncio

import pytest

from tests.handlers.house import (
    STREAMING_DOORS,
    Gate,
    House,
    answer_in,
    statuses,
    with_server,
)


def test_a_third_question_waits_in_a_house_of_two_and_then_goes_through() -> None:
    gates = {name: Gate(name) for name in ("one", "two", "three", "four")}

    def process_query(message: str) -> str:
        return gates[message](message)

    async def scenario(house: House) -> None:
        connections = {name: await house.connect().__aenter__() for name in gates}
        try:
            for name in ("one", "two"):
                await house.begin(connections[name], message=name)
                await gates[name].has_begun()
            for position, name in enumerate(("three", "four"), 1):
                await house.begin(connections[name], message=name)
                payload = (await connections[name].read_until("queued"))[-1].payload
                assert payload["position"] == position
                assert "estimated_wait" in payload
            refused = await house.ask(message="five")
            assert (refused.status, refused.frames[0].payload["code"]) == (503, "overloaded")
            assert int(refused.headers["retry-after"]) >= 1
            gates["one"].opened.set()
            await gates["three"].has_begun()
            moved = await connections["four"].read_until("queued")
            assert moved[-1].payload["position"] == 1
            for gate in gates.values():
                gate.opened.set()
            for name, connection in connections.items():
                assert answer_in([frame async for frame in connection.frames()]) == name
            assert (await house.ask(message="one")).frames[-1].status == "complete"
        finally:
            for connection in connections.values():
                await connection.close()

    with_server(process_query, scenario, max_running=2, max_queued=2)


def test_forty_at_once_in_a_house_of_eight_run_wait_or_are_refused_and_then_there_is_room_again() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        asked = [asyncio.create_task(house.ask(conversation_id=f"chat_{n}")) for n in range(40)]
        while sum(task.done() for task in asked) < 28:
            await asyncio.wait([task for task in asked if not task.done()], return_when=asyncio.FIRST_COMPLETED)
        assert {(await task).status for task in asked if task.done()} == {503}
        gate.opened.set()
        served = [response for task in asked if (response := await task).status == 200]
        waited = [response for response in served if "queued" in statuses(response.frames)]
        assert (len(served), len(waited), gate.calls) == (12, 4, 12)
        assert all(answer_in(response.frames) == "done" for response in served)
        positions = [
            next(frame.payload["position"] for frame in response.frames if frame.status == "queued")
            for response in waited
        ]
        assert sorted(positions) == [1, 2, 3, 4]
        assert answer_in((await house.ask()).frames) == "done"

    with_server(gate, scenario, max_running=8, max_queued=4)


def test_eight_that_sleep_through_their_timeout_do_not_keep_the_ninth_waiting() -> None:
    gate = Gate()

    def process_query(message: str) -> str:
        return gate(message) if message == "hang" else "quick"

    async def scenario(house: House) -> None:
        hung = [asyncio.create_task(house.ask(message="hang", timeout=0.3)) for _ in range(8)]
        ninth = await house.ask(message="other")
        assert answer_in(ninth.frames) == "quick"
        assert {(await task).frames[-1].status for task in hung} == {"timeout"}
        statistics = house.server.rooms.vitals.executor_statistics()
        assert (statistics.busy, statistics.abandoned, statistics.free) == (0, 8, 8)
        gate.opened.set()

    with_server(process_query, scenario, max_running=8, max_abandoned=8)


@pytest.mark.parametrize("door", STREAMING_DOORS)
def test_a_refusal_for_want_of_room_is_one_frame(door: str) -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            await house.begin(connection)
            await gate.has_begun()
            response = await house.ask(door, lang="en")
            assert response.status == 503
            (frame,) = response.frames
            assert (frame.payload["status"], frame.payload["code"], frame.is_terminal) == ("error", "overloaded", True)
            assert house.turns_opened == 1
            gate.opened.set()

    with_server(gate, scenario, max_running=1, max_queued=0)
