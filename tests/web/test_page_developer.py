"""What developers learn from: the drawer, the three doors side by side, the test for buffering proxies."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.web.buffering_proxy import BufferingProxy
from tests.web.chat_page import TOKEN, ask, expect_end, open_page
from tests.web.chat_server import ChatServer

pytestmark = pytest.mark.slow


@pytest.fixture
def proxy(chat_server: ChatServer) -> Iterator[BufferingProxy]:
    """Between the page and the server; keeps answers until they are whole."""
    proxy = BufferingProxy(chat_server.port)
    chat_server.call(proxy.open())
    yield proxy
    chat_server.call(proxy.close())


def test_the_drawer_shows_every_frame_as_it_came(page: Page, chat_server: ChatServer) -> None:
    open_page(page, chat_server.url)
    page.get_by_role("button", name="Developer's drawer").click()
    ask(page, "Hello?")
    expect_end(page)
    frames = page.evaluate("turns.at(-1).arrivals.map(({ raw, id }) => [raw, id])")
    rows = page.locator(".frames li")
    expect(rows).to_have_count(len(frames))
    expect(rows.first).to_contain_text("initializing")
    expect(rows.last).to_contain_text("complete")
    rows.last.locator("summary").click()
    raw, id_ = frames[-1]
    expect(rows.last.locator("pre")).to_have_text(f"data: {raw}\nid: {id_}\n")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save all frames").click()
    saved = [json.loads(line) for line in download.value.path().read_text(encoding="utf-8").splitlines()]
    assert [(row["frame"], row["id"]) for row in saved] == [(json.loads(raw), id_) for raw, id_ in frames]
    assert [row["at"] for row in saved] == sorted(row["at"] for row in saved)


def test_the_drawer_draws_the_stages_and_names_the_figures(page: Page, chat_server: ChatServer) -> None:
    open_page(page, chat_server.url)
    ask(page, "Hello?")
    expect_end(page)
    page.get_by_role("button", name="Developer's drawer").click()
    picture = page.get_by_role("img", name="Timeline: Connecting")
    expect(picture.locator(".stage.working")).to_have_count(1)
    expect(picture.locator(".stage.answering")).to_have_count(1)
    expect(picture.locator(".flag")).to_have_count(1)
    chunks = page.evaluate("turns.at(-1).timeline.chunks")
    expect(picture.locator(".tick.chunk")).to_have_count(chunks)
    row = page.locator(".figures div").filter(has_text="Chunks")
    expect(row.locator("dd")).to_have_text(str(chunks))


def test_the_request_as_curl_is_the_request_and_hides_the_token(page: Page, chat_server: ChatServer) -> None:
    open_page(page, chat_server.url)
    ask(page, 'It\'s "quoted" $HOME `date` \\ 好')
    expect_end(page)
    page.get_by_role("button", name="Developer's drawer").click()
    command = page.locator(".curl").inner_text()
    assert TOKEN not in command
    environment = {"STREAMCHAT_TOKEN": TOKEN, "PATH": "/usr/bin:/bin"}
    answered = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, check=True, timeout=30)
    assert 'You said: It\'s \\"quoted\\"' in answered.stdout.decode()
    assert '"is_complete":true' in answered.stdout.decode()
    page.get_by_label("Show the token").check()
    expect(page.locator(".curl")).to_contain_text(TOKEN)
    assert shlex.split(page.locator(".curl").inner_text())[0] == "curl"


def test_on_a_phone_the_drawer_covers_the_page(page: Page, chat_server: ChatServer) -> None:
    page.set_viewport_size({"width": 360, "height": 700})
    open_page(page, chat_server.url)
    page.get_by_role("button", name="Developer's drawer").click()
    expect(page.get_by_text("Ask something, and every frame is shown here.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Developer's drawer")).to_be_focused()


def test_the_three_doors_answer_one_question_side_by_side(page: Page, chat_server: ChatServer) -> None:
    open_page(page, chat_server.url)
    page.get_by_role("button", name="Compare the doors").click()
    page.locator("#compare-message").fill("Hello?")
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.locator(".pane .progress.ended.complete")).to_have_count(3, timeout=20_000)
    answers = page.evaluate("comparison.turns.map((turn) => turn.answer.text)")
    assert len(set(answers)) == 1
    assert answers[0].startswith("You said: Hello?")
    assert page.evaluate("comparison.turns.map((turn) => turn.stream.door)") == [
        "stream_chat_smart",
        "stream_chat",
        "stream_chat_advanced",
    ]
    expect(page.locator(".pane").filter(has_text="basic").locator(".times")).to_contain_text("chunks")
    page.keyboard.press("Escape")
    expect(page.get_by_role("textbox", name="Question")).to_be_visible()


def test_a_comparison_that_is_closed_is_stopped_on_the_server(page: Page, chat_server: ChatServer) -> None:
    open_page(page, chat_server.url)
    page.get_by_role("button", name="Compare the doors").click()
    page.locator("#compare-message").fill("wait for it")
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.locator(".pane").get_by_text("Thinking hard")).to_have_count(3)
    page.keyboard.press("Escape")
    expect(page.locator(".pane .progress.ended.cancelled")).to_have_count(3)


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("tool", ["Compare the doors", "Connection self-test"])
def test_a_tool_without_a_connection_asks_for_one(page: Page, chat_server: ChatServer, tool: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 700})
    page.goto(chat_server.url)
    if width < 1000:
        page.get_by_role("button", name="Conversations and settings").click()
    page.get_by_role("button", name=tool).click()
    expect(page.get_by_label("Token", exact=True)).to_be_focused()
    expect(page.locator("dialog[open]")).to_have_count(0)


def run_test(page: Page, url: str) -> None:
    open_page(page, url)
    page.get_by_role("button", name="Connection self-test").click()
    page.get_by_role("button", name="Start the test").click()
    expect(page.locator("#test-result dl")).to_be_visible(timeout=30_000)


def test_an_open_road_is_said_to_be_open(page: Page, chat_server: ChatServer) -> None:
    run_test(page, chat_server.url)
    expect(page.locator(".verdict")).to_contain_text("All is well")
    expect(page.locator("#selftest")).not_to_contain_text("buffering you")


def test_a_proxy_that_holds_everything_back_is_found_out(
    page: Page, chat_server: ChatServer, proxy: BufferingProxy
) -> None:
    run_test(page, proxy.url)
    expect(page.locator(".verdict")).to_contain_text("A proxy is buffering you: the stream was held back")
    expect(page.locator("#selftest")).to_contain_text("proxy_buffering off")


def test_a_proxy_that_collects_is_found_out(page: Page, chat_server: ChatServer, proxy: BufferingProxy) -> None:
    proxy.hold_bytes = 1024
    run_test(page, proxy.url)
    expect(page.locator(".verdict")).to_contain_text("came in lumps")


def test_a_stream_that_was_held_back_is_marked_in_the_drawer_too(
    page: Page, chat_server: ChatServer, proxy: BufferingProxy
) -> None:
    open_page(page, proxy.url)
    page.get_by_role("button", name="Developer's drawer").click()
    ask(page, "Hello?")
    expect_end(page)
    expect(page.locator("#drawer-body")).to_contain_text("A proxy is buffering you")


def test_the_test_leaves_no_conversation_behind(page: Page, chat_server: ChatServer) -> None:
    with page.expect_response(lambda response: response.request.method == "DELETE") as forgotten:
        run_test(page, chat_server.url)
    assert forgotten.value.ok
    open_page(page, chat_server.url)
    expect(page.locator("#past-note")).to_have_text("No conversations yet.")
