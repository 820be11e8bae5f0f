"""The page in a real browser, against a server that follows a script: streams, and all that may happen to them."""

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.client.scripted_server import STREAM_ID, Frame, Scene, ScriptedServer, answer, chat, refusal, sse
from tests.web import chat_page
from tests.web.chat_page import answer_text, expect_end, stage, turn

pytestmark = pytest.mark.slow

CHUNKS = ["你好，", "<b>not bold</b>", " 👨‍👩‍👧\n", "  end"]
ANSWER = "".join(CHUNKS)
PROFILE = {"username": "VitalikButerin", "display_name": "Vitalik", "suggestions": [], "settings": {}}


@pytest.fixture(autouse=True)
def profiles(server: ScriptedServer) -> None:
    server.profiles = answer({"success": True, "profiles": [PROFILE]})


def ask(page: Page, server: ScriptedServer) -> None:
    chat_page.open_page(page, server.url)
    chat_page.ask(page, "What is a blockchain?")


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def waiting(**fields: Any) -> tuple[int, Frame]:
    return 0, {"success": True, "data": "", "status": "processing", "message": "Searching", **fields}


def test_a_stream_is_shown_to_its_end(page: Page, server: ScriptedServer) -> None:
    server.scenes = [Scene(pieces=[sse(chat(CHUNKS))])]
    ask(page, server)
    expect_end(page)
    assert answer_text(page) == ANSWER
    assert turn(page).locator(".answer b").count() == 0
    expect(turn(page).locator(".answer")).to_contain_text("你好，<b>not bold</b> 👨‍👩‍👧")
    expect(turn(page).locator(".times")).to_contain_text(f"4 chunks, {len(ANSWER)} characters")
    expect(turn(page).locator("progress")).to_be_hidden()


def test_progress_is_shown_as_bar_sentence_and_times_while_it_lasts(page: Page, server: ScriptedServer) -> None:
    counted = (0, {"success": True, "data": "", "status": "usage", "prompt_tokens": 12, "completion_tokens": 3})
    server.scenes = [Scene(pieces=[sse([waiting(progress=40, remaining_time=90), counted])], ending="hang")]
    ask(page, server)
    expect(stage(page)).to_have_text("Searching")
    expect(turn(page).locator("progress")).to_have_js_property("value", 40)
    expect(turn(page).locator(".times")).to_contain_text("s left")
    expect(turn(page).locator(".times")).to_contain_text("tokens 12 → 3")
    expect(button(page, "Stop")).to_be_visible()
    expect(button(page, "Send")).to_be_hidden()


def test_the_place_in_the_queue_is_shown(page: Page, server: ScriptedServer) -> None:
    queued = {"success": True, "data": "", "status": "queued", "position": 3, "estimated_wait": 60.0}
    server.scenes = [Scene(pieces=[sse([(0, queued)])], ending="hang")]
    ask(page, server)
    expect(stage(page)).to_have_text("Waiting in the queue, place 3")
    expect(turn(page).locator(".times")).to_contain_text("s left")


def test_the_tokens_of_a_whole_answer_are_in_its_last_line(page: Page, server: ScriptedServer) -> None:
    usage = {"prompt_tokens": 12, "completion_tokens": 40, "complete": True}
    server.scenes = [Scene(pieces=[sse(chat(CHUNKS, usage=usage))])]
    ask(page, server)
    expect_end(page)
    expect(turn(page).locator(".times")).to_contain_text("tokens 12 → 40")


@pytest.mark.parametrize("ending", ["cut", "clean", "reset"])
def test_a_stream_that_breaks_off_is_resumed_after_the_last_id(page: Page, server: ScriptedServer, ending: str) -> None:
    frames = chat(CHUNKS)
    half = sse(frames[5:6])[:20]
    server.scenes = [Scene(pieces=[sse(frames[:5]), half], held=True, ending=ending)]  # type: ignore[arg-type]
    server.resumable = frames
    ask(page, server)
    expect(turn(page).locator(".answer")).to_contain_text("<b>not bold")
    server.release()
    expect_end(page)
    assert answer_text(page) == ANSWER
    assert server.requests("GET", "/api/streams")[-1].path == f"/api/streams/{STREAM_ID}?lang=en"
    assert len(server.requests("POST")) == 1


def test_cut_before_the_page_read_a_frame_the_question_is_attached_to_again(page: Page, server: ScriptedServer) -> None:
    # The browser drops what it has received and not handed on when the connection breaks.
    frames = chat(CHUNKS)
    server.scenes = [Scene(pieces=[sse(frames[:5])], ending="reset")]
    server.resumable = frames
    ask(page, server)
    expect_end(page)
    assert answer_text(page) == ANSWER
    assert len({asked.headers["idempotency-key"] for asked in server.requests("POST")}) == 1


def test_a_silent_connection_counts_as_lost(page: Page, server: ScriptedServer) -> None:
    frames = chat(CHUNKS)
    server.scenes = [Scene(pieces=[sse(frames[:5])], ending="hang")]
    server.resumable = frames
    chat_page.open_page(page, server.url)
    page.evaluate("ChatStream.silenceSeconds = 0.5")
    chat_page.ask(page, "hi")
    expect_end(page)
    assert answer_text(page) == ANSWER


def test_a_busy_server_is_asked_again_under_the_same_key(page: Page, server: ScriptedServer) -> None:
    busy = refusal(503, "overloaded", "busy", Retry_After="0")
    server.scenes = [busy, Scene(ending="cut"), Scene(pieces=[sse(chat(CHUNKS))])]
    ask(page, server)
    expect_end(page)
    assert len({asked.headers["idempotency-key"] for asked in server.requests("POST")}) == 1
    assert len(server.requests("POST")) == 3


def test_the_reason_of_a_new_attempt_is_shown(page: Page, server: ScriptedServer) -> None:
    server.scenes = [refusal(429, "rate_limited", "too fast", Retry_After="3600")]
    ask(page, server)
    expect(stage(page)).to_have_text("Connection lost (HTTP 429: too fast); attempt 1 of 5 in 3600.0 s")
    button(page, "Stop").click()
    expect(button(page, "Send")).to_be_visible()
    expect(stage(page)).to_contain_text("had not accepted")


def test_stop_ends_the_work_on_the_server_and_shows_its_true_state(page: Page, server: ScriptedServer) -> None:
    server.scenes = [Scene(pieces=[sse(chat(["first"])[:4])], ending="hang")]
    server.deleted = answer({"state": "cancelling", "worker": "running"})
    ask(page, server)
    expect(turn(page).locator(".answer")).to_have_text("first")
    button(page, "Stop").click()
    expect(stage(page)).to_have_text("The server says: cancelling, worker running")
    assert server.wait_for("DELETE").path == f"/api/streams/{STREAM_ID}?lang=en"


def test_after_a_stop_the_terminal_frame_is_waited_for(page: Page, server: ScriptedServer) -> None:
    ended = {"success": False, "status": "cancelled", "error": "Stopped", "code": "cancelled", "worker": "ended"}
    frames = chat(["first"], **ended)
    server.scenes = [Scene(pieces=[sse(frames[:4])], held=True, later=[sse(frames[4:])])]
    ask(page, server)
    expect(turn(page).locator(".answer")).to_have_text("first")
    button(page, "Stop").click()
    expect_end(page, "Stopped — the worker has ended")
    expect(button(page, "Send")).to_be_visible()
    expect(turn(page).get_by_role("button", name="Continue")).to_have_count(0)


def test_a_stop_that_came_too_late_says_so_and_reads_no_further(page: Page, server: ScriptedServer) -> None:
    server.scenes = [Scene(pieces=[sse(chat(["first"])[:4])], ending="hang")]
    server.deleted = answer({"state": "finished", "worker": "ended"})
    ask(page, server)
    expect(turn(page).locator(".answer")).to_have_text("first")
    button(page, "Stop").click()
    expect_end(page, "The server says: finished, worker ended")
    expect(button(page, "Send")).to_be_visible()


def test_to_ask_again_is_a_new_question_with_the_same_text(page: Page, server: ScriptedServer) -> None:
    server.scenes = [refusal(500, "processing_error", "It failed"), Scene(pieces=[sse(chat(CHUNKS))])]
    ask(page, server)
    expect_end(page, "It failed (processing_error)")
    page.get_by_role("textbox", name="Question").fill("something else")
    turn(page).get_by_role("button", name="Ask again").click()
    expect(page.locator("#turns .turn")).to_have_count(2)
    expect_end(page)
    first, second = server.requests("POST")
    assert first.json() == second.json()
    assert first.headers["idempotency-key"] != second.headers["idempotency-key"]
    expect(page.get_by_role("textbox", name="Question")).to_have_value("something else")


def test_a_stream_that_is_gone_is_given_up_and_the_text_stays(page: Page, server: ScriptedServer) -> None:
    broken = Scene(pieces=[sse(chat(["first"])[:4])], held=True, ending="cut")
    server.scenes = [broken, refusal(410, "stream_gone", "forgotten")]
    ask(page, server)
    expect(turn(page).locator(".answer")).to_have_text("first")
    server.release()
    expect_end(page, "Gave up: HTTP 410: forgotten")
    assert answer_text(page) == "first"
    expect(turn(page).get_by_role("button", name="Ask again")).to_be_visible()


def test_a_broken_stream_is_continued_where_it_was_when_the_user_wants(page: Page, server: ScriptedServer) -> None:
    frames = chat(CHUNKS)
    broken = Scene(pieces=[sse(frames[:4])], held=True, ending="cut")
    server.scenes = [broken, Scene(pieces=[b"data: [1]\n\n"])]
    ask(page, server)
    expect(turn(page).locator(".answer")).to_have_text("你好，")
    server.release()
    expect_end(page, "Gave up: an event that is no JSON object")
    server.resumable = frames
    turn(page).get_by_role("button", name="Continue").click()
    expect_end(page)
    assert answer_text(page) == ANSWER
    assert len(server.requests("POST")) == 1
    assert server.requests("GET", "/api/streams")[-1].headers["last-event-id"] == f"{STREAM_ID}:2"


def test_a_partial_answer_can_be_saved(page: Page, server: ScriptedServer) -> None:
    broken = Scene(pieces=[sse(chat(["first part"])[:4])], held=True, ending="cut")
    server.scenes = [broken, refusal(410, "stream_gone", "forgotten")]
    ask(page, server)
    expect(turn(page).locator(".answer")).to_have_text("first part")
    server.release()
    expect_end(page, "Gave up")
    with page.expect_download() as download:
        turn(page).get_by_role("button", name="Save the answer").click()
    assert download.value.suggested_filename == f"answer-{STREAM_ID}.md"
    assert download.value.path().read_text(encoding="utf-8") == "first part"


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
    expect_end(page, shown)
    assert len(server.requests("POST")) == 1


def test_a_frame_of_a_kind_that_is_not_known_changes_nothing(page: Page, server: ScriptedServer) -> None:
    frames = chat(CHUNKS)
    news = (3, {"success": True, "data": "not the answer", "status": "applause", "loud": True})
    server.scenes = [Scene(pieces=[sse([*frames[:5], news, *frames[5:]])])]
    ask(page, server)
    expect_end(page)
    assert answer_text(page) == ANSWER


def test_what_a_screen_reader_is_told_is_blocks_and_not_every_token(page: Page, server: ScriptedServer) -> None:
    tokens = [*"One word after another.", "\n\n", *"And the end."]
    server.scenes = [Scene(pieces=[sse(chat(tokens))])]
    ask(page, server)
    expect_end(page)
    said = page.get_by_role("log").locator("p")
    expect(said.filter(has_text="One word after another.")).to_have_count(1)
    expect(said.filter(has_text="And the end.")).to_have_count(1)
    expect(said.last).to_have_text("Complete")
    assert said.count() <= 5


def test_without_a_token_nothing_is_sent_and_its_field_has_the_focus(page: Page, server: ScriptedServer) -> None:
    page.goto(server.url)
    chat_page.ask(page, "hi")
    expect(page.get_by_label("Token", exact=True)).to_be_focused()
    expect(page.get_by_role("textbox", name="Question")).to_have_value("hi")
    assert not server.requests("POST")


def test_at_phone_width_nothing_sticks_out(page: Page, server: ScriptedServer) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    wide = ["x" * 400, "长" * 200, "\n\n```\n", "y" * 400, "\n```\n\n|", "a|" * 40, "\n|", "-|" * 40, "\n"]
    server.scenes = [Scene(pieces=[sse(chat(wide))])]
    ask(page, server)
    expect_end(page)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert page.evaluate(
        "document.querySelector('#scroll').scrollWidth <= document.querySelector('#scroll').clientWidth"
    )
