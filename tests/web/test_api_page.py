"""The page that shows the API's description, in a real browser, on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect

from tests.serving.served import TOKEN, Served, serving, users_folder

pytestmark = pytest.mark.slow

ASK = "#operations-Asking-ask_smart"


@pytest.fixture(scope="module")
def served(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = users_folder(tmp_path_factory.mktemp("api"))
    with serving(folder, "--process-query", "answers:answer") as running:
        yield running


@pytest.fixture
def strangers(page: Page, served: Served) -> Iterator[list[str]]:
    """Requests to anybody else, and whatever the console says: there must be none of either."""
    found: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        found.append(message.text)

    page.on("console", listen)
    page.on("request", lambda request: None if request.url.startswith(served.url) else found.append(request.url))
    yield found
    assert [what for what in found if not what.startswith("data:")] == []


def opened(page: Page, served: Served, operation: str = ASK) -> Locator:
    """The operation on the page, unfolded."""
    page.goto(f"{served.url}/docs")
    shown = page.locator(operation)
    shown.locator(".opblock-summary-control").click()
    expect(shown.locator(".opblock-body")).to_be_visible()
    return shown


def test_every_operation_is_shown(page: Page, served: Served, strangers: list[str]) -> None:
    page.goto(f"{served.url}/docs")
    expect(page.get_by_role("heading", name="streamchat")).to_be_visible()
    paths = page.request.get(f"{served.url}/openapi.json").json()["paths"]
    expect(page.locator(".opblock")).to_have_count(sum(len(methods) for methods in paths.values()))
    expect(page.locator(".errors-wrapper")).to_have_count(0)


def test_every_operation_can_be_unfolded(page: Page, served: Served, strangers: list[str]) -> None:
    page.goto(f"{served.url}/docs")
    controls = page.locator(".opblock-summary-control")
    expect(controls.first).to_be_visible()
    for control in controls.all():
        # One at a time: the viewer takes its time for a page on which all of them are open.
        control.click()
        expect(page.locator(".opblock-body .responses-table").first).to_be_visible()
        expect(page.get_by_text("Could not render")).to_have_count(0)
        control.click()
        expect(page.locator(".opblock-body")).to_have_count(0)


def test_an_example_shows_a_stream(page: Page, served: Served, strangers: list[str]) -> None:
    answer = opened(page, served).locator('.response[data-code="200"]')
    expect(answer.locator(".highlight-code").first).to_contain_text('"status":"processing_complete"')
    expect(answer).to_contain_text("X-Stream-Id")


def test_a_question_can_be_asked_with_a_token(page: Page, served: Served, strangers: list[str]) -> None:
    page.goto(f"{served.url}/docs")
    page.get_by_role("button", name="Authorize").click()
    page.get_by_label("auth-bearer-value").fill(TOKEN)
    page.get_by_role("button", name="Apply credentials").first.click()
    page.get_by_role("button", name="Close").first.click()
    shown = page.locator("#operations-Asking-ask")
    shown.locator(".opblock-summary-control").click()
    shown.get_by_role("button", name="Try it out").click()
    shown.get_by_role("button", name="Execute").click()
    expect(shown.locator(".live-responses-table")).to_contain_text("handled: What is a rollup?")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_as_light_or_dark_as_the_reader_likes(page: Page, served: Served, scheme: str) -> None:
    page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
    page.goto(f"{served.url}/docs")
    expect(page.locator(".opblock").first).to_be_visible()
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    darkness = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    shown = darkness if background == "rgba(0, 0, 0, 0)" else background
    is_dark = shown not in ("rgba(0, 0, 0, 0)", "rgb(255, 255, 255)")
    assert is_dark == (scheme == "dark")


def test_it_can_be_read_on_a_phone(page: Page, served: Served, strangers: list[str]) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    opened(page, served)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_page_is_written_without_a_script_or_style_in_it() -> None:
    text = (Path(__file__).parents[2] / "web" / "api_docs.html").read_text(encoding="utf-8")
    assert "<style" not in text
    assert " style=" not in text
    assert all("src=" in line for line in text.splitlines() if "<script" in line)
