import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streamchat.client.command import main
from streamchat.client.frames import Frame
from tests.client.scripted_server import STREAM_ID, Scene, ScriptedServer, answer, chat, refusal, running, sse

CHUNKS = ["你好，", "wor", "ld 👨‍👩‍👧\r\n", "  end\u0085"]
ANSWER = "".join(CHUNKS)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with running() as scripted:
        yield scripted


def run(server: ScriptedServer, *options: str, token: tuple[str, ...] = ("secret",)) -> Result:
    arguments = ["VitalikButerin", "什么是区块链?", *token, "--url", server.url, *options]
    return CliRunner().invoke(main, arguments)


def test_the_answer_alone_goes_to_standard_output_to_the_byte(server: ScriptedServer) -> None:
    server.scenes = [Scene(pieces=[sse(chat(CHUNKS))])]
    result = run(server)
    assert result.exit_code == 0
    assert result.stdout_bytes == ANSWER.encode()


def test_progress_with_percent_and_elapsed_time_and_a_summary_go_to_standard_error(server: ScriptedServer) -> None:
    server.scenes = [Scene(pieces=[sse(chat(CHUNKS))])]
    shown = run(server).stderr
    assert re.search(r"^\[  7 % +[0-9.]+ s\] 分析$", shown, re.MULTILINE)
    assert "处理完成" in shown
    assert f"4 chunks · {len(ANSWER)} characters" in shown.splitlines()[-1]
    assert shown.splitlines()[-1].startswith("complete · first frame ")


def test_what_is_posted_is_what_the_options_say_and_nothing_else(server: ScriptedServer) -> None:
    server.scenes = [Scene(pieces=[sse(chat(CHUNKS))])]
    options = "--door basic --lang en --pace none --prompt Kurz --prompt-mode replace --conversation-id c1"
    options += " --timeout 60 --on-disconnect continue --chunking sentences:200 --no-cache"
    run(server, *options.split())
    asked = server.asked[0]
    assert (asked.method, asked.path) == ("POST", "/api/stream_chat?lang=en")
    assert asked.headers["authorization"] == "Bearer secret"
    assert asked.headers["accept-encoding"] == "identity"
    assert asked.json() == {
        "username": "VitalikButerin",
        "message": "什么是区块链?",
        "lang": "en",
        "pace": "none",
        "prompt": "Kurz",
        "prompt_mode": "replace",
        "conversation_id": "c1",
        "timeout": 60.0,
        "on_disconnect": "continue",
        "chunking": {"strategy": "sentences", "size": 200},
        "cache": False,
    }


def test_without_options_only_the_required_fields_are_posted_to_the_smart_door(server: ScriptedServer) -> None:
    server.scenes = [Scene(pieces=[sse(chat(CHUNKS))])]
    run(server)
    assert server.asked[0].path == "/api/stream_chat_smart"
    assert set(server.asked[0].json()) == {"username", "message"}


def test_the_token_may_come_from_the_environment(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMCHAT_CLIENT_TOKEN", "from-outside")
    server.scenes = [Scene(pieces=[sse(chat(CHUNKS))])]
    assert run(server, token=()).exit_code == 0
    assert server.asked[0].headers["authorization"] == "Bearer from-outside"


def test_a_failed_attempt_is_told_with_its_reason(server: ScriptedServer) -> None:
    server.scenes = [refusal(503, "overloaded", "服务器繁忙", Retry_After="0"), Scene(pieces=[sse(chat(CHUNKS))])]
    result = run(server)
    assert result.exit_code == 0
    assert "服务器繁忙; attempt 1 of 5 in 0.0 s" in result.stderr


@pytest.mark.parametrize(
    ("terminal", "status"),
    [
        ({}, 0),
        ({"success": False, "status": "error", "error": "处理过程中发生错误", "code": "processing_error"}, 1),
        ({"success": False, "status": "timeout", "error": "处理超时，请稍后重试", "code": "timeout"}, 4),
        ({"success": False, "status": "cancelled", "error": "已取消", "code": "cancelled"}, 5),
        ({"status": "something new"}, 1),
    ],
)
def test_the_terminal_frame_decides_the_exit_status(server: ScriptedServer, terminal: Frame, status: int) -> None:
    server.scenes = [Scene(pieces=[sse(chat(CHUNKS, **terminal))])]
    result = run(server)
    assert result.exit_code == status
    assert terminal.get("error", "") in result.stderr


@pytest.mark.parametrize(
    ("scene", "status", "shown"),
    [
        (refusal(401, "unauthorized", "没有有效的令牌"), 6, "没有有效的令牌"),
        (Scene(status=401, content_type="text/html"), 6, "Scripted"),
        (refusal(400, "invalid_request", "message"), 1, "invalid_request"),
        (refusal(404, "profile_not_found", "User profile not found"), 1, "User profile not found"),
        (refusal(409, "conversation_busy", "busy"), 1, "conversation_busy"),
        (refusal(500, "processing_error", "处理过程中发生错误"), 1, "processing_error"),
        (answer({"error": "too long", "code": "payload_too_large"}, 413), 1, "too long"),
        (refusal(404, "not_found", "no such address"), 3, "no chat server answered: HTTP 404: no such address"),
        (Scene(status=302, content_type="text/html"), 3, "no chat server answered: HTTP 302: Scripted"),
        (Scene(status=501, content_type="text/html", pieces=[b"<html>"]), 3, "no chat server answered: HTTP 501"),
        (Scene(status=500, pieces=[b"data: no json\n\n"]), 3, "no chat server answered: HTTP 500"),
        (Scene(pieces=[b"<html>"], content_type="text/html"), 3, "not a chat stream"),
        (Scene(pieces=[b"data: no json\n\n"]), 3, "not a chat stream"),
        (Scene(pieces=[b"data: [1]\n\n"]), 3, "not a chat stream"),
    ],
)
def test_a_refusal_is_shown_once_and_not_asked_again(
    server: ScriptedServer, scene: Scene, status: int, shown: str
) -> None:
    server.scenes = [scene]
    result = run(server)
    assert result.exit_code == status
    assert shown in result.stderr
    assert len(server.asked) == 1


def test_a_server_that_is_not_there_is_exit_status_3() -> None:
    with running() as gone:
        pass
    result = run(gone, "--retries", "0")
    assert result.exit_code == 3
    assert "no connection" in result.stderr


@pytest.mark.parametrize(
    "options",
    [
        ["--url", "127.0.0.1:5001"],
        ["--url", "ftp://here"],
        ["--chunking", "sentences:many"],
        ["--chunking", ""],
        ["--timeout", "0"],
        ["--door", "back"],
        ["--prompt", "\udcff"],
    ],
)
def test_what_could_never_be_sent_is_a_usage_error(server: ScriptedServer, options: list[str]) -> None:
    assert run(server, *options).exit_code == 2
    assert not server.asked


def test_an_address_without_its_scheme_is_told_how_it_begins(server: ScriptedServer) -> None:
    assert "begins with http:// or https://" in run(server, "--url", "127.0.0.1:5610").stderr
    assert "http" not in run(server, "--chunking", "").stderr


@pytest.mark.parametrize("token", [(), ("two words",), ("标记",), ("line\nbreak",), ("",)])
def test_a_token_that_no_header_can_carry_is_a_usage_error_and_is_not_shown(
    server: ScriptedServer, token: tuple[str, ...]
) -> None:
    result = run(server, token=token)
    assert result.exit_code == 2
    assert not any(token) or token[0] not in result.output


@pytest.mark.parametrize("url", ["http://[::1]:9", "http://127.0.0.1:99999", "http://127.0.0.1:0/below"])
def test_an_address_that_nobody_answers_at_ends_without_a_traceback(url: str) -> None:
    result = CliRunner().invoke(main, ["A", "b", "secret", "--url", url, "--retries", "0"])
    assert result.exit_code in (2, 3)


def test_more_than_text_is_told_on_standard_error(server: ScriptedServer) -> None:
    more = [
        {"status": "queued", "position": 3, "estimated_wait": 12},
        {"status": "tool_call", "name": "search", "arguments": {"q": "以太坊"}},
        {"status": "media", "media_type": "image/png", "content": "A" * 100, "alt": "a chart"},
        {"status": "input_expired", "request_id": "r1"},
        {"status": "of the future", "message": None},
    ]
    frames = chat(CHUNKS)
    server.scenes = [Scene(pieces=[sse([*frames[:1], *((0, frame) for frame in more), *frames[1:]])])]
    result = run(server)
    for part in ("place 3 in line, about 12 s", "以太坊", "a chart", "not answered in time"):
        assert part in result.stderr
    assert "AAAA" not in result.stderr
    assert result.stdout_bytes == ANSWER.encode()


def test_half_a_surrogate_pair_from_the_server_does_not_end_the_printing(server: ScriptedServer) -> None:
    body = sse(chat(["a", "LONE", "b"])).replace(b"LONE", b"\\ud83d")
    server.scenes = [Scene(pieces=[body])]
    assert run(server).stdout_bytes == b"a?b"


def test_nothing_that_is_piped_has_escape_codes(server: ScriptedServer) -> None:
    server.scenes = [Scene(pieces=[sse(chat(["**bold**\n"]))])]
    result = run(server)
    assert result.stdout == "**bold**\n"
    assert "\x1b" not in result.output


def test_the_answer_is_saved_while_it_comes(server: ScriptedServer, tmp_path: Path) -> None:
    server.scenes = [Scene(pieces=[sse(chat(CHUNKS))])]
    result = run(server, "--save", str(tmp_path / "a.md"))
    assert (tmp_path / "a.md").read_bytes() == ANSWER.encode()
    assert f"saved {len(ANSWER)} characters" in result.stderr


def test_a_partial_answer_is_saved_too_and_called_so(server: ScriptedServer, tmp_path: Path) -> None:
    server.scenes = [Scene(pieces=[sse(chat(CHUNKS)[:5])], ending="cut"), refusal(410, "stream_gone", "?")]
    result = run(server, "--save", str(tmp_path / "a.md"))
    assert result.exit_code == 3
    assert (tmp_path / "a.md").read_text() == "".join(CHUNKS[:2])
    assert "not whole" in result.stderr
    assert "the rest of it is gone" in result.stderr


def test_an_answer_that_could_not_be_saved_is_shown_and_is_exit_status_8(
    server: ScriptedServer, tmp_path: Path
) -> None:
    server.scenes = [Scene(pieces=[sse(chat(CHUNKS))])]
    result = run(server, "--save", str(tmp_path / "nowhere" / "a.md"))
    assert result.exit_code == 8
    assert result.stdout_bytes == ANSWER.encode()
    assert "cannot save to" in result.stderr


def test_media_is_saved_in_the_folder_that_is_named(server: ScriptedServer, tmp_path: Path) -> None:
    media = {"status": "media", "media_type": "image/png", "content": base64.b64encode(b"picture").decode()}
    server.scenes = [Scene(pieces=[sse([(1, media), *chat(CHUNKS)])])]
    assert run(server, "--media-dir", str(tmp_path / "m")).exit_code == 0
    assert (tmp_path / "m" / "1.png").read_bytes() == b"picture"


def test_media_that_could_not_be_saved_is_exit_status_8(server: ScriptedServer, tmp_path: Path) -> None:
    (tmp_path / "m").mkdir(mode=0o500)
    (tmp_path / "m" / "below").symlink_to("/dev/null")
    media = {"status": "media", "media_type": "image/png", "content": "AAAA"}
    server.scenes = [Scene(pieces=[sse([(1, media), *chat(CHUNKS)])])]
    assert run(server, "--media-dir", str(tmp_path / "m" / "below" / "deeper")).exit_code == 8


def test_frames_come_as_lines_of_json_and_nothing_else(server: ScriptedServer) -> None:
    frames = chat([*CHUNKS, "\x9b"], later_field={"a": None})
    server.scenes = [Scene(pieces=[sse(frames)])]
    result = run(server, "--json")
    assert [json.loads(line) for line in result.stdout.split("\n") if line] == [frame for _, frame in frames]
    assert "\x9b" not in result.stdout
    assert "你好" in result.stdout


def test_door_all_asks_each_door_and_compares_them_in_a_table(server: ScriptedServer) -> None:
    server.scenes = [Scene(pieces=[sse(chat(CHUNKS[:count]))]) for count in (4, 3, 2)]
    result = run(server, "--door", "all")
    assert result.exit_code == 0
    assert [asked.path for asked in server.asked] == [
        "/api/stream_chat_smart",
        "/api/stream_chat",
        "/api/stream_chat_advanced",
    ]
    table = dict(line.split("\t", 1) for line in result.stdout.splitlines())
    assert table["door"] == "smart\tbasic\tadvanced"
    assert table["end"] == "complete\tcomplete\tcomplete"
    assert table["chunks"] == "4\t3\t2"
    assert re.fullmatch(r"\d+\.\d\d\t\d+\.\d\d\t\d+\.\d\d", table["total, s"])


def test_door_all_goes_on_after_a_door_that_failed_and_says_so_by_its_exit_status(server: ScriptedServer) -> None:
    server.scenes = [
        refusal(500, "processing_error", "?"),
        Scene(pieces=[b"<html>"], content_type="text/html"),
        Scene(pieces=[sse(chat(CHUNKS))]),
    ]
    result = run(server, "--door", "all")
    assert result.exit_code == 1
    assert "end\terror\tbroken\tcomplete" in result.stdout


def test_door_all_saves_a_file_for_each_door(server: ScriptedServer, tmp_path: Path) -> None:
    server.scenes = [Scene(pieces=[sse(chat([door]))]) for door in ("smart", "basic", "advanced")]
    run(server, "--door", "all", "--save", str(tmp_path / "a.md"))
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "a.smart.md": "smart",
        "a.basic.md": "basic",
        "a.advanced.md": "advanced",
    }


def test_door_all_as_json_says_whose_frame_it_is(server: ScriptedServer) -> None:
    server.scenes = [Scene(pieces=[sse(chat(CHUNKS))]) for _ in range(3)]
    lines = [json.loads(line) for line in run(server, "--door", "all", "--json").stdout.split("\n") if line]
    assert [line["door"] for line in lines if line["status"] == "complete"] == ["smart", "basic", "advanced"]


def test_door_all_with_a_wrong_token_asks_once(server: ScriptedServer) -> None:
    server.scenes = [refusal(401, "unauthorized", "?")]
    assert run(server, "--door", "all").exit_code == 6
    assert len(server.asked) == 1


def test_a_question_of_the_backend_that_nobody_can_answer_stops_the_work(server: ScriptedServer) -> None:
    asked = {"status": "input_required", "question": "Which year?", "request_id": "r1"}
    server.scenes = [Scene(headers={"X-Stream-Id": STREAM_ID}, pieces=[sse([(1, asked)])], ending="hang")]
    result = run(server)
    assert result.exit_code == 7
    assert "nobody can answer (standard input is no terminal): Which year?" in result.stderr
    assert server.requests("DELETE", f"/api/streams/{STREAM_ID}")


def test_the_message_may_come_from_standard_input(server: ScriptedServer) -> None:
    server.scenes = [Scene(pieces=[sse(chat(CHUNKS))])]
    arguments = ["VitalikButerin", "-", "secret", "--url", server.url]
    assert CliRunner().invoke(main, arguments, input="两行\n问题\n").exit_code == 0
    assert server.asked[0].json()["message"] == "两行\n问题\n"


def test_files_are_attached_with_name_and_type(server: ScriptedServer, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(b"picture")
    (tmp_path / "of unknown.kind").write_bytes(b"?")
    server.scenes = [Scene(pieces=[sse(chat(CHUNKS))])]
    run(server, "--attach", str(tmp_path / "photo.png"), "--attach", str(tmp_path / "of unknown.kind"))
    assert server.asked[0].json()["attachments"] == [
        {"media_type": "image/png", "name": "photo.png", "content": base64.b64encode(b"picture").decode()},
        {"media_type": "application/octet-stream", "name": "of unknown.kind", "content": "Pw=="},
    ]


def test_a_file_that_cannot_be_read_is_a_usage_error(server: ScriptedServer, tmp_path: Path) -> None:
    result = run(server, "--attach", str(tmp_path / "none.png"))
    assert result.exit_code == 2
    assert not server.asked


@pytest.mark.parametrize(
    ("variable", "sent"),
    [("s3cret", "s3cret"), ("alice=s3cret bob=other", "s3cret"), ("c2VjcmV0cw==", "c2VjcmV0cw==")],
)
def test_the_servers_own_variable_will_do_for_a_token(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, variable: str, sent: str
) -> None:
    monkeypatch.setenv("STREAMCHAT_TOKEN", variable)
    server.scenes = [Scene(pieces=[sse(chat(CHUNKS))])]
    assert run(server, token=()).exit_code == 0
    assert server.asked[0].headers["authorization"] == f"Bearer {sent}"


def test_the_profiles_are_listed_a_line_each(server: ScriptedServer) -> None:
    profiles = [
        {"username": "A", "display_name": "Ä \x1b[2J", "suggestions": ["one?", "two?"]},
        {"username": "B"},
        "of the future",
    ]
    server.profiles = answer({"success": True, "profiles": profiles})
    result = CliRunner().invoke(main, ["--profiles", "--token", "secret", "--url", server.url])
    assert result.stdout == "A\tÄ �[2J\tone? | two?\nB\n"


def test_the_profiles_need_a_token_too(server: ScriptedServer) -> None:
    server.profiles = answer({"error": "no token", "code": "unauthorized"}, 401)
    result = CliRunner().invoke(main, ["--profiles", "--token", "secret", "--url", server.url])
    assert result.exit_code == 6
    assert "no token" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["A", "--door", "all"]])
def test_nobody_to_ask_or_nothing_to_compare_is_a_usage_error(arguments: list[str]) -> None:
    assert CliRunner().invoke(main, [*arguments, "--token", "t"]).exit_code == 2


def test_questions_from_a_pipe_are_asked_one_after_the_other_in_one_conversation(server: ScriptedServer) -> None:
    server.scenes = [Scene(headers={"X-Conversation-Id": "c1"}, pieces=[sse(chat([text]))]) for text in ("a\n", "b\n")]
    arguments = ["VitalikButerin", "--token", "secret", "--url", server.url]
    result = CliRunner().invoke(main, arguments, input="first\n\nsecond\n")
    assert (result.exit_code, result.stdout) == (0, "a\nb\n")
    first, second = (asked.json() for asked in server.requests("POST"))
    assert (first["message"], second["message"]) == ("first", "second")
    assert "conversation_id" not in first
    assert second["conversation_id"] == "c1"


def test_a_chat_from_a_pipe_ends_with_the_last_questions_exit_status(server: ScriptedServer) -> None:
    server.scenes = [Scene(pieces=[sse(chat(["a"]))]), refusal(404, "profile_not_found", "?")]
    arguments = ["VitalikButerin", "--token", "secret", "--url", server.url]
    assert CliRunner().invoke(main, arguments, input="first\nsecond\n").exit_code == 1
