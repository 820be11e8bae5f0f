"""What docs/proxies.md promises of nginx, with Debian's nginx and the site that we ship: nothing is held back."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from streamchat.serving.settings import Settings
from tests.deploy.machine import program
from tests.deploy.nginx import BARE, NAME, PATIENCE_SECONDS, SHIPPED, Nginx, in_front_of
from tests.serving.served import TOKEN, Served, answer_in, serving, users_folder

pytestmark = pytest.mark.slow

DOORS = ("stream_chat", "stream_chat_advanced", "stream_chat_smart")
QUESTION = {"username": "VitalikButerin", "message": "hi", "pace": "none"}


@dataclass(frozen=True, slots=True)
class Site:
    """A server whose function waits at a gate, and the nginx before it."""

    served: Served
    nginx: Nginx

    def open_gate(self, answer: str = "through") -> None:
        """Let the function that has begun return this."""
        assert self.served.read_line() == "at the gate"
        (self.served.folder / "gate").write_text(answer)

    def readers(self) -> int:
        """How many read at the server, asked without nginx."""
        health = httpx.get(f"{self.served.url}/api/health", headers={"Authorization": f"Bearer {TOKEN}"})
        return int(health.json()["readers"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    program("nginx")
    folder = tmp_path_factory.mktemp("behind")
    options = ("--process-query", "answers:wait_at_the_gate", "--keepalive", "0.2", "--log-level", "error")
    with serving(users_folder(folder), *options) as served, in_front_of(served.url, folder / "nginx") as nginx:
        yield Site(served, nginx)


@contextmanager
def asking(client: httpx.Client, door: str = DOORS[-1]) -> Iterator[Iterator[str]]:
    """The lines of a stream as they come."""
    with client.stream("POST", f"/api/{door}", json=QUESTION) as response:
        assert response.status_code == 200
        yield response.iter_lines()


def until(lines: Iterator[str], part: str) -> str:
    """Read on to a line with this part; a proxy that holds back lets this run out of patience."""
    return next(line for line in lines if part in line)


@pytest.mark.parametrize("door", DOORS)
def test_frames_and_keep_alives_come_while_the_function_still_works(site: Site, door: str) -> None:
    with site.nginx.client(TOKEN) as client, asking(client, door) as lines:
        until(lines, '"status":"processing"')
        until(lines, ": keep-alive")
        site.open_gate()
        assert '"data":"through"' in until(lines, '"status":"streaming"')
        until(lines, '"is_complete":true')


def test_a_bare_proxy_pass_holds_nothing_back_either(site: Site, tmp_path: Path) -> None:
    with in_front_of(site.served.url, tmp_path / "bare", site=BARE) as bare:
        client = httpx.Client(base_url=f"http://127.0.0.1:{bare.http_port}", timeout=PATIENCE_SECONDS)
        client.headers["Authorization"] = f"Bearer {TOKEN}"
        with client, asking(client) as lines:
            until(lines, '"status":"processing"')
            site.open_gate()
            until(lines, '"status":"complete"')


def test_by_http_2_frames_come_while_the_function_still_works(site: Site) -> None:
    command = [program("curl"), "--http2", "-sNi", "--cacert", str(site.nginx.certificate)]
    headers = ["-H", f"Authorization: Bearer {TOKEN}", "-H", "Content-Type: application/json"]
    address = [f"{site.nginx.url}/api/stream_chat_smart", "-d", json.dumps(QUESTION)]
    with subprocess.Popen([*command, *headers, *address], stdout=subprocess.PIPE, text=True) as curl:
        assert curl.stdout is not None
        assert next(curl.stdout).startswith("HTTP/2 200")
        until(curl.stdout, '"status":"processing"')
        site.open_gate()
        until(curl.stdout, '"status":"complete"')


def test_a_client_that_leaves_is_noticed_behind_the_proxy(site: Site) -> None:
    with site.nginx.client(TOKEN) as client, asking(client) as lines:
        until(lines, '"status":"processing"')
        assert site.readers() == 1
    deadline = time.monotonic() + PATIENCE_SECONDS
    while site.readers():
        assert time.monotonic() < deadline, "the server still thinks that somebody reads"
    site.open_gate()


def test_a_resume_goes_on_where_the_broken_connection_was(site: Site) -> None:
    with site.nginx.client(TOKEN) as client:
        with asking(client) as lines:
            seen = until(lines, "id: ").removeprefix("id: ")
        site.open_gate("resumed")
        stream_id = seen.rpartition(":")[0]
        rest = client.get(f"/api/streams/{stream_id}", headers={"Last-Event-ID": seen})
    assert answer_in(rest) == "resumed"


def test_a_websocket_of_the_sites_own_page_is_let_through(site: Site) -> None:
    async def main() -> list[dict[str, Any]]:
        origin = site.nginx.url
        socket = await websocket_connect(handshake(site, Origin=origin, Authorization=f"Bearer {TOKEN}"))
        await socket.write_message(json.dumps({"type": "query", **QUESTION}))
        frames = [await message_of(socket) for _ in range(2)]
        await asyncio.to_thread(site.open_gate, "by socket")
        while not frames[-1].get("is_complete"):
            frames.append(await message_of(socket))
        socket.close()
        # Until both sides have closed.
        while await socket.read_message() is not None:
            pass
        return frames

    frames = asyncio.run(main())
    assert frames[0]["type"] == "accepted"
    assert "".join(frame["data"] for frame in frames if frame.get("status") == "streaming") == "by socket"


def test_a_websocket_of_another_sites_page_is_refused(site: Site) -> None:
    async def main() -> None:
        await websocket_connect(handshake(site, Origin="https://elsewhere.example", Authorization=f"Bearer {TOKEN}"))

    with pytest.raises(HTTPClientError, match="403"):
        asyncio.run(main())


def handshake(site: Site, **headers: str) -> HTTPRequest:
    address = f"wss://localhost:{site.nginx.https_port}/api/ws"
    return HTTPRequest(address, headers=headers, ca_certs=str(site.nginx.certificate))


async def message_of(socket: Any) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        message: dict[str, Any] = json.loads(await socket.read_message())
        return message


def test_a_body_over_the_servers_limit_gets_the_servers_own_answer(site: Site) -> None:
    with site.nginx.client(TOKEN) as client:
        response = client.post("/api/chat", json=QUESTION | {"message": "x" * 2_000_000})
    assert response.status_code == 413
    assert response.json()["code"] == "body_too_large"


def test_both_logs_have_the_same_request_id_and_none_has_a_query(site: Site) -> None:
    with site.nginx.client(TOKEN) as client:
        made = client.get("/api/profiles?ticket=secret").headers["X-Request-Id"]
        client.get("/api/profiles", headers={"X-Request-Id": "mine-1"})
    log = site.nginx.log.read_text()
    assert '"GET /api/profiles" 200 ' in log
    assert made in log
    assert "mine-1" in log
    assert "secret" not in log


def test_the_metrics_are_not_for_everybody_on_the_net(site: Site) -> None:
    with site.nginx.client(TOKEN) as client:
        assert client.get("/metrics").status_code == 404
        assert client.get("/healthz").status_code == 200


def test_an_answer_in_one_piece_may_take_as_long_as_a_function_may() -> None:
    (seconds,) = re.findall(r"proxy_read_timeout (\d+)s;", SHIPPED.read_text(encoding="utf-8"))
    assert int(seconds) > Settings().process_timeout


def test_who_comes_without_tls_is_sent_to_it_with_the_method_kept(site: Site) -> None:
    response = httpx.post(f"http://127.0.0.1:{site.nginx.http_port}/api/chat?a=1", headers={"Host": NAME})
    assert (response.status_code, response.headers["Location"]) == (308, f"https://{NAME}/api/chat?a=1")
