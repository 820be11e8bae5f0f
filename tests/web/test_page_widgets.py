"""What an answer may hold, on a real server: Markdown, tools, media, questions. And a server started anew under it."""

import pytest
from playwright.sync_api import Page, expect

from tests.web.chat_page import answer, answer_text, ask, expect_end, open_page, stage, turn
from tests.web.chat_server import LONG, MARKDOWN, ChatServer

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def connected(page: Page, chat_server: ChatServer) -> None:
    open_page(page, chat_server.url)


def test_markdown_is_shown_as_what_it_means_and_kept_to_the_byte(page: Page) -> None:
    ask(page, "markdown")
    expect_end(page)
    shown = answer(page)
    expect(shown.get_by_role("heading", name="Safe")).to_be_visible()
    expect(shown.locator("strong")).to_have_text("bold")
    expect(shown.locator("pre .hljs-built_in, pre .hljs-title")).to_have_text("print")
    expect(shown.locator("pre code")).to_contain_text('print("<b>hi</b>")')
    expect(shown.locator("td").last).to_have_attribute("align", "right")
    expect(shown.get_by_role("checkbox")).to_be_checked()
    assert answer_text(page) == MARKDOWN


def test_nothing_in_markdown_runs_or_is_fetched(page: Page) -> None:
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    ask(page, "markdown")
    expect_end(page)
    shown = answer(page)
    expect(shown).to_contain_text("<script>document.title = 'stolen'</script>")
    expect(shown).to_contain_text("""<img src=x onerror="document.title='stolen'">""")
    assert shown.locator("script, img, iframe, [onerror], [style]").count() == 0
    assert shown.locator("a").evaluate_all("links => links.map((link) => link.getAttribute('href'))") == [
        "https://example.org/x",
        None,
        "https://example.org/x.png",
    ]
    assert all("noopener" in rel for rel in shown.locator("a").evaluate_all("links => links.map((link) => link.rel)"))
    assert page.title() == "streamchat · streaming chat"
    assert not [url for url in fetched if "example.org" in url]


def test_blocks_that_are_finished_are_not_made_anew(page: Page, chat_server: ChatServer) -> None:
    ask(page, "half")
    expect(answer(page).locator(".block p")).to_have_text("The first half.")
    first = answer(page).locator(".block p").element_handle()
    chat_server.answers.gate.set()
    expect_end(page)
    expect(answer(page).locator(".block p")).to_have_text(["The first half.", "The second half."])
    assert first.evaluate("paragraph => paragraph.isConnected")


def test_tools_are_shown_where_they_were_used_with_what_went_in_and_came_out(page: Page) -> None:
    ask(page, "tools")
    expect_end(page)
    parts = answer(page).locator("> *")
    expect(parts.nth(0)).to_have_text("Let me look.")
    expect(parts.nth(1).locator("summary")).to_contain_text("weather")
    expect(parts.nth(1).locator(".state")).to_have_text("done")
    expect(parts.nth(2).locator(".state")).to_have_text("failed")
    parts.nth(1).locator("summary").click()
    expect(parts.nth(1).locator("pre").first).to_have_text('{\n  "city": "Ulm"\n}')
    expect(parts.nth(1).locator("pre").last).to_have_text('{\n  "temperature": 20\n}')
    expect(answer(page).locator(".block").last).to_have_text("It is 20 degrees.")


def test_media_are_shown_and_an_address_that_would_run_is_not(page: Page) -> None:
    ask(page, "tools")
    expect_end(page)
    image = answer(page).get_by_role("img", name="The sky")
    expect(image).to_have_js_property("naturalWidth", 1)
    with page.expect_download() as download:
        answer(page).get_by_role("link", name="report.pdf").click()
    assert download.value.path().read_bytes() == b"%PDF"
    expect(answer(page)).to_contain_text("One attachment cannot be shown.")
    assert page.locator("[href^='javascript:'], [src^='javascript:']").count() == 0


def test_a_question_is_a_form_and_its_answer_reaches_the_function(page: Page) -> None:
    ask(page, "order")
    form = answer(page).locator("form.question")
    expect(form).to_contain_text("What shall I order?")
    expect(stage(page)).to_have_text("Your answer is needed")
    form.get_by_label("large").check()
    form.get_by_label("Name").fill("Ada")
    form.get_by_label("How many").fill("2")
    form.get_by_label("ribbon").check()
    form.get_by_label("Express").check()
    form.get_by_role("button", name="Send the answer").click()
    expect_end(page)
    expected = {"size": "large", "name": "Ada", "count": 2, "extras": ["ribbon"], "express": True}
    assert answer_text(page) == f"Ordered: {expected}"
    expect(form).to_contain_text("Answered")
    expect(form.get_by_role("button")).to_be_disabled()


def test_an_answer_that_does_not_fit_is_not_taken_and_may_be_mended(page: Page) -> None:
    ask(page, "order")
    form = answer(page).locator("form.question")
    form.get_by_label("small").check()
    # Past the browser's own check, so that the server's is seen.
    form.evaluate("form => { form.noValidate = true; }")
    form.get_by_label("Name").fill("A")
    form.get_by_role("button", name="Send the answer").click()
    expect(form.get_by_role("alert")).to_contain_text("name")
    form.get_by_label("Name").fill("Ada")
    form.get_by_role("button", name="Send the answer").click()
    expect_end(page)
    expect(form.get_by_role("alert")).to_have_text("")


def test_a_question_without_a_schema_takes_a_text(page: Page) -> None:
    ask(page, "name")
    page.get_by_role("textbox", name="Your answer").fill("Ada")
    page.get_by_role("button", name="Send the answer").click()
    expect_end(page)
    assert answer_text(page) == "Hello Ada."


def test_a_question_that_has_expired_says_so(page: Page) -> None:
    ask(page, "hurry")
    expect_end(page)
    expect(answer(page).locator("form.question")).to_contain_text("Expired")
    expect(answer(page).locator("form.question").get_by_role("button")).to_be_disabled()
    assert answer_text(page) == "Too late."


def test_a_question_of_a_stream_that_was_stopped_is_over(page: Page) -> None:
    ask(page, "name")
    expect(answer(page).locator("form.question")).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect_end(page, "Cancelled")
    expect(answer(page).locator("form.question .row button")).to_be_disabled()


def test_a_question_that_waits_when_its_server_is_started_anew_is_asked_of_the_new_one(
    page: Page, chat_server: ChatServer
) -> None:
    ask(page, "wait for it")
    expect(stage(page)).to_have_text("Thinking hard")
    chat_server.stop()
    expect(stage(page)).to_contain_text("Connection lost")
    chat_server.answers.gate.set()
    chat_server.start()
    expect_end(page)
    assert answer_text(page) == "It was worth it."


def test_an_answer_that_was_cut_by_a_restart_is_not_mixed_with_another(page: Page, chat_server: ChatServer) -> None:
    ask(page, "half")
    expect(answer(page)).to_have_text("The first half.")
    chat_server.stop()
    chat_server.answers.gate.set()
    chat_server.start()
    expect_end(page, "Gave up: HTTP 404: No such stream")
    assert answer_text(page) == "The first half.\n\n"
    # It is nowhere any more: to go on with it would only fail again.
    expect(turn(page).get_by_role("button", name="Continue")).to_have_count(0)
    turn(page).get_by_role("button", name="Ask again").click()
    expect(page.locator("#turns .turn")).to_have_count(2)
    expect_end(page)
    assert answer_text(page) == "The first half.\n\nThe second half."


def test_the_newest_is_kept_in_sight_until_the_reader_goes_back(page: Page) -> None:
    page.set_viewport_size({"width": 800, "height": 500})
    page.locator("#options-toggle").click()
    page.get_by_label("Pace").select_option("none")
    ask(page, "long")
    expect_end(page)
    assert answer_text(page) == LONG
    expect(answer(page).get_by_text("Paragraph 59 says")).to_be_in_viewport()
    page.locator("#scroll").evaluate("scroll => { scroll.scrollTop = 0; }")
    expect(page.get_by_role("button", name="Go to the latest")).to_be_visible()
    page.get_by_role("button", name="Go to the latest").click()
    expect(answer(page).get_by_text("Paragraph 59 says")).to_be_in_viewport()
