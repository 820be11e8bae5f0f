import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.client.real_server import ALICE, PROFILE, serving
from tests.client.screen import Screen, screen
from tests.client.scripted_server import STREAM_ID, Scene, ScriptedServer, answer, chat, refusal, running, sse

MARKDOWN = ["# 标题\n\n**bold** text and 一段", "很长的文字，" * 12, "\n\n- one\n- two\n\n```python\nx = 1\n```\n"]
PROCESSING = {"status": "processing", "message": "正在检索相关信息...", "progress": 34, "remaining_time": 65.0}


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with running() as scripted:
        yield scripted


def arguments(server: ScriptedServer, *options: str) -> list[str]:
    return ["VitalikButerin", "hi", "secret", "--url", server.url, *options]


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_progress_is_a_bar_with_the_stages_sentence_and_both_times(server: ScriptedServer, columns: int) -> None:
    server.scenes = [Scene(pieces=[sse([(0, PROCESSING)])], held=True, later=[sse(chat(["done"])[2:])])]
    with screen(*arguments(server), columns=columns) as shown:
        shown.wait_for("正在检索相关信息...", "━━", "34 %", "0:0", "~1:0", "left")
        assert not shown.shows_cursor
        server.release()
        assert shown.exit_status() == 0
        assert "━" not in shown.text
        assert "34 %" not in shown.text
        assert shown.shows_cursor


@pytest.mark.parametrize("columns", [40, 120])
def test_the_answer_is_rendered_as_markdown_and_followed_by_a_summary(server: ScriptedServer, columns: int) -> None:
    server.scenes = [Scene(pieces=[sse(chat(MARKDOWN))])]
    with screen(*arguments(server), columns=columns) as shown:
        assert shown.exit_status() == 0
        text = shown.text.replace(" ", "").replace("\n", "")
        assert "标题boldtextand一段" + "很长的文字，" * 12 + "•one•twox=1complete·firstframe" in text
        assert "#" not in shown.text
        assert "*" not in shown.text
        assert b"\x1b[1mbold" in shown.raw


def test_the_answer_is_seen_while_it_arrives(server: ScriptedServer) -> None:
    frames = chat(["first block\n\n", "- second, not"])
    server.scenes = [Scene(pieces=[sse(frames[:5])], held=True, later=[sse(chat(["", "", " whole"])[5:])])]
    with screen(*arguments(server)) as shown:
        shown.wait_for("first block", "• second, not", "0:0")
        server.release()
        assert shown.exit_status() == 0
        assert shown.text.count("first block") == 1
        assert "• second, not whole" in shown.text


def test_a_block_longer_than_the_screen_shows_its_end_and_in_the_end_all_of_it_once(server: ScriptedServer) -> None:
    lines = [f"- item {number}\n" for number in range(60)]
    frames = chat(lines)
    server.scenes = [Scene(pieces=[sse(frames[:-1])], held=True, later=[sse(frames[-1:])])]
    with screen(*arguments(server), rows=20) as shown:
        shown.wait_for("item 59", "0:0")
        assert "item 0\n" not in shown.text
        server.release()
        assert shown.exit_status() == 0
        assert [shown.text.count(f"• item {number}\n") for number in range(60)] == [1] * 60


def test_while_the_answer_is_printed_the_bar_says_how_much_of_it_is_here(server: ScriptedServer) -> None:
    piece = {"status": "streaming", "data": "half", "streaming_progress": 52.4, "chunk_number": 1}
    server.scenes = [Scene(pieces=[sse([(1, piece)])], held=True, later=[sse(chat([])[-1:])])]
    with screen(*arguments(server)) as shown:
        shown.wait_for("half", "52 %")
        server.release()
        assert shown.exit_status() == 0


def test_an_answer_cannot_steer_the_terminal(server: ScriptedServer) -> None:
    evil = ["safe \x1b[2J\x1b]0;title\x07 &#27;[31m \x9b2J", "\n\n`\x1b[H`"]
    stage = PROCESSING | {"message": "\x1b[2Jstage\r\n\nnext"}
    tool = {"status": "tool_call", "name": "\x1b[5m", "arguments": {"\x1b[2J": "\x9b"}}
    frames = chat(evil, status="error", error="\x1b[2Jwrong", code="\x1b[3J")
    server.scenes = [Scene(pieces=[sse([(0, stage), (0, tool), *frames])])]
    with screen(*arguments(server)) as shown:
        assert shown.exit_status() == 1
        for stolen in (b"\x1b[2J", b"\x1b]0;", b"\x1b[H", b"\x1b[5m", b"\x1b[3J", b"\x9b2", b"\x07"):
            assert stolen not in shown.raw
        assert "safe �[2J" in shown.text
        assert "�[2Jwrong" in shown.text


@pytest.mark.parametrize("option", ["--plain", "TERM=dumb"])
def test_plain_has_no_bar_and_no_escape_codes(server: ScriptedServer, option: str) -> None:
    server.scenes = [Scene(pieces=[sse(chat(["**a**\x1b[2J", "\nb"]))])]
    options, environment = ((option,), {}) if option.startswith("--") else ((), {"TERM": "dumb"})
    with screen(*arguments(server, *options), environment=environment) as shown:
        assert shown.exit_status() == 0
        assert b"\x1b" not in shown.raw
        assert "**a**�[2J\nb\ncomplete · " in shown.text


def test_no_color_is_obeyed(server: ScriptedServer) -> None:
    server.scenes = [Scene(pieces=[sse([(0, PROCESSING), *chat(["```python\nx = 1\n```\n", "a **b**"])])])]
    with screen(*arguments(server), environment={"NO_COLOR": "1"}) as shown:
        assert shown.exit_status() == 0
        assert not [code for code in (b"\x1b[3", b"\x1b[9", b"38;5") if code in shown.raw.replace(b"\x1b[3m", b"")]


def test_a_broken_connection_is_told_above_the_answer_which_goes_on(server: ScriptedServer) -> None:
    frames = chat(["```\none\n", "two\n```\n"])
    server.scenes = [Scene(pieces=[sse(frames[:4])], ending="cut")]
    server.resumable = frames
    with screen(*arguments(server)) as shown:
        assert shown.exit_status() == 0
        assert "attempt 1 of 5" in shown.text
        # One code block, not two: the note has not cut it.
        assert [line.strip() for line in shown.lines if line.strip() in ("one", "two", "```")] == ["one", "two"]


def test_ctrl_c_stops_the_work_and_leaves_a_tidy_screen(server: ScriptedServer, tmp_path: Path) -> None:
    server.scenes = [Scene(pieces=[sse(chat(["para\n\n", "half an"])[:5])], ending="hang")]
    with screen(*arguments(server, "--save", str(tmp_path / "a.md")), columns=60) as shown:
        shown.wait_for("half an", "0:0")
        shown.interrupt()
        assert shown.exit_status() == 130
        assert shown.lines[:3] == ["para", "", "half an"]
        assert "the server says cancelled: stopped" in shown.text
        assert shown.shows_cursor
    assert server.requests("DELETE", f"/api/streams/{STREAM_ID}")
    assert (tmp_path / "a.md").read_text() == "para\n\nhalf an"


def test_who_waits_in_line_sees_the_place(server: ScriptedServer) -> None:
    queued = {"status": "queued", "message": "Waiting...", "position": 3, "estimated_wait": 12}
    server.scenes = [Scene(pieces=[sse([(0, queued)])], held=True, later=[sse(chat(["x"]))])]
    with screen(*arguments(server)) as shown:
        shown.wait_for("Waiting... (place 3 in line, about 12 s)")
        server.release()
        assert shown.exit_status() == 0


def test_the_doors_are_compared_in_a_table_that_fits_a_narrow_terminal(server: ScriptedServer) -> None:
    server.scenes = [Scene(pieces=[sse(chat(["你好"]))]), refusal(500, "processing_error", "x"), Scene(pieces=[b"?"])]
    with screen(*arguments(server, "--door", "all", "--retries", "0"), columns=48, rows=50) as shown:
        assert shown.exit_status() == 1
        rows = [[cell.strip() for cell in line.strip("│┃").replace("┃", "│").split("│")] for line in shown.lines]
        assert ["", "smart", "basic", "advanced"] in rows
        assert ["end", "complete", "error", "broken"] in rows


def test_a_missing_token_is_asked_for_and_not_shown(server: ScriptedServer) -> None:
    server.scenes = [Scene(pieces=[sse(chat(["x"]))])]
    with screen("VitalikButerin", "hi", "--url", server.url) as shown:
        shown.wait_for("Token:")
        shown.type("s3cret\r")
        assert shown.exit_status() == 0
        assert "s3cret" not in shown.text
    assert server.asked[0].headers["authorization"] == "Bearer s3cret"


def test_ctrl_c_instead_of_a_token_is_exit_status_130(server: ScriptedServer) -> None:
    with screen("VitalikButerin", "hi", "--url", server.url) as shown:
        shown.wait_for("Token:")
        shown.type("\x03")
        assert shown.exit_status() == 130
    assert not server.asked


def curious(message: str, ask: Any) -> str:
    year = ask("Which year?", schema={"type": "integer", "minimum": 2000})
    colour = ask("Which colour?", schema={"enum": ["red", "blue"]})
    return f"{year + 1} in {colour}"


def test_questions_of_the_function_are_asked_until_the_server_takes_the_answer() -> None:
    with serving(curious) as url, screen(PROFILE, "hi", ALICE, "--url", url, "--lang", "en") as shown:
        shown.wait_until(lambda text: text.endswith("[a whole number] >"))
        shown.type("soon\r")
        shown.wait_until(lambda text: text.endswith("please type a whole number\n[a whole number] >"))
        shown.type("1999\r")
        shown.wait_until(lambda text: text.endswith("[a whole number] >") and "less than the minimum of 2000" in text)
        shown.type("2024\r")
        shown.wait_until(lambda text: text.endswith("[1: red 2: blue] >"))
        shown.type("2\r")
        assert shown.exit_status() == 0
        assert "2025 in blue" in shown.text


def test_whoever_leaves_at_a_question_stops_the_work() -> None:
    with serving(curious) as url, screen(PROFILE, "hi", ALICE, "--url", url, "--lang", "en") as shown:
        shown.wait_until(lambda text: text.endswith("[a whole number] >"))
        shown.type("\x04")
        assert shown.exit_status() == 130
        assert "the server says" in shown.text


def echo(message: str, history: list[dict[str, str]]) -> Iterator[str]:
    yield f"You said {message} after {len(history)} messages."


def at_the_prompt(shown: Screen, words: str = "") -> None:
    shown.wait_until(lambda text: text.endswith(f"{PROFILE}>") and words in text)


def test_a_chat_goes_on_in_its_conversation_and_takes_commands(tmp_path: Path) -> None:
    with serving(echo) as url, screen(PROFILE, "--token", ALICE, "--url", url, rows=60) as shown:
        at_the_prompt(shown, "try: What is a rollup")
        shown.type("一\r")
        at_the_prompt(shown, "You said 一 after 0 messages.")
        shown.type("/door basic\r")
        at_the_prompt(shown, "The door is basic")
        shown.type("two\r")
        at_the_prompt(shown, "You said two after 2 messages.")
        shown.type(f"/save {tmp_path}/a.md\r")
        at_the_prompt(shown, "saved 30 characters")
        shown.type("/new\r")
        at_the_prompt(shown, "A new conversation.")
        # The arrow key brings the earlier lines back.
        shown.type("\x1b[A\x1b[A\x1b[A\r")
        at_the_prompt(shown, "You said two after 0 messages.")
        shown.type("/quit\r")
        assert shown.exit_status() == 0
    assert (tmp_path / "a.md").read_text() == "You said two after 2 messages."


def test_in_a_chat_ctrl_c_stops_the_answer_and_the_chat_goes_on(server: ScriptedServer) -> None:
    server.scenes = [Scene(pieces=[sse(chat(["half"])[:4])], ending="hang"), Scene(pieces=[sse(chat(["whole"]))])]
    with screen(PROFILE, "--token", "secret", "--url", server.url) as shown:
        at_the_prompt(shown)
        shown.type("first\r")
        shown.wait_for("half", "0:0")
        shown.interrupt()
        at_the_prompt(shown, "the server says cancelled")
        shown.interrupt()
        shown.type("second\r")
        at_the_prompt(shown, "whole")
        shown.type("\x04")
        assert shown.exit_status() == 0


def test_what_is_typed_is_kept_where_the_user_says_so(server: ScriptedServer, tmp_path: Path) -> None:
    server.scenes = [Scene(pieces=[sse(chat(["x"]))])]
    file = tmp_path / "typed"
    with screen(PROFILE, "--token", "secret", "--url", server.url, "--history-file", str(file)) as shown:
        at_the_prompt(shown)
        shown.type("hello\r")
        at_the_prompt(shown, "complete ·")
        shown.type("/quit\r")
        shown.exit_status()
    assert "+hello" in file.read_text()
    assert os.stat(file).st_mode & 0o077 == 0


def test_a_chat_with_a_wrong_token_does_not_begin(server: ScriptedServer) -> None:
    server.profiles = answer({"error": "no token", "code": "unauthorized"}, 401)
    with screen(PROFILE, "--token", "secret", "--url", server.url) as shown:
        assert shown.exit_status() == 6
        assert "no token" in shown.text
