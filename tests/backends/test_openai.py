"""The backend as a server loads it: from the environment, on real sockets, with servers that others have written."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from base64 import b64encode
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

pytest.importorskip("pycurl")

import streamchat
from streamchat.backends import embedded
from streamchat.backends.choose import PERSONA, embedded_or_persona
from streamchat.backends.openai_answer import Reports, answering, messages_for
from streamchat.backends.openai_reply import Reply, ToolRequest
from streamchat.backends.openai_upstream import Upstream
from streamchat.backends.tool_runner import ToolRunner
from streamchat.turns.events import ToolCall, ToolResult, Usage
from streamchat.turns.query import Query
from tests.fakes.emitters import ListEmitter, run
from tests.fakes.file_server import PNG
from tests.fakes.openai_upstream import PATIENCE_SECONDS, calling, refusing, saying, scripted
from tests.handlers.house import answer_in, statuses, with_server
from tests.serving.served import answer_in as answer_of
from tests.serving.served import frames_of, serving, users_folder

SPEC = "streamchat.backends.openai:process_query"
MODULE = "streamchat.backends.openai"
KEY = "sk-very-secret"
TOOLS = """
def add(a: int, b: int) -> int:
    "Add two numbers."
    return a + b


def lose(a: int, b: int):
    raise RuntimeError("gone")


TOOLS = [add]
BROKEN = [lose]
"""


@pytest.fixture
def loaded(monkeypatch):
    """Loads the backend anew under these settings, as a start of the server does."""
    monkeypatch.setattr(sys, "path", sys.path[:])

    def load(folder=None, **settings):
        for name in [name for name in os.environ if name.startswith(("OPENAI_", "STREAMCHAT_OPENAI_"))]:
            monkeypatch.delenv(name)
        for name, value in settings.items():
            monkeypatch.setenv(f"STREAMCHAT_OPENAI_{name.upper()}", str(value))
        sys.modules.pop(MODULE, None)
        return streamchat.load(SPEC, str(folder or Path.cwd()))

    yield load
    sys.modules.pop(MODULE, None)


@pytest.fixture
def users_tools(tmp_path):
    (tmp_path / "tools_of_a_user.py").write_text(TOOLS)
    yield tmp_path
    sys.modules.pop("tools_of_a_user", None)


def asking(loaded, scenes, scenario, folder=None, **settings):
    """Run the scenario with a server that asks a scripted upstream."""

    async def main():
        async with scripted(*scenes) as upstream:
            function = loaded(folder, base_url=upstream.url, api_key=KEY, model="m", **settings)
            await asyncio.to_thread(with_server, function, lambda house: scenario(house, upstream))

    asyncio.run(main())


def test_a_question_is_answered_live_through_the_whole_server(loaded):
    async def scenario(house, upstream):
        response = await house.ask(message="Greet me", prompt="In two words.", lang="en")
        assert answer_in(response.frames) == "Hello there 你好"
        assert statuses(response.frames)[-1] == "complete"
        body = upstream.asked[0].body
        assert [entry["role"] for entry in body["messages"]] == ["system", "user"]
        assert body["messages"][0]["content"].endswith("In two words.")
        assert upstream.asked[0].headers["x-request-id"] == response.headers["x-request-id"]

    asking(loaded, [saying("Hello", " there", " 你好")], scenario)


def test_the_next_question_of_a_conversation_has_its_history(loaded):
    async def scenario(house, upstream):
        for message in ("One?", "Two?"):
            await house.ask(message=message, conversation_id="c")
        said = [entry["content"] for entry in upstream.asked[1].body["messages"][1:]]
        assert said == ["One?", "First.", "Two?"]

    asking(loaded, [saying("First."), saying("Second.")], scenario)


def test_attachments_go_to_the_model_as_parts_of_the_question_and_as_a_note_in_the_history(loaded):
    async def scenario(house, upstream):
        files = [("image/png", "cat.png", PNG), ("text/plain", "a.txt", b"hello")]
        given = [
            {"media_type": media_type, "name": name, "content": b64encode(content).decode()}
            for media_type, name, content in files
        ]
        for attachments in (given, []):
            response = await house.ask(message="What is it?", conversation_id="c", attachments=attachments)
            assert statuses(response.frames)[-1] == "complete"
        assert upstream.asked[0].body["messages"][-1] == {
            "role": "user",
            "content": [
                {
                    "type": "image_url",
                    "image_url": {"url": f"data:image/png;base64,{b64encode(PNG).decode()}"},
                },
                {"type": "text", "text": "a.txt:\n\nhello"},
                {"type": "text", "text": "What is it?"},
            ],
        }
        first, _, again = upstream.asked[1].body["messages"][-3:]
        assert first["content"] == "What is it?\n\n[attached: cat.png (image/png), a.txt (text/plain)]"
        assert again["content"] == "What is it?"

    asking(loaded, [saying("A cat."), saying("Still a cat.")], scenario)


@pytest.mark.parametrize(("kinds", "media_type"), [("text", "image/png"), ("none", "image/png"), ("image", "text/csv")])
def test_what_the_model_does_not_take_is_refused_at_the_door(loaded, kinds, media_type):
    async def scenario(house, upstream):
        content = b64encode(PNG if media_type == "image/png" else b"a,b").decode()
        response = await house.ask(attachments=[{"media_type": media_type, "content": content}])
        assert response.status == 400
        assert response.frames[0].payload["field"] == ("attachments" if kinds == "none" else "attachments.0.media_type")
        assert upstream.asked == []

    asking(loaded, [saying("never")], scenario, attachments=kinds)


def test_a_refused_key_is_an_error_frame_and_a_log_line_without_the_key(loaded, caplog):
    async def scenario(house, upstream):
        response = await house.ask()
        assert response.frames[-1].payload["code"] == "processing_error"
        assert KEY.encode() not in response.body

    asking(loaded, [refusing(401, {"error": {"message": f"Incorrect API key provided: {KEY}"}})], scenario)
    assert "refused the key (401)" in caplog.text
    assert KEY not in caplog.text


def test_tools_are_shown_as_frames(loaded, users_tools):
    async def scenario(house, upstream):
        frames = (await house.ask()).frames
        shown = [frame.payload for frame in frames if frame.status.startswith("tool_")]
        assert [(one["status"], one["name"]) for one in shown] == [("tool_call", "add"), ("tool_result", "add")]
        assert (shown[0]["arguments"], shown[1]["result"], shown[1]["is_error"]) == ({"a": 2, "b": 3}, 5, False)
        assert shown[0]["call_id"] == shown[1]["call_id"]
        assert answer_in(frames) == "It is 5."

    scenes = [calling(("add", '{"a": 2, "b": 3}')), saying("It is 5.")]
    asking(loaded, scenes, scenario, users_tools, tools="tools_of_a_user:TOOLS")


def test_a_failing_tool_is_a_frame_and_not_the_end(loaded, users_tools):
    async def scenario(house, upstream):
        frames = (await house.ask()).frames
        (shown,) = [frame.payload for frame in frames if frame.status == "tool_result"]
        assert (shown["is_error"], shown["result"]) == (True, "lose failed (RuntimeError)")
        assert statuses(frames)[-1] == "complete"

    scenes = [calling(("lose", '{"a": 2, "b": 3}')), saying("Sorry.")]
    asking(loaded, scenes, scenario, users_tools, tools="tools_of_a_user:BROKEN")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"base_url": "http://127.0.0.1:9/v1"}, "STREAMCHAT_OPENAI_MODEL: is not set"),
        ({"model": "m"}, "needs a key: set STREAMCHAT_OPENAI_API_KEY or OPENAI_API_KEY"),
        (
            {"base_url": "http://127.0.0.1:9/v1", "model": "m", "tools": "no_such:TOOLS"},
            "no_such:TOOLS: ModuleNotFound",
        ),
    ],
)
def test_a_server_with_impossible_settings_does_not_start(loaded, settings, told):
    with pytest.raises(streamchat.CannotLoad, match=told):
        loaded(**settings)


def test_an_upstream_that_is_not_there_is_told_in_the_log(loaded):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        ended, _ = run(loaded(base_url=url, model="m", retries=0), *_question())
    assert ended.cause == "error"
    assert f"{url} can't be reached" in ended.detail


def _question(message="Say hello.", seconds=120.0):
    query = Query(message=message, username="ada", profile={"settings": {}}, system_prompt="Be short.")
    return query, ListEmitter(deadline=time.monotonic() + seconds)


@pytest.fixture(scope="module")
def model():
    choice = embedded_or_persona(print)
    if choice.spec == PERSONA:
        pytest.skip(choice.reason)
    yield {"base_url": os.environ[embedded.URL_VARIABLE], "api_key": os.environ[embedded.KEY_VARIABLE]}
    embedded.stop()


@pytest.mark.slow
def test_the_embedded_model_answers_through_the_same_code(loaded, model):
    function = loaded(**model, model="embedded", max_tokens=20, temperature=0, extra_body='{"return_progress": true}')
    ended, emitter = run(function, *_question("What is the capital of France?"))
    assert ended.cause == "complete", ended.detail
    assert len(emitter.texts) > 3
    (usage,) = [fact for fact in emitter.facts if isinstance(fact, Usage)]
    assert usage.prompt_tokens > 5
    assert 3 < usage.completion_tokens <= 20
    assert "Paris" in "".join(emitter.texts)


@pytest.mark.slow
def test_an_answer_of_the_embedded_model_that_is_cut_says_so(loaded, model):
    ended, emitter = run(loaded(**model, model="embedded", max_tokens=3), *_question("Tell me a long story."))
    assert ended.cause == "complete", ended.detail
    assert emitter.texts[-1].endswith("(The answer ends here: it has reached its greatest length.)")


@pytest.mark.slow
def test_a_wrong_key_for_the_embedded_model_is_refused(loaded, model):
    ended, _ = run(loaded(**model | {"api_key": "wrong"}, model="embedded"), *_question())
    assert "refused the key (401)" in ended.detail


@pytest.mark.slow
def test_a_question_that_is_too_long_for_the_embedded_model_is_refused_with_its_reason(loaded, model):
    ended, _ = run(loaded(**model, model="embedded"), *_question("word " * 9_000))
    assert "refused the question (400)" in ended.detail
    assert "context" in ended.detail


@pytest.mark.slow
def test_the_embedded_model_s_server_takes_tools_and_what_they_have_answered(loaded, model, users_tools):
    """A model of this size calls none itself, so the messages of a call are put before it."""
    ended, emitter = run(loaded(users_tools, **model, model="embedded", tools="tools_of_a_user:TOOLS"), *_question())
    assert (ended.cause, bool(emitter.texts)) == ("complete", True), ended.detail
    reply = Reply(tool_requests=[ToolRequest(id="c1", name="add", arguments='{"a": 2, "b": 3}')])
    result = {"role": "tool", "tool_call_id": "c1", "content": "5"}
    messages = [*messages_for("What is 2 + 3?", "", []), reply.as_message(), result]
    assert "".join(asyncio.run(_answer(model, messages))).strip()


async def _answer(model, messages):
    upstream = Upstream(**model, model="embedded", max_tokens=20)
    reports = Reports(progress=lambda text, percent: None, tool_call=None, tool_result=None, usage=lambda *counts: None)
    deadline = time.monotonic() + 120
    asked = answering(upstream, ToolRunner((), 1.0), reports, message="", deadline=deadline)
    return [piece async for piece in asked.answer(messages)]


@contextmanager
def second_upstream():
    """LitServe on a free port, in a process group of its own."""
    pytest.importorskip("litserve", reason="litserve is not installed: pip install 'streamchat[test]' brings it")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(Path(__file__).with_name("second_upstream.py")), str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        _until_it_serves(f"http://127.0.0.1:{port}/health", process)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        os.killpg(process.pid, 9)
        process.wait()


def _until_it_serves(url, process):
    """It says when it listens only in its own log's words, so it is asked."""
    give_up = time.monotonic() + PATIENCE_SECONDS * 3
    pause = threading.Event()
    while time.monotonic() < give_up and process.poll() is None:
        with suppress(OSError), urllib.request.urlopen(url) as answer:
            if answer.status == 200:
                return
        pause.wait(0.05)
    raise AssertionError("LitServe did not start")


@pytest.mark.slow
def test_a_second_implementation_answers_and_uses_tools(loaded, users_tools):
    with second_upstream() as url:
        ended, emitter = run(loaded(base_url=url, model="rules"), *_question("one two three"))
        assert (ended.cause, emitter.texts) == ("complete", ["one ", "two ", "three "])
        assert [type(fact).__name__ for fact in emitter.facts[3:]] == ["Usage"]
        ended, emitter = run(
            loaded(users_tools, base_url=url, model="rules", tools="tools_of_a_user:TOOLS"), *_question("2 + 3?")
        )
        called = [fact for fact in emitter.facts if isinstance(fact, ToolCall | ToolResult)]
        assert [type(fact).__name__ for fact in called] == ["ToolCall", "ToolResult"]
        assert (called[1].result, emitter.texts) == (5, ["It is 5."])


@pytest.mark.slow
def test_the_command_line_of_the_docs_serves_a_second_implementation(tmp_path):
    folder = users_folder(tmp_path)
    with second_upstream() as url:
        environment = {"STREAMCHAT_OPENAI_BASE_URL": url, "STREAMCHAT_OPENAI_MODEL": "rules"}
        with serving(folder, "--process-query", SPEC, environment=environment) as served:
            response = served.post(message="one two three")
    assert answer_of(response) == "one two three "
    assert frames_of(response.text)[-1]["status"] == "complete"


@pytest.mark.slow
def test_the_command_line_says_in_one_sentence_what_is_missing(tmp_path):
    command = [sys.executable, str(Path(streamchat.__file__)), "--process-query", SPEC]
    environment = {name: value for name, value in os.environ.items() if "OPENAI" not in name}
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.strip() == (
        f"Error: --process-query {SPEC}: NotConfigured: STREAMCHAT_OPENAI_MODEL: is not set"
    )
