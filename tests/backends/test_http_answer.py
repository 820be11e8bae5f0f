import asyncio
import gc
import gzip
import os
from contextlib import asynccontextmanager, closing

import pytest

pytest.importorskip("pycurl")

from streamchat.backends import http_connections
from streamchat.backends.http_answer import (
    MAX_WAITING_BYTES,
    ConnectTimeout,
    HttpAnswer,
    HttpFailed,
    request,
)
from streamchat.backends.http_connections import connections
from tests.fakes.certificates import certificate_for
from tests.fakes.tcp_server import TcpServer

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
PATIENCE_SECONDS = 20.0


@asynccontextmanager
async def serving(answer, *, tls=None):
    """A server that gives each connection to ``answer``; the URL of the block has its port."""
    async with TcpServer(answer, tls=tls) as server:
        try:
            yield f"{server.url}/".replace("127.0.0.1", "localhost")
        finally:
            await (await connections()).aclose()


def saying(*said):
    """Answers the first request of a connection with these bytes, and closes."""

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        for piece in said:
            writer.write(piece)

    return answer


async def asked(url, **how):
    how = {"body": b"question", "headers": {}, "connect_seconds": PATIENCE_SECONDS} | how
    return HttpAnswer(await connections(), request(url, **how))


async def whole(answer):
    pieces = []
    while piece := await answer.read():
        pieces.append(piece)
    return b"".join(pieces)


async def more_than(count, answer):
    """Wait until so many bytes wait to be read."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        for _ in iter(lambda: answer.waiting_bytes > count, True):
            await asyncio.sleep(0)


def outcome(said, **how):
    """Status, headers and body that come of these bytes."""

    async def ask():
        async with serving(saying(said)) as url:
            with closing(await asked(url, **how)) as answer:
                await answer.begun()
                return answer.status, answer.headers, await whole(answer)

    return asyncio.run(ask())


def test_an_answer_has_a_status_headers_and_a_body():
    status, headers, body = outcome(b"HTTP/1.1 418 No\r\nX-Kind:  Tea \r\nContent-Length: 3\r\n\r\nhot")
    assert (status, headers["x-kind"], body) == (418, "Tea", b"hot")


def test_an_answer_that_announces_another_is_not_the_answer():
    early = b"HTTP/1.1 103 Early Hints\r\nX-Early: yes\r\n\r\n"
    assert outcome(early + HEAD % 2 + b"hi") == (200, {"content-length": "2"}, b"hi")


def test_headers_after_the_body_are_read_over():
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Kind: early\r\nHTTP/x: 7\r\n\r\n"
    status, headers, body = outcome(head + b"2\r\nhi\r\n0\r\nX-Kind: late\r\nHTTP/y: 8\r\n\r\n")
    assert (status, body) == (200, b"hi")
    assert headers == {"transfer-encoding": "chunked", "x-kind": "early", "http/x": "7"}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"", "it ended the connection"),
        (b"HTTP/1.1 200 OK\r\nX-Word: secret\r\n", "it ended the connection"),
        (b"secret\r\n\r\n", "what it answered is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nsecret\r\n\r\n", "what it answered is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: secret\r\nContent-Length: 2\r\n\r\nhi", "in a way that can't be read"),
        (HEAD % 3 + b"hi", "it ended the connection"),
    ],
)
def test_a_failure_is_told_in_words_that_quote_nothing(said, told):
    with pytest.raises(HttpFailed, match=told) as failed:
        outcome(said)
    assert "secret" not in str(failed.value)


def test_what_came_before_a_break_is_read_first():
    async def ask():
        async with serving(saying(HEAD % 9 + b"half")) as url:
            with closing(await asked(url)) as answer:
                await more_than(0, answer)
                # Long enough that the break has been seen, too.
                for _ in range(1_000):
                    await asyncio.sleep(0)
                assert await answer.read() == b"half"
                with pytest.raises(HttpFailed):
                    await answer.read()

    asyncio.run(ask())


def test_a_reader_that_is_slow_has_its_server_wait():
    body = os.urandom(64) * 100_000

    async def ask():
        async with serving(saying(HEAD % len(body), body)) as url:
            with closing(await asked(url)) as answer:
                await more_than(MAX_WAITING_BYTES, answer)
                for _ in range(1_000):
                    await asyncio.sleep(0)
                assert answer.waiting_bytes < 2 * MAX_WAITING_BYTES
                return await whole(answer)

    assert asyncio.run(ask()) == body


def test_a_reader_that_is_slow_has_all_that_came_before_a_failure():
    """The transfer has ended while the reader was too far behind to be given more."""
    packed = gzip.compress(os.urandom(64) * 50_000)[:-8] + b"no sum.."
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)

    async def ask():
        async with serving(saying(head, packed)) as url:
            with closing(await asked(url)) as answer:
                await more_than(MAX_WAITING_BYTES, answer)
                for _ in range(1_000):
                    await asyncio.sleep(0)
                assert len(await answer.read()) > MAX_WAITING_BYTES
                with pytest.raises(HttpFailed):
                    await whole(answer)

    asyncio.run(ask())


@pytest.mark.parametrize("is_closed_first", [True, False])
def test_a_failure_is_still_known_after_it_was_closed(is_closed_first):
    async def ask():
        async with serving(saying(HEAD % 9 + b"half")) as url:
            answer = await asked(url)
            await answer.begun()
            if not is_closed_first:
                with pytest.raises(HttpFailed, match="it ended the connection"):
                    await whole(answer)
            answer.close()
            for wait_for in (lambda: whole(answer), lambda: whole(answer)):
                with pytest.raises(HttpFailed):
                    await wait_for()
            await answer.begun()
            assert answer.status == 200

    asyncio.run(ask())


@pytest.mark.parametrize("is_begun", [True, False])
def test_to_close_an_answer_that_still_comes_closes_its_connection(is_begun):
    async def ask():
        came, gone = asyncio.Event(), asyncio.Event()

        async def answer_half(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            if is_begun:
                writer.write(HEAD % 9)
            came.set()
            await reader.readexactly(len(b"question"))
            assert await reader.read() == b""
            gone.set()
            writer.close()

        async with serving(answer_half) as url:
            answer = await asked(url)
            if is_begun:
                await answer.begun()
            await asyncio.wait_for(came.wait(), PATIENCE_SECONDS)
            answer.close()
            answer.close()
            await asyncio.wait_for(gone.wait(), PATIENCE_SECONDS)
            with pytest.raises(HttpFailed):
                await answer.read()

    asyncio.run(ask())


def test_a_kept_connection_that_ends_as_the_next_request_comes_does_not_lose_it():
    seen = []

    async def answer_once(reader, writer):
        """The first request alone; as the second one comes, the connection ends."""
        for is_answered in (True, False):
            try:
                await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            await reader.readexactly(len(b"question"))
            seen.append(writer)
            if is_answered:
                writer.write(HEAD % 2 + b"hi")
        writer.close()

    async def ask():
        bodies = []
        async with serving(answer_once) as url:
            for _ in range(2):
                with closing(await asked(url)) as answer:
                    await answer.begun()
                    bodies.append(await whole(answer))
        return bodies

    assert asyncio.run(ask()) == [b"hi", b"hi"]
    assert [seen.index(writer) for writer in seen] == [0, 0, 2]


def test_a_loop_keeps_its_connections_and_closes_them_at_its_end():
    async def keep():
        kept = await connections()
        assert await connections() is kept
        assert not kept.closed
        return kept

    async def close_and_keep():
        await (await connections()).aclose()
        return await keep()

    first, second = asyncio.run(keep()), asyncio.run(close_and_keep())
    assert first is not second
    assert first.closed
    assert second.closed
    assert not http_connections._kept


def test_a_server_that_takes_no_connection_is_not_waited_for_longer_than_said():
    async def ask():
        async with TcpServer(saying()) as server:
            # A greeting in TLS that nobody answers.
            answer = await asked(f"https://127.0.0.1:{server.port}/", connect_seconds=0.05)
            with closing(answer), pytest.raises(ConnectTimeout):
                await answer.begun()
            await (await connections()).aclose()

    asyncio.run(ask())


@pytest.mark.parametrize("is_trusted", [True, False])
@pytest.mark.parametrize("is_proxy", [False, True])
def test_a_certificate_counts_if_python_trusts_who_vouches_for_it(monkeypatch, tmp_path, is_proxy, is_trusted):
    folder = tmp_path / "证书"
    folder.mkdir()
    tls, _ = certificate_for("localhost", folder)
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(folder / "certificate.pem"))

    async def ask():
        async with serving(saying(HEAD % 2 + b"hi"), tls=tls) as url:
            asking = asked("http://model.invalid/", proxy=url) if is_proxy else asked(url)
            with closing(await asking) as answer:
                await answer.begun()
                return await whole(answer)

    if is_trusted:
        assert asyncio.run(ask()) == b"hi"
    else:
        with pytest.raises(HttpFailed, match="self-signed certificate"):
            asyncio.run(ask())


def test_a_proxy_s_consent_is_not_the_answer(monkeypatch, tmp_path):
    tls, _ = certificate_for("localhost", tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    tunnels = []

    async def ask():
        async def tunnel(reader, writer):
            head = await reader.readuntil(b"\r\n\r\n")
            tunnels.append(head.split(b"\r\n")[0])
            host, _, port = head.split()[1].decode().partition(":")
            there, to_there = await asyncio.open_connection(host, int(port))
            with closing(to_there):
                writer.write(b"HTTP/1.1 200 Connection established\r\nX-Proxy: yes\r\n\r\n")
                await asyncio.gather(_copy(reader, to_there), _copy(there, writer))

        async with TcpServer(tunnel) as proxy, serving(saying(HEAD % 2 + b"hi"), tls=tls) as url:
            with closing(await asked(url, proxy=proxy.url)) as answer:
                await answer.begun()
                assert (answer.status, "x-proxy" in answer.headers) == (200, False)
                assert await whole(answer) == b"hi"

    asyncio.run(ask())
    assert tunnels[0].startswith(b"CONNECT localhost:")


async def _copy(reader, writer):
    while piece := await reader.read(65_536):
        writer.write(piece)
    writer.close()


def test_connections_that_are_opened_anew_outlive_those_before():
    async def ask():
        async with serving(saying(HEAD % 2 + b"hi")) as url:
            await (await connections()).aclose()
            with closing(await asked(url)) as answer:
                opened = await connections()
                gc.collect()
                for _ in range(100):
                    await asyncio.sleep(0)
                assert await connections() is opened
                await answer.begun()
                return await whole(answer)

    assert asyncio.run(ask()) == b"hi"
    assert not http_connections._kept


def test_a_failure_that_is_told_twice_holds_nothing():
    async def ask():
        async with serving(saying(HEAD % 9 + b"half")) as url:
            with closing(await asked(url)) as answer:
                failures = []
                for _ in range(3):
                    with pytest.raises(HttpFailed) as failed:
                        await whole(answer)
                    failures.append(failed.value)
        return failures

    failures = asyncio.run(ask())
    assert len({id(failure) for failure in failures}) == 3
    assert len({str(failure) for failure in failures}) == 1


def test_an_environment_may_be_in_any_script():
    """What it says of proxies goes to libcurl as it is."""
    assert outcome(HEAD % 2 + b"hi", no_proxy="例子.测试,localhost", proxy="http://例子.测试:9")[2] == b"hi"
