"""A real browser. One per module: while it runs, this thread has an event loop that asyncio.run would trip over."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.client.scripted_server import ScriptedServer, running
from tests.web.chat_server import ChatServer

CHROMIUM = Path("/usr/bin/chromium")
WEB = Path(__file__).parents[2] / "web"
QUIET = ["no-first-run", "disable-background-networking", "disable-component-update", "disable-sync"]
ARGUMENTS = [f"--{name}" for name in ["no-sandbox", "disable-gpu", "disable-quic", *QUIET]]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with running(files=WEB) as scripted:
        yield scripted


@pytest.fixture
def chat_server(tmp_path: Path) -> Iterator[ChatServer]:
    """The real server, with a function whose answers the questions name."""
    with ChatServer(tmp_path).running() as served:
        yield served


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a German browser (so English), in which any script error or policy violation fails the test."""
    complaints: list[str] = []
    with browser.new_context(locale="de-DE") as context:
        opened = context.new_page()
        opened.set_default_timeout(10_000)
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on("console", lambda message: complaints.append(message.text) if "Policy" in message.text else None)
        yield opened
    assert complaints == []
