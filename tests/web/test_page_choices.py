"""What a user chooses, and what the page keeps of it: on a real server, and opened as a file."""

from base64 import b64decode, b64encode
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.chat_page import TOKEN, answer, answer_text, ask, expect_end, open_page, stage, turn
from tests.web.chat_server import PNG, ChatServer

pytestmark = pytest.mark.slow

FILE = (Path(__file__).parents[2] / "web" / "streaming_test.html").as_uri()


def body_of(page: Page) -> dict[str, object]:
    body: dict[str, object] = page.evaluate("turns.at(-1).stream.body")
    return body


def storage(page: Page, kind: str) -> str:
    text: str = page.evaluate(f"JSON.stringify({{...{kind}Storage}})")
    return text


def test_what_is_asked_is_what_was_chosen(page: Page, chat_server: ChatServer) -> None:
    open_page(page, chat_server.url)
    page.get_by_role("combobox", name="Profile").select_option("VitalikButerin")
    page.get_by_role("button", name="Options").click()
    page.get_by_role("combobox", name="Door", exact=True).select_option("stream_chat")
    page.get_by_label("Pace").select_option("none")
    page.get_by_label("Chunking").select_option("sentences")
    page.get_by_label("Chunk size").fill("120")
    with page.expect_request("**/api/stream_chat?*") as asked:
        ask(page, "Hello?")
    assert asked.value.post_data_json == {
        "username": "VitalikButerin",
        "message": "Hello?",
        "lang": "en",
        "pace": "none",
        "chunking": {"strategy": "sentences", "size": 120},
    }
    assert asked.value.headers["authorization"] == f"Bearer {TOKEN}"
    expect_end(page)


def test_every_strategy_on_offer_is_one_that_the_server_has(page: Page, chat_server: ChatServer) -> None:
    open_page(page, chat_server.url)
    page.get_by_role("button", name="Options").click()
    for strategy in ("characters", "words", "sentences", "markdown", "lines"):
        page.get_by_label("Chunking").select_option(strategy)
        ask(page, f"Hello {strategy}?")
        expect(turn(page)).to_contain_text(strategy)
        expect_end(page)


def test_files_that_are_chosen_go_with_the_question_and_no_other(page: Page, chat_server: ChatServer) -> None:
    open_page(page, chat_server.url)
    notes = {"name": "notes.txt", "mimeType": "text/plain", "buffer": "你好".encode()}
    cat = {"name": "cat.png", "mimeType": "image/png", "buffer": b64decode(PNG)}
    page.locator("#chosen-files").set_input_files([notes, cat])  # type: ignore[arg-type]
    page.get_by_role("button", name="Remove cat.png").click()
    expect(page.get_by_role("list", name="Attached files").get_by_role("listitem")).to_have_text("notes.txt")
    with page.expect_request("**/api/stream_chat_smart?*") as asked:
        ask(page, "What is in it?")
    content = b64encode("你好".encode()).decode()
    sent = [{"media_type": "text/plain", "name": "notes.txt", "content": content}]
    assert asked.value.post_data_json["attachments"] == sent
    expect(turn(page).locator(".asked")).to_contain_text("notes.txt")
    expect(page.locator("#files")).to_be_hidden()
    expect_end(page, "")
    with page.expect_request("**/api/stream_chat_smart?*") as again:
        ask(page, "And now?")
    assert "attachments" not in again.value.post_data_json


def test_a_file_that_is_pasted_is_attached(page: Page, chat_server: ChatServer) -> None:
    open_page(page, chat_server.url)
    page.get_by_role("textbox", name="Question").evaluate(
        """field => {
            const data = new DataTransfer();
            data.items.add(new File(["x"], "pasted.txt", { type: "text/plain" }));
            field.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
        }"""
    )
    expect(page.locator("#files")).to_have_text("pasted.txt")


def test_a_suggestion_of_the_profile_asks_itself(page: Page, chat_server: ChatServer) -> None:
    open_page(page, chat_server.url)
    page.get_by_role("combobox", name="Profile").select_option("TornadoGuide")
    page.get_by_role("button", name="How do I stream a response in Tornado?").click()
    expect_end(page)
    assert answer_text(page).startswith("You said: How do I stream a response in Tornado?")
    expect(page.locator("#welcome")).to_be_hidden()


def test_a_question_sent_before_connecting_connects_first(page: Page, chat_server: ChatServer) -> None:
    page.goto(chat_server.url)
    page.get_by_label("Token", exact=True).fill(TOKEN)
    page.get_by_role("textbox", name="Question").fill("Hello?")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect_end(page)
    expect(page.locator("#turns .turn")).to_have_count(1)
    expect(page.locator("#connected")).to_have_text("Connected")


def test_without_a_list_of_profiles_a_name_can_be_typed(page: Page, chat_server: ChatServer) -> None:
    page.route("**/api/profiles*", lambda route: route.fulfill(status=404, body="{}"))
    open_page(page, chat_server.url)
    expect(page.locator("#connect-state")).to_contain_text("HTTP 404")
    page.get_by_role("textbox", name="Profile").fill("TornadoGuide")
    ask(page, "Hello?")
    expect_end(page)
    assert body_of(page)["username"] == "TornadoGuide"


def test_a_wrong_token_is_said_at_once(page: Page, chat_server: ChatServer) -> None:
    open_page(page, chat_server.url, token="wrong")
    expect(page.locator("#connect-state")).to_contain_text("Could not connect")
    expect(page.locator("#connect")).to_be_visible()


def test_the_token_is_kept_nowhere_unless_that_is_wanted(page: Page, chat_server: ChatServer) -> None:
    open_page(page, chat_server.url)
    ask(page, "Hello?")
    expect_end(page)
    assert TOKEN not in storage(page, "session") + storage(page, "local")
    page.reload()
    expect(page.get_by_label("Token", exact=True)).to_have_value("")


def test_a_token_that_is_to_be_remembered_is_so_for_this_tab_until_it_is_not(
    page: Page, chat_server: ChatServer
) -> None:
    page.goto(chat_server.url)
    page.get_by_label("Remember the token in this tab").check()
    page.get_by_label("Token", exact=True).fill(TOKEN)
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.locator("#connected")).to_have_text("Connected")
    assert TOKEN in storage(page, "session")
    assert TOKEN not in storage(page, "local")
    page.reload()
    expect(page.locator("#connected")).to_have_text("Connected")
    page.locator("#open-connect").click()
    page.get_by_label("Remember the token in this tab").uncheck()
    assert TOKEN not in storage(page, "session")


def test_choices_outlive_the_visit(page: Page, chat_server: ChatServer) -> None:
    open_page(page, chat_server.url)
    page.get_by_role("combobox", name="Profile").select_option("VitalikButerin")
    page.get_by_role("button", name="Options").click()
    page.get_by_role("combobox", name="Door", exact=True).select_option("stream_chat_advanced")
    page.get_by_label("Theme").select_option("dark")
    open_page(page, chat_server.url)
    expect(page.locator("#door")).to_have_value("stream_chat_advanced")
    expect(page.locator("#profile")).to_have_value("VitalikButerin")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(25, 27, 31)"


def test_chinese_is_asked_for_and_spoken(page: Page, chat_server: ChatServer) -> None:
    open_page(page, chat_server.url)
    page.get_by_label("Language").select_option("zh")
    expect(page.locator("html")).to_have_attribute("lang", "zh")
    page.get_by_role("textbox", name="问题").fill("wait 一下")
    page.get_by_role("button", name="发送", exact=True).click()
    expect(stage(page)).to_have_text("Thinking hard")
    assert body_of(page)["lang"] == "zh"
    page.get_by_role("button", name="停止", exact=True).click()
    expect_end(page, "工作线程")
    expect(turn(page).get_by_role("button", name="重新提问")).to_be_visible()


def test_both_languages_have_every_word(page: Page, chat_server: ChatServer) -> None:
    page.goto(chat_server.url)
    shape = """lang => {
        const shapeOf = (value) => typeof value === "object"
            ? Object.entries(value).map(([name, inner]) => [name, shapeOf(inner)])
            : [typeof value, value.length && typeof value === "function" ? value.length : 0];
        return JSON.stringify(shapeOf(WORDS[lang]));
    }"""
    assert page.evaluate(shape, "zh") == page.evaluate(shape, "en")
    for name in ("word", "label", "placeholder"):
        used = f"[...document.querySelectorAll('[data-{name}]')].filter((e) => !(e.dataset.{name} in WORDS.en))"
        assert page.evaluate(f"{used}.length") == 0


def test_a_browser_that_prefers_chinese_gets_chinese(browser: Browser, chat_server: ChatServer) -> None:
    with browser.new_context(locale="zh-CN") as context:
        page = context.new_page()
        page.goto(chat_server.url)
        expect(page.get_by_role("button", name="连接", exact=True).first).to_be_visible()
        expect(page).to_have_title("streamchat · 流式对话")


def test_the_keyboard_is_enough(page: Page, chat_server: ChatServer) -> None:
    page.goto(chat_server.url)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the question")).to_be_focused()
    page.get_by_label("Token", exact=True).focus()
    page.keyboard.type(TOKEN)
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Question")).to_be_focused()
    page.keyboard.type("name")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("second line")
    page.keyboard.press("Enter")
    expect(turn(page).locator(".asked")).to_have_text("name\nsecond line")
    expect(answer(page).locator("form.question")).to_be_visible()
    while page.evaluate("document.activeElement.tagName !== 'TEXTAREA' || document.activeElement.id === 'message'"):
        page.keyboard.press("Shift+Tab")
    page.keyboard.type("Ada")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect_end(page)
    assert answer_text(page) == "Hello Ada."
    expect(page.get_by_role("textbox", name="Question")).to_be_focused()


def test_enter_that_chooses_a_word_of_an_input_method_sends_nothing(page: Page, chat_server: ChatServer) -> None:
    open_page(page, chat_server.url)
    field = page.get_by_role("textbox", name="Question")
    field.fill("ni hao")
    composing = "new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true, cancelable: true})"
    assert field.evaluate(f"field => field.dispatchEvent({composing})")
    expect(field).to_have_value("ni hao")
    field.press("Enter")
    expect(field).to_have_value("")


def test_on_a_phone_the_side_panel_lies_over_the_page_and_escape_closes_it(page: Page, chat_server: ChatServer) -> None:
    page.set_viewport_size({"width": 360, "height": 700})
    open_page(page, chat_server.url)
    expect(page.locator("#side")).to_be_hidden()
    page.get_by_role("button", name="Conversations and settings").click()
    expect(page.get_by_label("Theme")).to_be_visible()
    expect(page.locator("#close-side")).to_be_focused()
    assert page.locator("#middle").evaluate("middle => middle.inert")
    page.keyboard.press("Escape")
    expect(page.locator("#side")).to_be_hidden()
    expect(page.get_by_role("button", name="Conversations and settings")).to_be_focused()
    assert not page.locator("#middle").evaluate("middle => middle.inert")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_opened_as_a_file_it_talks_to_the_address_typed_in(page: Page, chat_server: ChatServer) -> None:
    page.goto(FILE)
    expect(page.get_by_label("Server address")).to_have_value("http://127.0.0.1:5001")
    page.get_by_label("Server address").fill(f"{chat_server.url}/")
    page.get_by_label("Token", exact=True).fill(TOKEN)
    page.get_by_role("button", name="Connect", exact=True).click()
    ask(page, "tools")
    expect_end(page)
    expect(answer(page).get_by_role("img", name="The sky")).to_have_js_property("naturalWidth", 1)
    expect(page.locator("#past li")).to_have_count(1)
    assert page.evaluate("turns.at(-1).stream.streamId") != ""


def test_as_a_file_no_script_but_its_own_runs(browser: Browser) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        refused: list[str] = []
        page.on("console", lambda message: refused.append(message.text))
        page.goto(FILE)
        page.evaluate(
            """() => {
                const script = document.createElement("script");
                script.textContent = "window.ran = true";
                document.body.append(script);
            }"""
        )
        assert page.evaluate("window.ran") is None
        assert any("Content Security Policy" in text for text in refused)
