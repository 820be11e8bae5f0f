import json
from collections.abc import Iterator

import httpx
import pytest
from click.testing import CliRunner, Result

import test_streaming_client as client
from tests.client.scripted_server import STREAM_ID, Scene, ScriptedServer, answer, chat, refusal, running, sse

CHUNKS = ["你好，", "wor", "ld 👨‍👩‍👧\r\n", "  end\u0085"]
ANSWER = "".join(CHUNKS)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with running() as scripted:
        yield scripted


@pytest.fixture(scope="module")
def connection() -> Iterator[httpx.Client]:
    # One for all: making a client loads certificates, which takes longer than a whole test here.
    with httpx.Client(headers={"Authorization": "Bearer secret"}) as shared:
        yield shared


def run(server: ScriptedServer, *options: str, token: tuple[str, ...] = ("secret",)) -> Result:
    arguments = ["VitalikButerin", "什么是区块链?", *token, "--url", server.url, *options]
    return CliRunner().invoke(client.main, arguments)


def stream(
    connection: httpx.Client, server: ScriptedServer, *, retries: int = 3, waits: list[float] | None = None
) -> client.Stream:
    connection.base_url = server.url
    body = {"username": "VitalikButerin", "message": "hi"}
    return client.Stream(
        client=connection,
        door="stream_chat_smart",
        body=body,
        retries=retries,
        note=lambda _sentence: None,
        sleep=(waits if waits is not None else []).append,
    )


def text_of(frames: list[client.Frame]) -> str:
    return "".join(frame["data"] for frame in frames if frame["status"] == "streaming")


def test_the_answer_alone_goes_to_standard_output_to_the_byte(server: ScriptedServer) -> None:
    server.scenes = [Scene(pieces=[sse(chat(CHUNKS))])]
    result = run(server)
    assert result.exit_code == 0
    assert result.stdout_bytes == ANSWER.encode()


def test_progress_with_percent_and_elapsed_time_and_a_summary_go_to_standard_error(server: ScriptedServer) -> None:
    server.scenes = [Scene(pieces=[sse(chat(CHUNKS))])]
    shown = run(server).stderr
    assert "[  7 %    3.0 s] 分析" in shown
    assert "处理完成" in shown
    assert f"4 chunks, {len(ANSWER)} characters" in shown.splitlines()[-1]
    assert shown.splitlines()[-1].startswith("complete (")


def test_what_is_posted_is_what_the_options_say_and_nothing_else(server: ScriptedServer) -> None:
    server.scenes = [Scene(pieces=[sse(chat(CHUNKS))])]
    options = "--door basic --lang en --pace none --prompt Kurz --prompt-mode replace --conversation-id c1"
    options += " --timeout 60 --on-disconnect continue --chunking sentences:200 --no-cache"
    run(server, *options.split())
    asked = server.asked[0]
    assert (asked.method, asked.path) == ("POST", "/api/stream_chat")
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


@pytest.mark.parametrize("ending", ["cut", "clean", "reset"])
def test_a_stream_that_breaks_off_is_resumed_after_the_last_id(
    server: ScriptedServer, connection: httpx.Client, ending: client.Any
) -> None:
    frames = chat(CHUNKS)
    server.scenes = [Scene(pieces=[sse(frames[:4])], ending=ending)]
    server.resumable = frames
    received = list(stream(connection, server).frames())
    # A reset may overtake the last bytes: then the resume brings them.
    assert text_of(received) == ANSWER
    asked = server.requests("GET")[-1]
    assert asked.path == f"/api/streams/{STREAM_ID}"
    assert asked.headers["last-event-id"].startswith(f"{STREAM_ID}:")


def test_cut_at_any_byte_every_durable_frame_arrives_once(server: ScriptedServer, connection: httpx.Client) -> None:
    frames = chat(["好", "\r\n"])
    body = sse(frames)
    server.resumable = frames
    for position in range(0, len(body), 3):
        server.asked.clear()
        server.scenes = [Scene(pieces=[body[:position]], ending="cut")]
        received = list(stream(connection, server).frames())
        assert [frame for frame in received if "progress" not in frame or frame["progress"] == 100] == [
            frame for count, frame in frames if count
        ], position


def test_before_any_id_the_same_question_is_posted_again_under_the_same_key(
    server: ScriptedServer, connection: httpx.Client
) -> None:
    server.scenes = [Scene(ending="cut"), Scene(pieces=[sse(chat(CHUNKS))])]
    assert text_of(list(stream(connection, server).frames())) == ANSWER
    first, second = server.requests("POST")
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.body == second.body


def test_two_questions_have_two_keys(server: ScriptedServer, connection: httpx.Client) -> None:
    server.scenes = [Scene(pieces=[sse(chat(CHUNKS))]), Scene(pieces=[sse(chat(CHUNKS))])]
    list(stream(connection, server).frames())
    list(stream(connection, server).frames())
    first, second = server.requests("POST")
    assert first.headers["idempotency-key"] != second.headers["idempotency-key"]


def test_a_busy_server_is_asked_again_after_the_time_it_names(server: ScriptedServer, connection: httpx.Client) -> None:
    server.scenes = [
        refusal(503, "overloaded", "服务器繁忙", Retry_After="7"),
        refusal(429, "rate_limited", "太快", Retry_After="2"),
        Scene(pieces=[sse(chat(CHUNKS))]),
    ]
    waits: list[float] = []
    assert text_of(list(stream(connection, server, waits=waits).frames())) == ANSWER
    assert waits == [7.0, 2.0]


def test_without_a_named_time_the_waits_double_with_jitter(server: ScriptedServer, connection: httpx.Client) -> None:
    server.scenes = [Scene(status=502, content_type="text/html") for _ in range(5)]
    waits: list[float] = []
    with pytest.raises(client.GaveUp, match="502"):
        list(stream(connection, server, retries=4, waits=waits).frames())
    assert len(waits) == 4
    for failures, seconds in enumerate(waits):
        assert 0.25 * 2**failures <= seconds <= 0.5 * 2**failures


def test_a_failed_attempt_is_told_with_its_reason(server: ScriptedServer) -> None:
    server.scenes = [refusal(503, "overloaded", "服务器繁忙", Retry_After="0"), Scene(pieces=[sse(chat(CHUNKS))])]
    result = run(server)
    assert result.exit_code == 0
    assert "服务器繁忙; attempt 1 of 5 in 0.0 s" in result.stderr


def test_attempts_count_anew_after_each_frame_that_is_new(server: ScriptedServer, connection: httpx.Client) -> None:
    frames = chat(list("abcdefgh"))
    pieces = [sse([frame]) for frame in frames]
    server.scenes = [Scene(pieces=[piece], ending="cut") for piece in pieces[2:-1]] + [Scene(pieces=pieces[-1:])]
    assert text_of(list(stream(connection, server, retries=1).frames())) == "abcdefgh"


def test_a_server_that_cuts_after_every_progress_frame_is_given_up(
    server: ScriptedServer, connection: httpx.Client
) -> None:
    server.scenes = [Scene(pieces=[sse(chat([])[:1])], ending="cut") for _ in range(10)]
    with pytest.raises(client.GaveUp, match="gave up"):
        list(stream(connection, server, retries=3).frames())
    assert len(server.asked) == 4


def test_a_silent_connection_counts_as_lost(server: ScriptedServer) -> None:
    frames = chat(CHUNKS)
    server.scenes = [Scene(pieces=[sse(frames[:4])], ending="hang")]
    server.resumable = frames
    with httpx.Client(timeout=httpx.Timeout(5, read=0.3)) as impatient:
        assert text_of(list(stream(impatient, server).frames())) == ANSWER
    assert [asked.method for asked in server.asked] == ["POST", "GET"]


def test_keep_alives_are_no_frames(server: ScriptedServer, connection: httpx.Client) -> None:
    pieces = [part for frame in chat(CHUNKS) for part in (sse([frame]), b": keep-alive\n\n")]
    server.scenes = [Scene(pieces=[b": keep-alive\n\n", *pieces])]
    assert len(list(stream(connection, server).frames())) == len(chat(CHUNKS))


@pytest.mark.parametrize("size", [1, 2, 7])
def test_the_bytes_may_come_in_pieces_of_any_size(server: ScriptedServer, connection: httpx.Client, size: int) -> None:
    body = sse(chat(CHUNKS))
    server.scenes = [Scene(pieces=[body[start : start + size] for start in range(0, len(body), size)])]
    assert text_of(list(stream(connection, server).frames())) == ANSWER


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
def test_the_terminal_frame_decides_the_exit_status(
    server: ScriptedServer, terminal: client.Frame, status: int
) -> None:
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
        (Scene(status=302, content_type="text/html"), 1, "Scripted"),
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


@pytest.mark.parametrize("scene", [refusal(404, "stream_not_found", "?"), refusal(410, "stream_gone", "?")])
def test_a_stream_that_is_gone_is_no_reason_to_ask_again(
    server: ScriptedServer, connection: httpx.Client, scene: Scene
) -> None:
    server.scenes = [Scene(pieces=[sse(chat(CHUNKS)[:4])], ending="cut"), scene]
    with pytest.raises(client.GaveUp, match="cannot be resumed"):
        list(stream(connection, server).frames())
    assert [asked.method for asked in server.asked] == ["POST", "GET"]


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


@pytest.mark.parametrize("token", [(), ("two words",), ("标记",), ("line\nbreak",), ("",)])
def test_a_token_that_no_header_can_carry_is_a_usage_error_and_is_not_shown(
    server: ScriptedServer, token: tuple[str, ...]
) -> None:
    result = run(server, token=token)
    assert result.exit_code == 2
    assert not any(token) or token[0] not in result.output


@pytest.mark.parametrize("url", ["http://[::1]:9", "http://127.0.0.1:99999", "http://127.0.0.1:0/below"])
def test_an_address_that_nobody_answers_at_ends_without_a_traceback(url: str) -> None:
    result = CliRunner().invoke(client.main, ["A", "b", "secret", "--url", url, "--retries", "0"])
    assert result.exit_code in (2, 3)


def test_more_than_text_is_told_on_standard_error(server: ScriptedServer) -> None:
    more = [
        {"status": "queued", "position": 3, "estimated_wait": 12},
        {"status": "tool_call", "name": "search", "arguments": {"q": "以太坊"}},
        {"status": "media", "media_type": "image/png", "content": "A" * 99, "alt": "a chart"},
        {"status": "input_required", "question": "Which year?", "request_id": "r1"},
        {"status": "of the future", "message": None},
    ]
    frames = chat(CHUNKS)
    server.scenes = [Scene(pieces=[sse([*frames[:1], *((0, frame) for frame in more), *frames[1:]])])]
    result = run(server)
    for part in ("position", "以太坊", "a chart", "Which year?"):
        assert part in result.stderr
    assert "AAAA" not in result.stderr
    assert result.stdout_bytes == ANSWER.encode()


def test_a_terminal_is_not_steered_by_what_a_model_wrote() -> None:
    assert client.CONTROLS.sub("?", "a\x1b[2Jb\rc\r\n\td\x9b👩‍🚀") == "a?[2Jb?c\r\n\td?👩‍🚀"


def test_cancel_prints_what_the_server_answered(server: ScriptedServer, connection: httpx.Client) -> None:
    connection.base_url = server.url
    server.deleted = answer({"state": "cancelling", "worker": "running"})
    said = client.cancel(connection, STREAM_ID)
    assert json.loads(said.partition(": ")[2]) == {"state": "cancelling", "worker": "running"}
    assert server.requests("DELETE", f"/api/streams/{STREAM_ID}")


def test_cancel_says_so_when_the_server_cannot_be_told(connection: httpx.Client) -> None:
    with running() as gone:
        connection.base_url = gone.url
    assert "could not be told" in client.cancel(connection, STREAM_ID)
    assert "nothing to cancel" in client.cancel(connection, None)


def test_half_a_surrogate_pair_from_the_server_does_not_end_the_printing(server: ScriptedServer) -> None:
    body = sse(chat(["a", "LONE", "b"])).replace(b"LONE", b"\\ud83d")
    server.scenes = [Scene(pieces=[body])]
    assert run(server).stdout_bytes == b"a?b"
