import asyncio
import json
import os
import threading
import time
import urllib.request
from contextlib import asynccontextmanager

import pytest

pytest.importorskip("pycurl")

from streamchat.backends import embedded, local
from streamchat.backends.choose import PERSONA, embedded_or_persona
from streamchat.backends.local import (
    CHINESE_WARNING,
    EmbeddedModelFailed,
    NoEmbeddedModel,
    estimated_tokens,
    process_query,
    recent,
    request_for,
    shortened,
)
from tests.fakes.tcp_server import TcpServer

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


def data(content=None, finish_reason=None, **extra):
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish_reason}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **extra}
    return f"data: {json.dumps(chunk)}\n\n".encode()


class Upstream:
    """An OpenAI-compatible server that says what it is told to."""

    def __init__(self, *pieces, stays_open=False):
        self.pieces = pieces
        self.stays_open = stays_open
        self.asked = asyncio.Event()
        self.left = asyncio.Event()

    async def serve(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        self.asked.set()
        writer.write(b"".join(self.pieces))
        await writer.drain()
        if self.stays_open:
            await reader.read()
            self.left.set()

    @asynccontextmanager
    async def listening(self, monkeypatch):
        async with TcpServer(self.serve) as server:
            monkeypatch.setenv(embedded.URL_VARIABLE, f"{server.url}/v1")
            monkeypatch.setenv(embedded.KEY_VARIABLE, "key")
            yield self


def question(
    message="Hello?",
    cancelled=None,
    deadline=None,
    progress=lambda text, percent=None: None,
    history=(),
    usage=lambda prompt_tokens, completion_tokens: None,
):
    deadline = time.monotonic() + 60 if deadline is None else deadline
    return process_query(message, "Be short.", history, cancelled or threading.Event(), deadline, progress, usage)


def answered(monkeypatch, *pieces, **asked):
    """What the backend makes of an upstream that sends these pieces."""

    async def ask():
        async with Upstream(*pieces).listening(monkeypatch):
            return [token async for token in question(**asked)]

    return asyncio.run(ask())


def test_tokens_come_as_the_model_says_them(monkeypatch):
    tokens = answered(monkeypatch, HEAD, data("Hel"), data("lo"), data(finish_reason="stop"), b"data: [DONE]\n\n")
    assert tokens == ["Hel", "lo"]


def test_an_answer_that_reached_its_limit_ends_with_an_ellipsis(monkeypatch):
    assert answered(monkeypatch, HEAD, data("Hel"), data(finish_reason="length")) == ["Hel", "…"]


def test_a_chinese_question_is_answered_with_a_warning_first(monkeypatch):
    tokens = answered(monkeypatch, HEAD, data("绿"), data("茶", "stop"), message="绿茶？")
    assert tokens == [CHINESE_WARNING + "绿", "茶"]


def test_reading_is_reported_as_progress(monkeypatch):
    said = []
    reading = data(prompt_progress={"total": 200, "cache": 0, "processed": 50, "time_ms": 3})
    answered(
        monkeypatch, HEAD, reading, data("Hi", "stop"), progress=lambda text, percent=None: said.append((text, percent))
    )
    assert said == [("The model is reading the conversation...", 25.0)]


def test_the_tokens_are_counted(monkeypatch):
    told = []
    counts = data(usage={"prompt_tokens": 40, "completion_tokens": 2})
    answered(monkeypatch, HEAD, data("Hel"), data("lo", "length"), counts, usage=lambda *tokens: told.append(tokens))
    assert told == [(40, 2)]
    assert request_for("Hello?", "", ())["stream_options"] == {"include_usage": True}


def test_an_answer_that_breaks_off_is_a_failure(monkeypatch):
    with pytest.raises(EmbeddedModelFailed, match="broke off"):
        answered(monkeypatch, HEAD, data("Hel"))


def test_an_error_amid_the_answer_is_a_failure(monkeypatch):
    error = b'data: {"error": {"message": "out of memory", "type": "server_error", "code": 500}}\n\n'
    with pytest.raises(EmbeddedModelFailed, match="out of memory"):
        answered(monkeypatch, HEAD, data("Hel"), error)


def test_a_refused_question_is_a_failure(monkeypatch):
    body = b'{"error": {"message": "exceeds the available context size", "code": 400}}'
    head = b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    with pytest.raises(EmbeddedModelFailed, match="exceeds the available context size"):
        answered(monkeypatch, head, body)


def test_a_server_that_is_gone_is_a_failure(monkeypatch):
    async def ask():
        async with Upstream().listening(monkeypatch):
            pass
        return [token async for token in question()]

    with pytest.raises(EmbeddedModelFailed, match="can't be reached"):
        asyncio.run(ask())


def test_without_an_embedded_model_the_exception_says_so(monkeypatch):
    monkeypatch.delenv(embedded.URL_VARIABLE, raising=False)
    with pytest.raises(NoEmbeddedModel, match="no embedded model was started"):
        asyncio.run(anext(question()))


def test_closing_the_generator_closes_the_connection(monkeypatch):
    async def leave():
        async with Upstream(HEAD, data("Hel"), stays_open=True).listening(monkeypatch) as upstream:
            tokens = question()
            assert await anext(tokens) == "Hel"
            await tokens.aclose()
            await asyncio.wait_for(upstream.left.wait(), 10)

    asyncio.run(leave())


@pytest.mark.parametrize("pieces", [(), (HEAD,)], ids=["unanswered", "reading"])
def test_cancelling_the_task_closes_the_connection_before_the_first_token(monkeypatch, pieces):
    async def leave():
        async with Upstream(*pieces, stays_open=True).listening(monkeypatch) as upstream:
            task = asyncio.create_task(_exhaust(question()))
            await upstream.asked.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await asyncio.wait_for(upstream.left.wait(), 10)

    asyncio.run(leave())


async def _exhaust(tokens):
    async for _ in tokens:
        pass


def test_the_cancelled_flag_ends_the_answer_and_closes_the_connection(monkeypatch):
    async def leave():
        async with Upstream(HEAD, data("Hel"), data("lo"), stays_open=True).listening(monkeypatch) as upstream:
            cancelled = threading.Event()
            tokens = question(cancelled=cancelled)
            assert await anext(tokens) == "Hel"
            cancelled.set()
            assert [token async for token in tokens] == []
            await asyncio.wait_for(upstream.left.wait(), 10)

    asyncio.run(leave())


def test_past_its_deadline_no_answer_begins(monkeypatch):
    with pytest.raises(EmbeddedModelFailed, match="did not answer in time"):
        answered(monkeypatch, HEAD, data("Hel"), data("lo", "stop"), deadline=time.monotonic() - 1)


def test_a_proxy_in_the_environment_is_not_asked(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert answered(monkeypatch, HEAD, data("Hi", "stop")) == ["Hi"]


def test_the_model_gets_prompt_history_and_question_in_this_order():
    history = [{"role": "user", "content": "One?"}, {"role": "assistant", "content": "Two."}]
    messages = request_for("Three?", "Count.", history)["messages"]
    assert [entry["content"] for entry in messages] == ["Count.", "One?", "Two.", "Three?"]


def test_an_empty_prompt_is_left_out():
    assert [entry["role"] for entry in request_for("Hi", "", [])["messages"]] == ["user"]


def test_the_newest_history_is_kept_from_a_question_on():
    history = [{"role": role, "content": f"word {n}"} for n, role in enumerate(["user", "assistant"] * 3)]
    three_entries = 3 * estimated_tokens("word 1")
    assert recent(history, three_entries) == history[-2:]


def test_history_does_not_carry_our_own_warning():
    history = [{"role": "user", "content": "茶"}, {"role": "assistant", "content": CHINESE_WARNING + "a"}]
    assert recent(history, 100)[1]["content"] == "a"


@pytest.mark.parametrize("text", ["some words", "绿茶😀", "a\n\nb", ""])
def test_a_short_text_stays_whole(text):
    assert shortened(text, 100) == text


def test_a_long_text_keeps_its_beginning_up_to_a_whole_word():
    assert shortened("first second third fourth", 4) == "first second"


def test_everything_at_its_limit_fits_into_a_slot():
    words = "word " * 5000
    history = [{"role": "user", "content": "word " * 10}] * 100
    contents = [entry["content"] for entry in request_for(words, words, history)["messages"]]
    assert sum(map(estimated_tokens, contents)) + local.MAX_ANSWER_TOKENS < embedded.SLOT_TOKENS


@pytest.fixture(scope="module")
def model():
    choice = embedded_or_persona(print)
    if choice.spec == PERSONA:
        pytest.skip(choice.reason)
    yield
    embedded.stop()


def busy_slots():
    url, key = os.environ[embedded.URL_VARIABLE], os.environ[embedded.KEY_VARIABLE]
    asked = urllib.request.Request(url.removesuffix("/v1") + "/slots", headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(asked) as answer:
        return sum(slot["is_processing"] for slot in json.load(answer))


def slots_become_free():
    """llama.cpp has no event for it; each request for its slots waits for the batch that is being computed."""
    return any(busy_slots() == 0 for _ in range(10_000))


@pytest.mark.slow
def test_the_real_model_answers_and_counts_its_tokens(model):
    counted = []

    async def ask():
        asked = question("What is the capital of France?", usage=lambda *tokens: counted.append(tokens))
        return [token async for token in asked]

    tokens = asyncio.run(ask())
    assert "".join(tokens).strip()
    ((prompt, completion),) = counted
    assert 5 < prompt < 100
    # A token may be half a character, and the last one ends the answer.
    assert len(tokens) <= completion <= len(tokens) + 10


@pytest.mark.slow
def test_the_real_model_frees_its_slot_when_the_generator_is_closed(model):
    async def leave():
        tokens = question("Tell me a long story about a dragon.")
        await anext(tokens)
        await tokens.aclose()
        assert await asyncio.to_thread(slots_become_free)

    asyncio.run(leave())


@pytest.mark.slow
def test_the_real_model_frees_its_slot_when_cancelled_while_it_reads(model):
    async def leave():
        read = []
        reading = asyncio.Event()

        def progress(text, percent=None):
            read.append(percent)
            reading.set()

        task = asyncio.create_task(_exhaust(question("the fox and the sea " * 120, progress=progress)))
        await reading.wait()
        assert await asyncio.to_thread(busy_slots) == 1
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await asyncio.to_thread(slots_become_free)
        assert max(read) < 100

    asyncio.run(leave())


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["0123456789 " * 20, "绿茶应该怎么泡？" * 20, "!?# def f(x): return x[0]\n" * 20, "Plain words. " * 20]
)
def test_tokens_are_not_underestimated(model, text):
    url, key = os.environ[embedded.URL_VARIABLE], os.environ[embedded.KEY_VARIABLE]
    body = json.dumps({"content": text}).encode()
    asked = urllib.request.Request(
        url.removesuffix("/v1") + "/tokenize",
        body,
        {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked) as answer:
        assert len(json.load(answer)["tokens"]) <= estimated_tokens(text)
