"""A stop is seen by whoever stands behind: the upstream is left, a tool is cancelled, and nothing more is asked.

Every way to stop, at every moment of an answer.
"""

import asyncio
import os
import sys
from pathlib import Path

import pytest

pytest.importorskip("pycurl")

import streamchat
from tests.fakes.openai_upstream import PATIENCE_SECONDS, Scene, calling, delta, scripted
from tests.handlers.house import with_server
from tests.handlers.socket_client import Socket

MODULE = "streamchat.backends.openai"
TOOLS_MODULE = "tool_that_waits"
TOOLS = """
import asyncio
import threading

begun, stopped = threading.Event(), threading.Event()


async def wait():
    begun.set()
    try:
        await asyncio.Event().wait()
    finally:
        stopped.set()


TOOLS = [wait]
"""


@pytest.fixture
def function(monkeypatch, tmp_path):
    """Gives the backend for an upstream, with a tool that never comes to its end."""
    (tmp_path / f"{TOOLS_MODULE}.py").write_text(TOOLS)
    monkeypatch.setattr(sys, "path", sys.path[:])

    def load(upstream):
        for name in [name for name in os.environ if name.startswith(("OPENAI_", "STREAMCHAT_OPENAI_"))]:
            monkeypatch.delenv(name)
        settings = {"base_url": upstream.url, "api_key": "k", "model": "m", "tools": f"{TOOLS_MODULE}:TOOLS"}
        for name, value in settings.items():
            monkeypatch.setenv(f"STREAMCHAT_OPENAI_{name.upper()}", value)
        return streamchat.load(f"{MODULE}:process_query", str(Path(tmp_path)))

    yield load
    for name in (MODULE, TOOLS_MODULE):
        sys.modules.pop(name, None)


async def of_tool(name):
    """Wait for one of the tool's events."""
    assert await asyncio.to_thread(getattr(sys.modules[TOOLS_MODULE], name).wait, PATIENCE_SECONDS)


# What the upstream does, what to wait for before the stop, and what must come of it.


async def is_asked(upstream, read_until):
    await upstream.elsewhere(upstream.asked_once)


async def has_spoken(upstream, read_until):
    await read_until("streaming")


async def uses_its_tool(upstream, read_until):
    await read_until("tool_call")
    await of_tool("begun")


async def upstream_is_left(upstream):
    await upstream.elsewhere(upstream.left)


async def tool_is_stopped(upstream):
    await of_tool("stopped")


MOMENTS = {
    "before the head": (Scene(has_head=False, ending="open"), is_asked, upstream_is_left),
    "before the first token": (Scene(ending="open"), is_asked, upstream_is_left),
    "amid the tokens": (Scene(pieces=[delta(content="Hello. ")] * 9, ending="open"), has_spoken, upstream_is_left),
    "while a tool runs": (calling(("wait", "{}")), uses_its_tool, tool_is_stopped),
}


async def delete(house, upstream, has_come):
    async with house.connect() as connection:
        stream_id = await house.begin(connection)
        await has_come(upstream, connection.read_until)
        response = await house.request("DELETE", f"/api/streams/{stream_id}")
        assert (response.status, response.json["state"], response.json["worker"]) == (200, "cancelled", "ended")
    return stream_id


async def hang_up(house, upstream, has_come):
    async with house.connect() as connection:
        stream_id = await house.begin(connection, on_disconnect="cancel")
        await has_come(upstream, connection.read_until)
    return stream_id


async def cancel_on_socket(house, upstream, has_come):
    async with Socket(house) as socket:
        stream_id = await socket.ask()
        await has_come(upstream, reading_until(socket))
        await socket.send(type="cancel", stream_id=stream_id)
        while (message := await socket.read()).get("type") != "cancel":
            pass
        assert (message["state"], message["worker"]) == ("cancelled", "ended")
    return stream_id


async def close_socket(house, upstream, has_come):
    async with Socket(house) as socket:
        stream_id = await socket.ask(on_disconnect="cancel")
        await has_come(upstream, reading_until(socket))
    return stream_id


def reading_until(socket):
    async def read_until(status):
        while (await socket.read())["status"] != status:
            pass

    return read_until


@pytest.mark.parametrize("stop", [delete, hang_up, cancel_on_socket, close_socket])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_stop_is_seen_by_whoever_works_for_the_answer(function, moment, stop):
    scene, has_come, is_seen = MOMENTS[moment]

    async def main():
        async with scripted(scene) as upstream:

            async def scenario(house):
                stream_id = await stop(house, upstream, has_come)
                await is_seen(upstream)
                last = (await house.get(f"/api/streams/{stream_id}")).frames[-1].payload
                assert (last["status"], last["worker"]) == ("cancelled", "ended")
                assert house.server.rooms.vitals.executor_statistics().busy == 0

            await asyncio.to_thread(with_server, function(upstream), scenario)
            assert len(upstream.asked) == 1, "nothing more is asked after a stop"

    asyncio.run(main())
