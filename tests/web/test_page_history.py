"""The caller's conversations on the page: the list, an old one, one that was left in the middle."""

import pytest
from playwright.sync_api import Page, expect

from tests.web.chat_page import TOKEN, answer_text, ask, expect_end, open_page, turn
from tests.web.chat_server import ChatServer

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def connected(page: Page, chat_server: ChatServer) -> None:
    open_page(page, chat_server.url)


def test_a_conversation_goes_on_where_it_was(page: Page) -> None:
    ask(page, "remember this")
    expect_end(page)
    assert answer_text(page) == "There were 0 messages before."
    ask(page, "remember that")
    expect(page.locator("#turns .turn")).to_have_count(2)
    expect_end(page)
    assert answer_text(page) == "There were 2 messages before."
    expect(page.locator("#past li")).to_have_count(1)
    page.get_by_role("button", name="New chat").click()
    expect(page.locator("#turns .turn")).to_have_count(0)
    ask(page, "remember nothing")
    expect_end(page)
    assert answer_text(page) == "There were 0 messages before."
    expect(page.locator("#past li")).to_have_count(2)


def test_an_old_conversation_is_opened_and_gone_on_with(page: Page, chat_server: ChatServer) -> None:
    ask(page, "markdown")
    expect_end(page)
    open_page(page, chat_server.url)
    page.get_by_role("button", name="markdown").click()
    expect(page.locator("#turns .turn")).to_have_count(1)
    expect(turn(page).locator(".asked")).to_have_text("markdown")
    expect(turn(page).locator(".answer strong")).to_have_text("bold")
    ask(page, "remember")
    expect(page.locator("#turns .turn")).to_have_count(2)
    expect_end(page)
    assert answer_text(page) == "There were 2 messages before."
    expect(page.locator("#past li")).to_have_count(1)


def test_a_conversation_is_forgotten_only_when_asked_twice(page: Page, chat_server: ChatServer) -> None:
    ask(page, "Hello?")
    expect_end(page)
    page.get_by_role("button", name="Delete this conversation").click()
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_role("button", name="Hello?")).to_be_visible()
    page.get_by_role("button", name="Delete this conversation").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator("#past li")).to_have_count(0)
    expect(page.locator("#turns .turn")).to_have_count(0)
    open_page(page, chat_server.url)
    expect(page.locator("#past-note")).to_have_text("No conversations yet.")


def test_an_answer_that_is_left_in_the_middle_is_not_lost(page: Page, chat_server: ChatServer) -> None:
    ask(page, "half")
    expect(turn(page).locator(".answer")).to_have_text("The first half.")
    open_page(page, chat_server.url)
    page.get_by_role("button", name="Go on reading").click()
    expect(turn(page).locator(".asked")).to_have_text("half")
    chat_server.answers.gate.set()
    expect_end(page)
    assert answer_text(page) == "The first half.\n\nThe second half."
    ask(page, "remember")
    expect(page.locator("#turns .turn")).to_have_count(2)
    expect_end(page)
    assert answer_text(page) == "There were 2 messages before."


def test_what_is_kept_to_come_back_is_no_secret(page: Page, chat_server: ChatServer) -> None:
    ask(page, "half")
    expect(turn(page).locator(".answer")).to_have_text("The first half.")
    kept = page.evaluate("JSON.stringify({...sessionStorage})")
    assert "half" in kept
    assert TOKEN not in kept
    chat_server.answers.gate.set()
    expect_end(page)
    assert "half" not in page.evaluate("JSON.stringify({...sessionStorage})")
