"""What a user does on the page, by what they see of it."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

TOKEN = "secret-a"


def open_page(page: Page, url: str, token: str = TOKEN) -> None:
    """Open it and connect with the token."""
    page.goto(url)
    page.get_by_label("Token", exact=True).fill(token)
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.locator("#connect-state")).not_to_have_text("Connecting…")


def ask(page: Page, message: str) -> None:
    page.get_by_role("textbox", name="Question").fill(message)
    page.get_by_role("button", name="Send", exact=True).click()


def turn(page: Page) -> Locator:
    """The latest question and its answer."""
    return page.locator("#turns .turn").last


def stage(page: Page) -> Locator:
    return turn(page).locator(".progress .stage")


def answer(page: Page) -> Locator:
    return turn(page).locator(".answer")


def expect_end(page: Page, sentence: str = "Complete") -> None:
    expect(turn(page).locator(".progress.ended")).to_be_visible(timeout=20_000)
    expect(stage(page)).to_contain_text(sentence)


def answer_text(page: Page) -> str:
    """The answer to the byte, as the page keeps it."""
    text: str = page.evaluate("turns.at(-1).answer.text")
    return text
