import asyncio
import gzip
import time
import traceback
from contextlib import aclosing
from urllib.parse import urlsplit

import pytest

pytest.importorskip("pycurl")

from streamchat.backends import openai_client
from streamchat.backends.http_connections import connections
from streamchat.backends.openai_client import AnswerStream
from streamchat.backends.openai_errors import (
    AnswerBroken,
    ContentFiltered,
    KeyRefused,
    NotFound,
    QuestionRefused,
    RateLimited,
    ServerFailed,
    Unreachable,
)
from streamchat.backends.openai_reply import Reply, Usage
from streamchat.backends.openai_upstream import Upstream
from tests.fakes.openai_upstream import (
    DONE,
    PATIENCE_SECONDS,
    Scene,
    calling,
    chunk,
    delta,
    event,
    refusing,
    saying,
    scripted,
)
from tests.fakes.tcp_server import TcpServer

KEY = "sk-very-secret"
BODY = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
PATIENT = 600.0
ELSEWHERE = Upstream(base_url="http://model.invalid/v1", api_key=KEY, model="m")


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch):
    monkeypatch.setattr(openai_client, "FIRST_WAIT_SECONDS", 0.001)


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch):
    for name in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name}_PROXY".upper(), raising=False)


class Asking:
    """One question to a scripted upstream, and all that came of it."""

    def __init__(self, upstream, *, key=KEY, retries=2, seconds=PATIENT):
        self.settings = Upstream(base_url=upstream.url, api_key=key, model="m", retries=retries)
        self.deadline = time.monotonic() + seconds
        self.reply = Reply()
        self.waited = []

    async def pieces(self):
        answer = AnswerStream(self.settings, BODY, self.reply, deadline=self.deadline, waiting=self.waited.append)
        async with aclosing(answer):
            async for piece in answer:
                yield piece


def asked(*scenes, **how):
    """The pieces that come of these scenes, the reply, what was waited, and what the upstream saw."""

    async def ask():
        async with scripted(*scenes) as upstream:
            asking = Asking(upstream, **how)
            return [piece async for piece in asking.pieces()], asking, upstream

    return asyncio.run(ask())


def failure(expected, *scenes, **how):
    """The failure that comes of these scenes, and how often the upstream was asked for it."""

    async def ask():
        async with scripted(*scenes) as upstream:
            with pytest.raises(expected) as failed:
                async for _ in Asking(upstream, **how).pieces():
                    pass
            return failed.value, len(upstream.asked)

    return asyncio.run(ask())


def test_the_text_comes_piece_by_piece_and_the_counts_at_the_end():
    pieces, asking, upstream = asked(saying("Hel", "lo", " 你好", usage=(7, 3)))
    assert pieces == ["Hel", "lo", " 你好"]
    assert asking.reply.usage == Usage(prompt_tokens=7, completion_tokens=3)
    assert upstream.asked[0].path == "/v1/chat/completions"
    assert upstream.asked[0].body == BODY | {"stream": True}


def test_a_piece_comes_before_the_answer_has_ended():
    async def ask():
        async with scripted(Scene(pieces=[delta(content="Hel")], ending="open")) as upstream:
            pieces = Asking(upstream).pieces()
            assert await anext(pieces) == "Hel"
            await pieces.aclose()

    asyncio.run(ask())


def test_the_key_goes_into_its_header():
    assert asked(saying("a"))[2].asked[0].headers["authorization"] == f"Bearer {KEY}"


def test_without_a_key_there_is_no_such_header(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert "authorization" not in asked(saying("a"), key="")[2].asked[0].headers


def test_a_proxy_in_the_environment_is_not_asked_for_loopback(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert asked(saying("Hi"))[0] == ["Hi"]


def test_comments_between_the_chunks_are_passed_over():
    assert asked(Scene(pieces=[b": ping\n\n", delta(content="Hi"), b": ping\n\n", delta("stop"), DONE]))[0] == ["Hi"]


def test_a_chunk_may_come_in_any_pieces():
    whole = delta(content="你好") + delta("stop") + DONE
    assert asked(Scene(pieces=[whole[at : at + 1] for at in range(len(whole))]))[0] == ["你好"]


def test_a_stream_may_end_without_done():
    assert asked(Scene(pieces=[delta(content="Hi"), delta("stop")]))[0] == ["Hi"]


def test_length_is_no_failure():
    assert asked(saying("Hi", finish_reason="length"))[1].reply.finish_reason == "length"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, QuestionRefused),
        (401, KeyRefused),
        (403, KeyRefused),
        (404, NotFound),
        (413, QuestionRefused),
        (422, QuestionRefused),
        (402, RateLimited),
        (307, QuestionRefused),
    ],
)
def test_what_asking_again_does_not_change_is_asked_once(status, expected):
    failed, times = failure(expected, refusing(status, {"error": {"message": "no such thing"}}, Location="/elsewhere"))
    assert times == 1
    assert f"({status})" in str(failed)
    assert "127.0.0.1" in str(failed)


def test_a_missing_key_is_called_missing():
    assert "wants a key (401)" in str(failure(KeyRefused, refusing(401), key="")[0])


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
def test_what_may_pass_is_asked_again_before_the_first_token(status):
    pieces, asking, upstream = asked(refusing(status), refusing(status), saying("Hi"))
    assert pieces == ["Hi"]
    assert len(upstream.asked) == 3
    assert asking.waited[1] > asking.waited[0] > 0


@pytest.mark.parametrize(("status", "expected"), [(429, RateLimited), (500, ServerFailed), (503, ServerFailed)])
def test_what_does_not_pass_fails_after_the_last_retry(status, expected):
    assert failure(expected, refusing(status), retries=1)[1] == 2


def test_credit_that_is_used_up_is_asked_once():
    body = {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}
    failed, times = failure(RateLimited, refusing(429, body))
    assert times == 1
    assert "no credit left" in str(failed)


def test_the_wait_is_the_one_that_the_server_asks_for():
    _, asking, _ = asked(refusing(429, Retry_After="0.05"), saying("Hi"))
    assert asking.waited == [0.05]


def test_a_wait_beyond_the_deadline_fails_at_once():
    failed, times = failure(RateLimited, refusing(429, Retry_After="900"), seconds=60)
    assert times == 1
    assert "to be asked again in 900 s" in str(failed)


@pytest.mark.parametrize(
    "scene",
    [
        Scene(has_head=False, ending="cut"),
        Scene(ending="cut"),
        Scene(pieces=[delta(role="assistant", content="")], ending="cut"),
        Scene(pieces=[delta(role="assistant", content="")]),
        Scene(pieces=[b"data: {"], ending="cut"),
        Scene(pieces=[event({"error": {"message": "overloaded", "code": 503}})]),
        saying(finish_reason="error"),
    ],
    ids=["no head", "no body", "cut", "no end", "half a chunk", "error", "finish reason"],
)
def test_a_stream_that_breaks_before_its_first_token_is_asked_for_again(scene):
    pieces, _, upstream = asked(scene, saying("Hi"))
    assert (pieces, len(upstream.asked)) == (["Hi"], 2)


def test_the_end_of_an_earlier_try_is_not_the_end_of_the_answer():
    first = Scene(pieces=[delta(role="assistant", content=""), delta("stop")], ending="cut")
    failed, times = failure(AnswerBroken, first, Scene(pieces=[delta(content="Half of")]))
    assert (times, str(failed).endswith("broke off")) == (2, True)


@pytest.mark.parametrize("begun", [delta(content="Hel"), delta(reasoning="hm"), calling(("f", "{}")).pieces[1]])
def test_a_stream_that_breaks_later_is_never_asked_for_again(begun):
    failed, times = failure(AnswerBroken, Scene(pieces=[begun], ending="cut"))
    assert times == 1
    assert "broke off" in str(failed)


def test_an_answer_without_a_finish_reason_is_broken_even_if_it_ends_in_order():
    assert "broke off" in str(failure(AnswerBroken, Scene(pieces=[delta(content="Hel"), DONE]))[0])


def test_an_error_amid_the_answer_is_told():
    error = event({"error": {"message": "out of memory", "type": "server_error", "code": 500}})
    failed, times = failure(ServerFailed, Scene(pieces=[delta(content="Hel"), error]))
    assert (times, "out of memory" in str(failed)) == (1, True)


def test_an_error_before_the_answer_that_would_come_again_is_asked_once():
    error = event({"error": {"message": "context too long", "code": "context_length_exceeded"}})
    assert failure(ServerFailed, Scene(pieces=[error]))[1] == 1


@pytest.mark.parametrize(
    "broken",
    [b"data: {nonsense\n\n", b"data: 5\n\n", b"data: []\n\n", b"data: \xff\xfe\n\n", chunk(choices=5)],
    ids=["no JSON", "number", "list", "no UTF-8", "no choices"],
)
def test_a_malformed_chunk_is_a_broken_answer(broken):
    failed, _ = failure(AnswerBroken, Scene(pieces=[delta(content="secret answer"), broken]))
    assert "can't be read" in str(failed)
    assert "secret" not in "".join(traceback.format_exception(failed))


def test_a_page_is_no_answer():
    page = Scene(pieces=[b"<html>welcome</html>"], content_type="text/html")
    assert "text/html: is the URL right?" in str(failure(AnswerBroken, page)[0])


def test_an_answer_in_one_json_body_is_no_stream():
    assert "application/json" in str(failure(AnswerBroken, refusing(200, {"choices": []}))[0])


def test_the_content_filter_is_called_by_its_name():
    failed, times = failure(ContentFiltered, saying("Hel", finish_reason="content_filter"))
    assert (times, "content filter" in str(failed)) == (1, True)


def test_a_server_that_is_gone_is_unreachable():
    async def ask():
        async with scripted() as upstream:
            pass
        with pytest.raises(Unreachable) as failed:
            await anext(Asking(upstream).pieces())
        return failed.value, upstream

    failed, upstream = asyncio.run(ask())
    assert str(failed).startswith(f"{upstream.url} can't be reached: ")


def test_a_server_that_says_nothing_until_the_deadline_did_not_answer_in_time():
    assert "in time" in str(failure(Unreachable, Scene(has_head=False, ending="open"), seconds=0.2, retries=0)[0])


def test_past_its_deadline_no_answer_begins():
    assert "in time" in str(failure(Unreachable, saying("Hel", "lo"), seconds=-1)[0])


def test_past_its_deadline_the_answer_ends_even_when_all_of_it_is_there():
    async def ask():
        async with scripted(Scene(pieces=[delta(content="Hel") + delta(content="lo")], ending="open")) as upstream:
            pieces = Asking(upstream, seconds=0.3).pieces()
            assert await anext(pieces) == "Hel"
            await asyncio.wait_for(upstream.left.wait(), PATIENCE_SECONDS)
            with pytest.raises(TimeoutError, match="had not finished by the deadline"):
                await anext(pieces)

    asyncio.run(ask())


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_the_key_is_in_no_failure_and_no_traceback(status):
    body = {"error": {"message": f"Incorrect API key provided: {KEY}, Bearer {KEY}; or sk-ve***et"}}
    for scene in (refusing(status, body), Scene(pieces=[event(body)])):
        failed, _ = failure(Exception, scene, retries=0)
        told = "".join(traceback.format_exception(failed))
        assert "sk-ve" not in told
        assert "pycurl" not in told


def test_of_the_server_s_words_one_short_line_is_quoted():
    failed, _ = failure(QuestionRefused, refusing(400, {"detail": "too\nlong " * 1_000}))
    assert "too long too long" in str(failed)
    assert len(str(failed)) < 500


def test_closing_the_generator_closes_the_connection():
    async def leave():
        async with scripted(Scene(pieces=[delta(content="Hel")], ending="open")) as upstream:
            pieces = Asking(upstream).pieces()
            await anext(pieces)
            await pieces.aclose()
            await asyncio.wait_for(upstream.left.wait(), PATIENCE_SECONDS)

    asyncio.run(leave())


@pytest.mark.parametrize(
    "scene",
    [
        Scene(has_head=False, ending="open"),
        Scene(ending="open"),
        Scene(pieces=[delta(content="Hel")], ending="open"),
    ],
    ids=["unanswered", "reading", "answering"],
)
def test_cancelling_the_task_closes_the_connection(scene):
    async def leave():
        async with scripted(scene) as upstream:
            task = asyncio.create_task(_exhaust(Asking(upstream).pieces()))
            await upstream.asked_once.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await asyncio.wait_for(upstream.left.wait(), PATIENCE_SECONDS)
            assert len(upstream.asked) == 1

    asyncio.run(leave())


def test_what_fails_between_two_attempts_ends_it():
    def waiting(seconds):
        raise RuntimeError("nobody wants to wait")

    async def ask():
        async with scripted(refusing(500), saying("Hi")) as upstream:
            asking = Asking(upstream)
            answer = AnswerStream(asking.settings, BODY, Reply(), deadline=asking.deadline, waiting=waiting)
            with pytest.raises(RuntimeError):
                await anext(answer)
            assert [piece async for piece in answer] == []
            assert len(upstream.asked) == 1

    asyncio.run(ask())


def test_cancelling_the_wait_before_a_retry_ends_it():
    async def leave():
        async with scripted(refusing(429, Retry_After="300"), saying("Hi")) as upstream:
            asking = Asking(upstream)
            waiting = asyncio.Event()
            asking.waited = _Told(waiting)
            task = asyncio.create_task(_exhaust(asking.pieces()))
            await asyncio.wait_for(waiting.wait(), PATIENCE_SECONDS)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert len(upstream.asked) == 1

    asyncio.run(leave())


class _Told:
    """Takes what is appended to it for an event."""

    def __init__(self, event):
        self._event = event

    def append(self, seconds):
        self._event.set()


async def _exhaust(pieces):
    async for _ in pieces:
        pass


def test_the_next_question_goes_over_the_same_connection():
    """One that was read to its end: the last bytes of the body come after the event that says so."""
    opened = []

    async def answer(reader, writer):
        opened.append(writer)
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(head.lower().partition(b"content-length:")[2].split()[0])
            await reader.readexactly(length)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            for piece in (delta(content="Hi"), delta("stop"), DONE):
                writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                await writer.drain()
            writer.write(b"0\r\n\r\n")

    async def ask():
        async with TcpServer(answer) as server:
            settings = Upstream(base_url=f"{server.url}/v1", model="m")
            for _ in range(3):
                pieces = AnswerStream(settings, BODY, Reply(), deadline=time.monotonic() + PATIENT)
                assert [piece async for piece in pieces] == ["Hi"]
            await (await connections()).aclose()

    asyncio.run(ask())
    assert len(opened) == 1


def test_a_proxy_in_the_environment_is_asked_for_every_other_server(monkeypatch):
    async def ask():
        async with scripted(saying("Hi")) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/v1"))
            pieces = AnswerStream(ELSEWHERE, BODY, Reply(), deadline=time.monotonic() + PATIENT)
            return [piece async for piece in pieces], proxy.asked[0].path

    assert asyncio.run(ask()) == (["Hi"], "http://model.invalid/v1/chat/completions")


@pytest.mark.parametrize(
    ("variable", "form"), [("HTTP_PROXY", "{}"), ("http_proxy", "http://{}"), ("ALL_PROXY", "http://user:password@{}")]
)
def test_a_proxy_may_be_named_in_any_of_the_usual_ways(monkeypatch, variable, form):
    async def ask():
        async with scripted(saying("Hi")) as proxy:
            monkeypatch.setenv(variable, form.format(proxy.url.removesuffix("/v1").removeprefix("http://")))
            pieces = AnswerStream(ELSEWHERE, BODY, Reply(), deadline=time.monotonic() + PATIENT)
            return [piece async for piece in pieces], proxy.asked[0].headers.get("proxy-authorization", "")

    pieces, authorization = asyncio.run(ask())
    assert (pieces, bool(authorization)) == (["Hi"], "password" in form)


@pytest.mark.parametrize("no_proxy", ["0.0.0.0", "0.0.0.0:{}", "0.0.0.0/8", "*"])
def test_a_server_that_needs_no_proxy_is_asked_itself(monkeypatch, no_proxy):
    """The address is this machine's, too, but not one that no proxy is ever asked for."""

    async def ask():
        async with scripted(saying("Hi")) as upstream:
            monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
            monkeypatch.setenv("NO_PROXY", no_proxy.format(urlsplit(upstream.url).port))
            settings = Upstream(base_url=upstream.url.replace("127.0.0.1", "0.0.0.0"), model="m", retries=0)
            return [piece async for piece in AnswerStream(settings, BODY, Reply(), deadline=time.monotonic() + PATIENT)]

    assert asyncio.run(ask()) == ["Hi"]


def test_a_proxy_that_speaks_something_else_is_told_without_its_password(monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "quic://user:password@127.0.0.1:9")
    with pytest.raises(Unreachable, match="speaks quic") as failed:
        asyncio.run(_exhaust(AnswerStream(ELSEWHERE, BODY, Reply(), deadline=time.monotonic() + PATIENT)))
    assert "user:" not in "".join(traceback.format_exception(failed.value))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n", "the proxy answered 407"),
        (b"password secret\r\n\r\n", "what it answered is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nSet-Cookie: secret\r\n", "it ended the connection"),
        (b"", "it ended the connection"),
    ],
)
def test_a_failed_connection_is_told_in_words_that_quote_nothing(monkeypatch, said, told):
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)

    async def ask():
        async with TcpServer(answer) as server:
            monkeypatch.setenv("HTTPS_PROXY", f"http://user:password@127.0.0.1:{server.port}")
            settings = Upstream(base_url="https://model.invalid/v1", api_key=KEY, model="m", retries=0)
            with pytest.raises(Unreachable) as failed:
                await _exhaust(AnswerStream(settings, BODY, Reply(), deadline=time.monotonic() + PATIENT))
            return "".join(traceback.format_exception(failed.value))

    words = asyncio.run(ask())
    assert told in words
    assert "password" not in words
    assert "secret" not in words


def test_a_host_that_is_none_is_unreachable():
    settings = Upstream(base_url="http://a..b/v1", model="m", retries=0)
    with pytest.raises(Unreachable):
        asyncio.run(_exhaust(AnswerStream(settings, BODY, Reply(), deadline=time.monotonic() + PATIENT)))


def test_credentials_in_netrc_are_not_the_key(monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("default login someone password else")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert asked(saying("a"))[2].asked[0].headers["authorization"] == f"Bearer {KEY}"
    assert "authorization" not in asked(saying("a"), key="")[2].asked[0].headers


def test_a_compressed_stream_is_read_too():
    stream = gzip.compress(delta(content="Hi") + delta("stop") + DONE)
    assert asked(Scene(pieces=[stream], headers={"Content-Encoding": "gzip"}))[0] == ["Hi"]


def test_a_silence_amid_the_answer_ends_with_the_deadline():
    async def ask():
        async with scripted(Scene(pieces=[delta(content="Hel")], ending="open")) as upstream:
            pieces = Asking(upstream, seconds=0.2).pieces()
            assert await anext(pieces) == "Hel"
            with pytest.raises(TimeoutError, match="had not finished by the deadline"):
                await anext(pieces)
            await asyncio.wait_for(upstream.left.wait(), PATIENCE_SECONDS)

    asyncio.run(ask())


def test_an_answer_that_says_that_it_is_done_is_whole_though_its_connection_breaks():
    assert asked(Scene(pieces=[delta(content="Hi"), delta("stop"), DONE], ending="cut"))[0] == ["Hi"]


def test_a_refusal_whose_reason_breaks_off_is_told_all_the_same():
    failed, _ = failure(QuestionRefused, Scene(status=400, content_type="text/plain", pieces=[b"no"], ending="cut"))
    assert "refused the question (400): no" in str(failed)


def test_a_refusal_that_is_compressed_in_an_unknown_way_is_told_all_the_same():
    failed, _ = failure(KeyRefused, Scene(status=401, pieces=[b"?"], headers={"Content-Encoding": "unheard-of"}))
    assert "refused the key (401)" in str(failed)


def test_past_its_deadline_an_answer_that_has_broken_off_meanwhile_is_late():
    async def ask():
        async with scripted(Scene(pieces=[delta(content="Hel")], ending="cut")) as upstream:
            asking = Asking(upstream, seconds=0.2)
            pieces = asking.pieces()
            assert await anext(pieces) == "Hel"
            await asyncio.sleep(asking.deadline - time.monotonic() + 0.05)
            with pytest.raises(TimeoutError, match="had not finished by the deadline"):
                await anext(pieces)

    asyncio.run(ask())
