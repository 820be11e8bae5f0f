from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from streamchat.client.frames import Frame
from streamchat.client.pursuit import GaveUp, Pursuit
from streamchat.client.server import NoAnswer, Server
from tests.client.scripted_server import STREAM_ID, Ending, Scene, ScriptedServer, answer, chat, refusal, running, sse

CHUNKS = ["你好，", "wor", "ld 👨‍👩‍👧\r\n", "  end\u0085"]
ANSWER = "".join(CHUNKS)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with running() as scripted:
        yield scripted


def read(
    server: ScriptedServer, *, retries: int = 3, waits: list[float] | None = None, stall: float = 20.0
) -> list[Frame]:
    """Every frame of one question, without waiting between attempts."""
    pauses = [] if waits is None else waits
    client = Server(server.url, "secret", stall_seconds=stall, sleep=pauses.append)
    return list(client.frames(pursuit(retries), lambda _sentence: None))


def pursuit(retries: int = 3) -> Pursuit:
    body = {"username": "VitalikButerin", "message": "hi"}
    return Pursuit(path="/api/stream_chat_smart", body=body, retries=retries)


def text_of(frames: list[Frame]) -> str:
    return "".join(frame["data"] for frame in frames if frame["status"] == "streaming")


def test_a_question_carries_the_token_and_asks_for_no_compression(server: ScriptedServer) -> None:
    server.scenes = [Scene(pieces=[sse(chat(CHUNKS))])]
    read(server)
    asked = server.asked[0]
    assert (asked.method, asked.path) == ("POST", "/api/stream_chat_smart")
    assert asked.headers["authorization"] == "Bearer secret"
    assert asked.headers["accept-encoding"] == "identity"
    assert asked.json() == {"username": "VitalikButerin", "message": "hi"}


@pytest.mark.parametrize("ending", ["cut", "clean", "reset"])
def test_a_stream_that_breaks_off_is_resumed_after_the_last_id(server: ScriptedServer, ending: Ending) -> None:
    frames = chat(CHUNKS)
    server.scenes = [Scene(pieces=[sse(frames[:4])], ending=ending)]
    server.resumable = frames
    # A reset may overtake the last bytes: then the resume brings them.
    assert text_of(read(server)) == ANSWER
    asked = server.requests("GET")[-1]
    assert asked.path == f"/api/streams/{STREAM_ID}"
    assert asked.headers["last-event-id"].startswith(f"{STREAM_ID}:")


def test_cut_at_any_byte_every_durable_frame_arrives_once(server: ScriptedServer) -> None:
    frames = chat(["好", "\r\n"])
    body = sse(frames)
    server.resumable = frames
    client = Server(server.url, "secret", sleep=lambda _seconds: None)
    for position in range(0, len(body), 3):
        server.scenes = [Scene(pieces=[body[:position]], ending="cut")]
        received = list(client.frames(pursuit(), lambda _sentence: None))
        assert [frame for frame in received if "progress" not in frame or frame["progress"] == 100] == [
            frame for count, frame in frames if count
        ], position


def test_before_any_id_the_same_question_is_posted_again_under_the_same_key(server: ScriptedServer) -> None:
    server.scenes = [Scene(ending="cut"), Scene(pieces=[sse(chat(CHUNKS))])]
    assert text_of(read(server)) == ANSWER
    first, second = server.requests("POST")
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.body == second.body


def test_a_busy_server_is_asked_again_after_the_time_it_names(server: ScriptedServer) -> None:
    server.scenes = [
        refusal(503, "overloaded", "服务器繁忙", Retry_After="7"),
        refusal(429, "rate_limited", "太快", Retry_After="2"),
        Scene(pieces=[sse(chat(CHUNKS))]),
    ]
    waits: list[float] = []
    assert text_of(read(server, waits=waits)) == ANSWER
    assert waits == [7.0, 2.0]


def test_without_a_named_time_the_waits_double_with_jitter(server: ScriptedServer) -> None:
    server.scenes = [Scene(status=502, content_type="text/html") for _ in range(5)]
    waits: list[float] = []
    with pytest.raises(GaveUp, match="502"):
        read(server, retries=4, waits=waits)
    assert len(waits) == 4
    for failures, seconds in enumerate(waits):
        assert 0.25 * 2**failures <= seconds <= 0.5 * 2**failures


def test_a_server_that_cuts_after_every_progress_frame_is_given_up(server: ScriptedServer) -> None:
    server.scenes = [Scene(pieces=[sse(chat([])[:1])], ending="cut") for _ in range(10)]
    with pytest.raises(GaveUp, match="gave up"):
        read(server, retries=3)
    assert len(server.asked) == 4


def test_a_silent_connection_counts_as_lost(server: ScriptedServer) -> None:
    frames = chat(CHUNKS)
    server.scenes = [Scene(pieces=[sse(frames[:4])], ending="hang")]
    server.resumable = frames
    assert text_of(read(server, stall=0.3)) == ANSWER
    assert [asked.method for asked in server.asked] == ["POST", "GET"]


def test_keep_alives_are_no_frames(server: ScriptedServer) -> None:
    pieces = [part for frame in chat(CHUNKS) for part in (sse([frame]), b": keep-alive\n\n")]
    server.scenes = [Scene(pieces=[b": keep-alive\n\n", *pieces])]
    assert len(read(server)) == len(chat(CHUNKS))


@pytest.mark.parametrize("size", [1, 2, 7])
def test_the_bytes_may_come_in_pieces_of_any_size(server: ScriptedServer, size: int) -> None:
    body = sse(chat(CHUNKS))
    server.scenes = [Scene(pieces=[body[start : start + size] for start in range(0, len(body), size)])]
    assert text_of(read(server)) == ANSWER


@pytest.mark.parametrize("scene", [refusal(404, "stream_not_found", "?"), refusal(410, "stream_gone", "?")])
def test_a_stream_that_is_gone_is_no_reason_to_ask_again(server: ScriptedServer, scene: Scene) -> None:
    server.scenes = [Scene(pieces=[sse(chat(CHUNKS)[:4])], ending="cut"), scene]
    with pytest.raises(GaveUp, match="no more"):
        read(server)
    assert [asked.method for asked in server.asked] == ["POST", "GET"]


def test_a_server_that_says_all_was_seen_is_not_believed(server: ScriptedServer) -> None:
    server.scenes = [Scene(pieces=[sse(chat(CHUNKS)[:4])], ending="cut"), Scene(status=204)]
    with pytest.raises(GaveUp, match="the end never came"):
        read(server)


def test_the_conversation_is_the_one_that_the_header_names(server: ScriptedServer) -> None:
    server.scenes = [Scene(headers={"X-Conversation-Id": "chat_%E4%BD%A0"}, pieces=[sse(chat(CHUNKS))])]
    asked = pursuit()
    list(Server(server.url, "secret").frames(asked, lambda _sentence: None))
    assert asked.conversation_id == "chat_你"


def test_cancel_gives_the_true_state(server: ScriptedServer) -> None:
    server.deleted = answer({"state": "cancelling", "worker": "running"})
    assert Server(server.url, "secret").cancel(STREAM_ID) == {"state": "cancelling", "worker": "running"}
    assert server.requests("DELETE", f"/api/streams/{STREAM_ID}")


def test_an_answer_to_a_question_is_posted_with_its_id(server: ScriptedServer) -> None:
    server.scenes = [answer({"success": True})]
    Server(server.url, "secret").give_input(STREAM_ID, {"a": 1}, "r1")
    (asked,) = server.requests("POST", f"/api/streams/{STREAM_ID}/input")
    assert asked.json() == {"input": {"a": 1}, "request_id": "r1"}


@pytest.mark.parametrize(
    ("scene", "code", "said"),
    [
        (answer({"error": "too small", "code": "invalid_request"}, 400), "invalid_request", "HTTP 400: too small"),
        (Scene(status=401, content_type="text/html", pieces=[b"<html>"]), "unauthorized", "HTTP 401: Scripted"),
        (answer({"error": "none", "code": "profile_not_found"}, 404), "profile_not_found", "^HTTP 404: none"),
        (answer({"error": "busy", "code": "overloaded"}, 503), "overloaded", "^HTTP 503: busy"),
        (Scene(status=502, content_type="text/html", pieces=[b"<html>"]), "", "^HTTP 502: Scripted"),
        (Scene(status=404, content_type="text/html"), "", "no chat server answered: HTTP 404: Scripted"),
        (answer({"error": "no such address", "code": "not_found"}, 404), "", "no chat server answered: HTTP 404: no"),
        (Scene(pieces=[b"<html>"], content_type="text/html"), "", "no chat server answered: HTTP 200"),
    ],
)
def test_a_short_call_that_fails_says_why(server: ScriptedServer, scene: Scene, code: str, said: str) -> None:
    server.conversations = scene
    with pytest.raises(NoAnswer, match=said) as failed:
        Server(server.url, "secret").get("/api/conversations")
    assert failed.value.code == code


def test_a_server_that_is_not_there_says_so() -> None:
    with running() as gone:
        pass
    with pytest.raises(NoAnswer, match="no connection") as failed:
        Server(gone.url, "secret").get("/api/profiles")
    assert failed.value.code == ""


def test_a_failed_attempt_is_told_with_its_number(server: ScriptedServer) -> None:
    sentences: list[Any] = []
    server.scenes = [Scene(ending="cut"), Scene(pieces=[sse(chat(CHUNKS))])]
    list(Server(server.url, "secret", sleep=lambda _seconds: None).frames(pursuit(), sentences.append))
    assert len(sentences) == 1
    assert "attempt 1 of 3" in sentences[0]
