"""Chromium's own WebSocket and EventSource against the server itself, over a network that is cut."""

from __future__ import annotations

import asyncio
import threading
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

import streamchat
from tests.web.cutting_proxy import CuttingProxy

pytestmark = pytest.mark.slow

TOKEN = "secret-a"
BEARER = "streamchat.bearer." + urlsafe_b64encode(TOKEN.encode()).decode().rstrip("=")
PATIENCE_SECONDS = 30.0
# Cut as soon as there are eight characters, so that something is seen before the answer is whole.
CHUNKING = {"strategy": "characters", "size": 8}

# What a page does with either API: a few lines, as in docs/http-api.md.
ASK = """
async () => {
  const answer = await fetch("/api/stream_chat_smart", {
    method: "POST",
    headers: {"Authorization": "Bearer secret-a", "Content-Type": "application/json"},
    body: JSON.stringify({username: "VitalikButerin", message: "Hello?", chunking: {strategy: "characters", size: 8}}),
  });
  const id = answer.headers.get("X-Stream-Id");
  const issued = await fetch(`/api/streams/${id}/ticket`, {
    method: "POST", headers: {"Authorization": "Bearer secret-a"},
  });
  return [id, (await issued.json()).ticket];
}
"""
FOLLOW = """
([id, ticket]) => {
  const seen = window.frames_seen = []; window.opened = 0;
  const source = new EventSource(`/api/streams/${id}?ticket=${ticket}`);
  source.onopen = () => { window.opened += 1; };
  source.onmessage = (event) => seen.push(JSON.parse(event.data));
  source.onerror = () => { window.is_over = source.readyState === EventSource.CLOSED; };
}
"""
CONNECT = """
(protocols) => new Promise((resolve) => {
  window.messages = []; window.close_code = null;
  window.socket = new WebSocket(`ws://${location.host}/api/ws`, protocols);
  window.socket.onopen = () => resolve("open " + window.socket.protocol);
  window.socket.onmessage = (event) => window.messages.push(JSON.parse(event.data));
  window.socket.onclose = (event) => {
    window.close_code = event.code;
    resolve(`closed ${event.code} ${event.reason}`);
  };
})
"""
SEND = "(message) => window.socket.send(typeof message === 'string' ? message : JSON.stringify(message))"
ENDS = "window.messages.filter((message) => message.is_complete && !message.type).length"


class Talker:
    """A function that says something, waits until it may go on, and says the rest."""

    def __init__(self) -> None:
        self.may_go_on = threading.Event()

    def __call__(self, message: str) -> Iterator[str]:
        yield f"{message} begins. "
        assert self.may_go_on.wait(PATIENCE_SECONDS)
        yield f"{message} ends. " * 10


class Served:
    """A server behind a proxy, both on a loop in a thread of their own."""

    def __init__(self) -> None:
        self.talker = Talker()
        self.proxy: CuttingProxy
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    @property
    def url(self) -> str:
        """A page of this origin, without a content policy that would forbid what a test evaluates."""
        return f"http://127.0.0.1:{self.proxy.port}/healthz"

    def cut(self) -> None:
        self._loop.call_soon_threadsafe(self.proxy.cut)

    @contextmanager
    def running(self, folder: Path) -> Iterator[Served]:
        self._thread.start()
        server = self._call(self._open(folder))
        try:
            yield self
        finally:
            self.talker.may_go_on.set()
            self._call(self.proxy.close())
            self._call(server.drain())
            self._call(server.close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _call(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE_SECONDS)

    async def _open(self, folder: Path) -> Any:
        server = await streamchat.make_app(
            self.talker, port=0, token=(f"alice={TOKEN}",), database_url=f"sqlite:///{folder}/test.db", drain=0.0
        )
        self.proxy = CuttingProxy(server.port)
        await self.proxy.open()
        return server


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served().running(tmp_path) as served:
        yield served


def answer(frames: list[dict[str, Any]]) -> str:
    return "".join(frame["data"] for frame in frames if frame["status"] == "streaming")


def test_an_event_source_follows_with_a_ticket_comes_back_by_itself_and_stops_at_the_end(
    page: Page, served: Served
) -> None:
    page.goto(served.url)
    page.evaluate(FOLLOW, page.evaluate(ASK))
    page.wait_for_function("window.frames_seen.some((frame) => frame.status === 'streaming')")
    served.cut()
    page.wait_for_function("window.opened === 2")
    served.talker.may_go_on.set()
    page.wait_for_function("window.is_over === true")
    frames = page.evaluate("window.frames_seen")
    assert answer(frames) == "Hello? begins. " + "Hello? ends. " * 10
    assert [frame["status"] for frame in frames].count("processing_complete") == 1
    assert frames[-1]["status"] == "complete"
    assert page.evaluate("window.opened") == 2


def test_an_event_source_that_is_cut_off_before_anything_has_come_is_let_in_again(page: Page, served: Served) -> None:
    page.goto(served.url)
    asked = page.evaluate(ASK)
    served.proxy.cut_before(b"HTTP/1.1 200 OK")
    page.evaluate(FOLLOW, asked)
    assert_all_is_seen(page, served, opened=1)


def test_an_event_source_that_is_cut_off_with_the_headers_is_let_in_again(page: Page, served: Served) -> None:
    page.goto(served.url)
    asked = page.evaluate(ASK)
    served.proxy.cut_after(b"\r\n\r\n")
    page.evaluate(FOLLOW, asked)
    assert_all_is_seen(page, served, opened=2)


def test_an_event_source_that_has_lost_its_network_before_the_first_frame_has_its_place_and_is_let_in_again(
    page: Page, served: Served
) -> None:
    page.goto(served.url)
    asked = page.evaluate(ASK)
    # Within a chunk of its own; a frame has its id behind its data.
    served.proxy.cut_after(f"\r\nid: {asked[0]}:0\n\n".encode(), is_silent=True)
    page.evaluate(FOLLOW, asked)
    assert_all_is_seen(page, served, opened=2)


def assert_all_is_seen(page: Page, served: Served, *, opened: int) -> None:
    page.wait_for_function("window.frames_seen.length > 0 || window.is_over")
    served.talker.may_go_on.set()
    page.wait_for_function("window.is_over === true")
    frames = page.evaluate("window.frames_seen")
    assert answer(frames) == "Hello? begins. " + "Hello? ends. " * 10
    assert frames[-1]["status"] == "complete"
    assert page.evaluate("window.opened") == opened


def test_an_event_source_with_a_used_ticket_gets_nothing(page: Page, served: Served) -> None:
    page.goto(served.url)
    asked = page.evaluate(ASK)
    page.evaluate(FOLLOW, asked)
    page.wait_for_function("window.opened === 1")
    page.evaluate("window.first = window.frames_seen")
    page.evaluate(FOLLOW, asked)
    page.wait_for_function("window.is_over === true")
    assert page.evaluate("[window.opened, window.frames_seen.length]") == [0, 0]


def test_a_web_socket_with_its_token_as_subprotocol_has_many_turns(page: Page, served: Served) -> None:
    page.goto(served.url)
    assert page.evaluate(CONNECT, ["streamchat.v1", BEARER]) == "open streamchat.v1"
    served.talker.may_go_on.set()
    for name in ("a", "b", "c"):
        page.evaluate(
            SEND, {"type": "query", "ref": name, "username": "VitalikButerin", "message": name, "pace": "none"}
        )
    page.wait_for_function(f"{ENDS} === 3")
    messages = page.evaluate("window.messages")
    for accepted in [message for message in messages if message.get("type") == "accepted"]:
        own = [message for message in messages if message.get("stream_id") == accepted["stream_id"]]
        name = accepted["ref"]
        assert (
            answer([message for message in own if "type" not in message]) == f"{name} begins. " + f"{name} ends. " * 10
        )


def test_a_web_socket_that_is_cut_goes_on_where_it_was(page: Page, served: Served) -> None:
    page.goto(served.url)
    page.evaluate(CONNECT, [])
    page.evaluate(SEND, {"type": "auth", "token": TOKEN})
    page.evaluate(SEND, {"type": "query", "username": "VitalikButerin", "message": "x", "chunking": CHUNKING})
    page.wait_for_function("window.messages.some((message) => message.status === 'streaming')")
    seen = page.evaluate("window.messages")
    served.cut()
    page.wait_for_function("window.close_code === 1006")
    assert page.evaluate(CONNECT, ["streamchat.v1", BEARER]) == "open streamchat.v1"
    page.evaluate(SEND, {"type": "resume", "stream_id": seen[-1]["stream_id"], "last_event_id": seen[-1]["id"]})
    served.talker.may_go_on.set()
    page.wait_for_function(f"{ENDS} === 1")
    frames = [message for message in seen + page.evaluate("window.messages") if "type" not in message]
    assert answer(frames) == "x begins. " + "x ends. " * 10


def test_a_web_socket_is_told_why_it_is_closed(page: Page, served: Served) -> None:
    page.goto(served.url)
    assert page.evaluate(CONNECT, ["streamchat.v1", "streamchat.bearer.d3Jvbmc"]) == "closed 1006 "
    page.evaluate(CONNECT, [])
    page.evaluate(SEND, {"type": "auth", "token": "wrong"})
    page.wait_for_function("window.close_code === 1008")
    assert page.evaluate("window.messages[0].code") == "unauthorized"
    page.evaluate(CONNECT, ["streamchat.v1", BEARER])
    page.evaluate("window.socket.send('x'.repeat(2_000_000))")
    page.wait_for_function("window.close_code === 1009")


def test_a_page_of_another_origin_may_not_open_a_web_socket(page: Page, served: Served) -> None:
    page.goto("data:text/html,elsewhere")
    connect = CONNECT.replace("location.host", f"'127.0.0.1:{served.proxy.port}'")
    assert page.evaluate(connect, ["streamchat.v1", BEARER]) == "closed 1006 "
