"""What axe-core says of the page: in both languages, light and dark, wide and narrow, with everything open."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.chat_page import TOKEN
from tests.web.chat_server import ChatServer
from tests.web.npm_packages import installed

pytestmark = pytest.mark.slow

LOOKS = [("en-GB", "light", 1440), ("zh-CN", "dark", 1440), ("zh-CN", "light", 360), ("en-GB", "dark", 360)]
RUN = """async () => {
    const { violations } = await axe.run(document, { resultTypes: ["violations"] });
    const told = ({ target, failureSummary }) => `${target} ${failureSummary}`;
    return violations.map(({ id, nodes }) => [id, nodes.map(told)]);
}"""


@pytest.fixture(params=LOOKS, ids=lambda look: "-".join(map(str, look)))
def looked_at(browser: Browser, chat_server: ChatServer, request: Any) -> Iterator[Page]:
    """The page in one of its looks, with axe beside it; past the policy, which would forbid axe too."""
    locale, scheme, width = request.param
    view = {"width": width, "height": 800}
    with browser.new_context(locale=locale, color_scheme=scheme, viewport=view, bypass_csp=True) as context:
        page = context.new_page()
        page.goto(chat_server.url)
        page.add_script_tag(path=installed("axe-core/axe.min.js"))
        yield page


def connect(page: Page) -> None:
    page.locator("#token").fill(TOKEN)
    page.locator("#connect .primary").click()
    expect(page.locator("#connect")).to_be_hidden()
    page.locator("#pace").evaluate("pace => { pace.value = 'none'; }")


def ask(page: Page, message: str) -> None:
    page.locator("#message").fill(message)
    page.keyboard.press("Enter")


def expect_no_violation(page: Page) -> None:
    # What moves has no colour that could be measured: wait until it stands.
    finite = "document.getAnimations().filter((a) => a.effect.getTiming().iterations < 9)"
    page.evaluate(f"Promise.all({finite}.map((a) => a.finished))")
    assert page.evaluate(RUN) == []


def test_before_and_after_connecting(looked_at: Page) -> None:
    expect_no_violation(looked_at)
    connect(looked_at)
    looked_at.locator("#options-toggle").click()
    expect_no_violation(looked_at)


def test_an_answer_with_markdown_and_the_drawer_and_the_list(looked_at: Page) -> None:
    connect(looked_at)
    ask(looked_at, "markdown")
    expect(looked_at.locator(".progress.ended")).to_be_visible()
    expect_no_violation(looked_at)
    looked_at.locator("#open-drawer").click()
    expect(looked_at.locator(".frames li").last).to_contain_text("complete")
    looked_at.locator(".frames summary").last.click()
    expect_no_violation(looked_at)


def test_the_side_panel_with_a_conversation_to_be_deleted(looked_at: Page) -> None:
    connect(looked_at)
    ask(looked_at, "hello")
    expect(looked_at.locator(".progress.ended")).to_be_visible()
    if looked_at.locator("#side").is_hidden():
        looked_at.locator("#open-side").click()
    looked_at.locator("#past .plain").click()
    expect_no_violation(looked_at)


def test_tools_media_and_an_open_question(looked_at: Page) -> None:
    connect(looked_at)
    ask(looked_at, "tools")
    expect(looked_at.locator(".progress.ended")).to_be_visible()
    looked_at.locator(".tool summary").first.click()
    ask(looked_at, "order")
    expect(looked_at.locator("form.question")).to_be_visible()
    expect_no_violation(looked_at)


def test_a_failure_and_a_closed_question(looked_at: Page) -> None:
    connect(looked_at)
    ask(looked_at, "name")
    expect(looked_at.locator("form.question")).to_be_visible()
    looked_at.locator("#stop").click()
    expect(looked_at.locator(".progress.ended")).to_be_visible()
    expect_no_violation(looked_at)


def test_the_dialogs(looked_at: Page) -> None:
    connect(looked_at)
    if looked_at.locator("#side").is_hidden():
        looked_at.locator("#open-side").click()
    looked_at.locator("#open-compare").click()
    looked_at.locator("#compare-message").fill("markdown")
    looked_at.locator("#compare-form .primary").click()
    expect(looked_at.locator(".pane .progress.ended")).to_have_count(3)
    expect_no_violation(looked_at)
    looked_at.keyboard.press("Escape")
    looked_at.locator("#open-selftest").click()
    looked_at.locator("#start-test").click()
    expect(looked_at.locator("#test-result dl")).to_be_visible(timeout=20_000)
    expect_no_violation(looked_at)
