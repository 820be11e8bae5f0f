"""The page in a real browser, against a server that follows a script."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.client.scripted_server import STREAM_ID, Scene, ScriptedServer, answer, chat, refusal, sse

pytestmark = pytest.mark.slow

FILE = (Path(__file__).parents[2] / "web" / "streaming_test.html").as_uri()
CHUNKS = ["你好，", "<b>not bold</b>", " 👨‍👩‍👧\n", "  end"]
ANSWER = "".join(CHUNKS)


def open_page(page: Page, server: ScriptedServer) -> None:
    page.goto(server.url)
    page.get_by_label("Token").fill("secret")
    page.get_by_label("Question").fill("What is a blockchain?")


def ask(page: Page, server: ScriptedServer) -> None:
    open_page(page, server)
    page.get_by_role("button", name="Send").click()


def text_of(page: Page) -> str | None:
    return page.locator("#answer").text_content()


def test_a_stream_is_shown_to_its_end(page: Page, server: ScriptedServer) -> None:
    server.scenes = [Scene(pieces=[sse(chat(CHUNKS))])]
    ask(page, server)
    expect(page.locator("#stage")).to_have_text("Complete")
    assert text_of(page) == ANSWER
    assert page.locator("#answer b").count() == 0
    expect(page.locator("#progress")).to_have_js_property("value", 100)
    expect(page.locator("#times")).to_contain_text(f"4 chunks, {len(ANSWER)} characters")


def test_what_is_posted_is_what_the_form_says(page: Page, server: ScriptedServer) -> None:
    server.scenes = [Scene(pieces=[sse(chat(CHUNKS))])]
    open_page(page, server)
    page.get_by_label("Door").select_option("stream_chat")
    page.get_by_label("Pace").select_option("none")
    page.get_by_role("textbox", name="Profile").fill("Ada")
    page.get_by_role("button", name="Send").click()
    asked = server.wait_for("POST")
    assert asked.path == "/api/stream_chat"
    assert asked.headers["authorization"] == "Bearer secret"
    assert asked.headers["idempotency-key"]
    assert asked.json() == {"username": "Ada", "message": "What is a blockchain?", "lang": "en", "pace": "none"}


def test_opened_as_a_file_it_talks_to_the_address_typed_in(page: Page, server: ScriptedServer) -> None:
    server.scenes = [Scene(pieces=[sse(chat(CHUNKS))])]
    page.goto(FILE)
    expect(page.get_by_label("Server address")).to_have_value("http://127.0.0.1:5001")
    page.get_by_label("Server address").fill(f"{server.url}/")
    page.get_by_label("Token").fill("secret")
    page.get_by_label("Question").fill("hi")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#stage")).to_have_text("Complete")
    assert text_of(page) == ANSWER


def test_progress_is_shown_as_bar_sentence_and_times_while_it_lasts(page: Page, server: ScriptedServer) -> None:
    waiting = {"status": "processing", "message": "Searching", "progress": 40, "remaining_time": 90}
    queued = {"status": "queued", "position": 3}
    server.scenes = [Scene(pieces=[sse([(0, queued), (0, waiting)])], ending="hang")]
    ask(page, server)
    expect(page.locator("#stage")).to_have_text("Searching")
    expect(page.locator("#progress")).to_have_js_property("value", 40)
    expect(page.locator("#times")).to_contain_text("s left")
    expect(page.locator("#notes")).to_contain_text('"position":3')
    expect(page.get_by_role("button", name="Stop")).to_be_enabled()
    expect(page.get_by_role("button", name="Send")).to_be_disabled()


@pytest.mark.parametrize("ending", ["cut", "clean", "reset"])
def test_a_stream_that_breaks_off_is_resumed_after_the_last_id(page: Page, server: ScriptedServer, ending: str) -> None:
    frames = chat(CHUNKS)
    half = sse(frames[5:6])[:20]
    server.scenes = [Scene(pieces=[sse(frames[:5]), half], held=True, ending=ending)]  # type: ignore[arg-type]
    server.resumable = frames
    ask(page, server)
    expect(page.locator("#answer")).to_have_text("".join(CHUNKS[:2]))
    server.release()
    expect(page.locator("#stage")).to_have_text("Complete")
    assert text_of(page) == ANSWER
    assert server.requests("GET", "/api/streams")[-1].path == f"/api/streams/{STREAM_ID}"
    assert len(server.requests("POST")) == 1


def test_cut_before_the_page_read_a_frame_the_question_is_attached_to_again(page: Page, server: ScriptedServer) -> None:
    # The browser drops what it has received and not handed on when the connection breaks.
    frames = chat(CHUNKS)
    server.scenes = [Scene(pieces=[sse(frames[:5])], ending="reset")]
    server.resumable = frames
    ask(page, server)
    expect(page.locator("#stage")).to_have_text("Complete")
    assert text_of(page) == ANSWER
    assert len({asked.headers["idempotency-key"] for asked in server.requests("POST")}) == 1


def test_a_silent_connection_counts_as_lost(page: Page, server: ScriptedServer) -> None:
    frames = chat(CHUNKS)
    server.scenes = [Scene(pieces=[sse(frames[:5])], ending="hang")]
    server.resumable = frames
    open_page(page, server)
    page.evaluate("ChatStream.silenceSeconds = 0.5")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#stage")).to_have_text("Complete")
    assert text_of(page) == ANSWER


def test_a_busy_server_is_asked_again_under_the_same_key(page: Page, server: ScriptedServer) -> None:
    busy = refusal(503, "overloaded", "busy", Retry_After="0")
    server.scenes = [busy, Scene(ending="cut"), Scene(pieces=[sse(chat(CHUNKS))])]
    ask(page, server)
    expect(page.locator("#stage")).to_have_text("Complete")
    assert len({asked.headers["idempotency-key"] for asked in server.requests("POST")}) == 1
    assert len(server.requests("POST")) == 3


def test_the_reason_of_a_new_attempt_is_shown(page: Page, server: ScriptedServer) -> None:
    server.scenes = [refusal(429, "rate_limited", "too fast", Retry_After="3600")]
    ask(page, server)
    expect(page.locator("#stage")).to_have_text("Connection lost (HTTP 429: too fast); attempt 1 of 5 in 3600.0 s")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Send")).to_be_enabled()


def test_stop_ends_the_work_on_the_server_and_shows_its_true_state(page: Page, server: ScriptedServer) -> None:
    ended = {"success": False, "status": "cancelled", "error": "Stopped", "code": "cancelled", "worker": "running"}
    frames = chat(["first"], **ended)
    server.scenes = [Scene(pieces=[sse(frames[:4])], ending="hang")]
    server.deleted = answer({"state": "cancelling", "worker": "running"})
    ask(page, server)
    expect(page.locator("#answer")).to_have_text("first")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#stage")).to_have_text("The server says: cancelling, worker running")
    assert server.wait_for("DELETE").path == f"/api/streams/{STREAM_ID}"
    expect(page.get_by_role("button", name="Stop")).to_be_disabled()


def test_after_a_stop_the_terminal_frame_is_waited_for(page: Page, server: ScriptedServer) -> None:
    ended = {"success": False, "status": "cancelled", "error": "Stopped", "code": "cancelled", "worker": "ended"}
    frames = chat(["first"], **ended)
    server.scenes = [Scene(pieces=[sse(frames[:4])], held=True, later=[sse(frames[4:])])]
    ask(page, server)
    expect(page.locator("#answer")).to_have_text("first")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#stage")).to_contain_text("Stopped (cancelled)")
    expect(page.locator("#stage")).to_contain_text("worker ended")
    expect(page.get_by_role("button", name="Send")).to_be_enabled()


def test_a_stop_that_came_too_late_says_so_and_reads_no_further(page: Page, server: ScriptedServer) -> None:
    server.scenes = [Scene(pieces=[sse(chat(["first"])[:4])], ending="hang")]
    server.deleted = answer({"state": "finished", "worker": "ended"})
    ask(page, server)
    expect(page.locator("#answer")).to_have_text("first")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#stage")).to_have_text("The server says: finished, worker ended")
    expect(page.get_by_role("button", name="Send")).to_be_enabled()


def test_retry_asks_the_same_text_as_a_new_question(page: Page, server: ScriptedServer) -> None:
    server.scenes = [
        refusal(500, "processing_error", "It failed"),
        Scene(pieces=[sse(chat(CHUNKS))]),
    ]
    ask(page, server)
    expect(page.locator("#stage")).to_have_text("It failed (processing_error)")
    page.get_by_label("Question").fill("something else")
    page.get_by_role("button", name="Retry").click()
    expect(page.locator("#stage")).to_have_text("Complete")
    first, second = server.requests("POST")
    assert first.json() == second.json()
    assert first.headers["idempotency-key"] != second.headers["idempotency-key"]


def test_a_stream_that_is_gone_is_given_up_and_the_text_stays(page: Page, server: ScriptedServer) -> None:
    broken = Scene(pieces=[sse(chat(["first"])[:4])], held=True, ending="cut")
    server.scenes = [broken, refusal(410, "stream_gone", "forgotten")]
    ask(page, server)
    expect(page.locator("#answer")).to_have_text("first")
    server.release()
    expect(page.locator("#stage")).to_have_text("Gave up: HTTP 410: forgotten")
    assert text_of(page) == "first"
    expect(page.get_by_role("button", name="Retry")).to_be_enabled()


@pytest.mark.parametrize(
    ("scene", "shown"),
    [
        (refusal(401, "unauthorized", "No valid token"), "No valid token (unauthorized)"),
        (refusal(404, "profile_not_found", "User profile not found"), "User profile not found (profile_not_found)"),
        (Scene(status=404, content_type="text/html"), "Scripted (error)"),
        (Scene(pieces=[b"<html>"], content_type="text/html"), "Gave up: HTTP 200, but no event stream"),
        (Scene(pieces=[b"data: [1]\n\n"]), "Gave up: an event that is no JSON object"),
    ],
)
def test_a_refusal_is_shown_and_not_asked_again(page: Page, server: ScriptedServer, scene: Scene, shown: str) -> None:
    server.scenes = [scene]
    ask(page, server)
    expect(page.locator("#stage")).to_have_text(shown)
    assert len(server.requests("POST")) == 1


def test_the_list_of_profiles_comes_from_the_server(page: Page, server: ScriptedServer) -> None:
    server.profiles = answer(
        {"success": True, "profiles": [{"username": "Ada", "display_name": "Ada L."}, {"username": "VitalikButerin"}]}
    )
    server.scenes = [Scene(pieces=[sse(chat(CHUNKS))])]
    open_page(page, server)
    expect(page.locator("#profile")).to_have_value("VitalikButerin")
    page.get_by_role("combobox", name="Profile").select_option("Ada L.")
    page.get_by_role("button", name="Send").click()
    assert server.wait_for("POST").json()["username"] == "Ada"


def test_without_a_list_of_profiles_a_name_can_be_typed(page: Page, server: ScriptedServer) -> None:
    server.profiles = answer({"success": False}, status=401)
    open_page(page, server)
    expect(page.locator("#profiles-note")).to_contain_text("HTTP 401")
    page.get_by_role("textbox", name="Profile").fill("Ada")


def test_chinese_is_asked_for_and_spoken(page: Page, server: ScriptedServer) -> None:
    server.scenes = [Scene(pieces=[sse(chat(CHUNKS))])]
    open_page(page, server)
    page.get_by_label("Language").select_option("zh")
    page.get_by_role("button", name="发送").click()
    expect(page.locator("#stage")).to_have_text("完成")
    assert server.wait_for("POST").json()["lang"] == "zh"
    expect(page.locator("html")).to_have_attribute("lang", "zh")


def test_both_languages_have_every_word(page: Page, server: ScriptedServer) -> None:
    page.goto(server.url)
    assert page.evaluate("Object.keys(WORDS.zh).join() === Object.keys(WORDS.en).join()")
    named = page.evaluate("[...document.querySelectorAll('[data-word]')].every((e) => e.dataset.word in WORDS.en)")
    assert named


def test_the_keyboard_is_enough(page: Page, server: ScriptedServer) -> None:
    server.scenes = [Scene(pieces=[sse(chat(["first"])[:4])], ending="hang")]
    open_page(page, server)
    page.get_by_label("Question").press("Control+Enter")
    expect(page.locator("#answer")).to_have_text("first")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Stop")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#stage")).to_have_text("The server says: cancelled, worker ended")
    expect(page.locator("#answer")).to_be_focused()


def test_a_question_without_a_token_is_not_sent(page: Page, server: ScriptedServer) -> None:
    page.goto(server.url)
    page.get_by_label("Question").fill("hi")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_label("Token")).to_be_focused()
    assert not server.requests("POST")


def test_every_field_has_a_label_and_what_changes_is_announced(page: Page, server: ScriptedServer) -> None:
    page.goto(server.url)
    unlabelled = "[...document.querySelectorAll('input, select, textarea, progress')].filter((e) => !e.labels.length)"
    assert page.evaluate(f"{unlabelled}.length") == 0
    assert page.get_by_role("status").count() >= 1
    assert page.get_by_role("log").count() == 1


def test_at_phone_width_nothing_sticks_out(page: Page, server: ScriptedServer) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    server.scenes = [Scene(pieces=[sse(chat(["x" * 400, "长" * 200]))])]
    ask(page, server)
    expect(page.locator("#stage")).to_have_text("Complete")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
