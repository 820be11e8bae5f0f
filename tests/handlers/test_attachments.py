"""What comes with a question: at every door, whole, checked before anything happens, and fetched only where allowed."""

from __future__ import annotations

import asyncio
import json
import tempfile
from base64 import b64encode
from functools import partial
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from streamchat.serving.server import Server
from streamchat.serving.settings import Settings
from streamchat.turns.process_query import BoundFunction
from tests.fakes.file_server import PDF, PNG, WAV, FileServer, file, serving_files
from tests.handlers.house import (
    ALICE,
    CHAT,
    CHAT_DOORS,
    JSON,
    SMART,
    STREAMING_DOORS,
    House,
    answer_in,
    error_in,
    question,
    statuses,
    to_bytes,
    until,
    with_server,
)
from tests.handlers.raw_client import PATIENCE_SECONDS
from tests.handlers.socket_client import Socket, answer_of


def tell(message, attachments):
    """A function that says what it was given."""
    return json.dumps([[one.media_type, one.name, sha256(one.content).hexdigest()] for one in attachments])


def deaf(message):
    """A function that takes no attachments."""
    return "heard"


def base64(content: bytes) -> str:
    return b64encode(content).decode()


def picture(content: bytes = PNG, **fields: Any) -> dict[str, Any]:
    return {"media_type": "image/png", "content": base64(content), **fields}


def told(*attachments: tuple[str, str, bytes]) -> list[list[str]]:
    return [[media_type, name, sha256(content).hexdigest()] for media_type, name, content in attachments]


async def asked(house: House, door: str, **fields: Any) -> Any:
    """What the function was given, as it says in its answer."""
    response = await house.ask(door, **fields)
    assert response.status == 200, response.body
    return json.loads(response.json["data"] if door == CHAT else answer_in(response.frames))


async def refused(house: House, attachments: Any, door: str = SMART, status: int = 400) -> dict[str, Any]:
    """The error for these, after a look that it is the door's own and that nothing has happened."""
    response = await house.request("POST", door, headers=JSON, body=to_bytes(question() | {"attachments": attachments}))
    assert response.status == status, (attachments, response.body[:500])
    assert house.turns_opened == 0
    return error_in(response, is_streaming=door in STREAMING_DOORS)


@pytest.mark.parametrize("door", CHAT_DOORS)
def test_a_function_that_names_attachments_is_given_them_at_every_door(door: str) -> None:
    given = [picture(name="a.png"), {"media_type": "text/plain; charset=utf-8", "content": base64("你好".encode())}]

    async def scenario(house: House) -> None:
        expected = told(("image/png", "a.png", PNG), ("text/plain", "", "你好".encode()))
        assert await asked(house, door, attachments=given) == expected
        for none in ([], None):
            assert await asked(house, door, attachments=none) == []

    with_server(tell, scenario)


def test_a_question_on_a_websocket_has_attachments_too() -> None:
    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            stream = await socket.ask(attachments=[picture()])
            assert json.loads(answer_of(await socket.read_stream(stream))) == told(("image/png", "", PNG))
            await socket.send(type="query", ref="2", **question(attachments=[picture(b"no picture")]))
            error = await socket.read()
            assert (error["type"], error["code"], error["field"]) == (
                "error",
                "invalid_request",
                "attachments.0.content",
            )

    with_server(tell, scenario)


WRONG: list[tuple[str, Any]] = [
    ("attachments", "a picture"),
    ("attachments", {"content": ""}),
    ("attachments.0", [7]),
    ("attachments.1", [picture(), "x"]),
    ("attachments.0", [{}]),
    ("attachments.0", [{"media_type": "image/png"}]),
    ("attachments.0", [picture(url="https://example.org/a.png")]),
    ("attachments.0", [{"content": base64(PNG)}]),
    ("attachments.0.media_type", [picture(media_type="png")]),
    ("attachments.0.media_type", [picture(media_type=7)]),
    ("attachments.0.media_type", [picture(media_type="image/tiff")]),
    ("attachments.0.media_type", [picture(media_type="application/x-msdownload")]),
    ("attachments.0.name", [picture(name="a/b.png")]),
    ("attachments.0.name", [picture(name="..")]),
    ("attachments.0.name", [picture(name="a\\b.png")]),
    ("attachments.0.name", [picture(name="a\x00b")]),
    ("attachments.0.name", [picture(name="x" * 256)]),
    ("attachments.0.content", [{"media_type": "image/png", "content": 7}]),
    *(
        ("attachments.0.content", [{"media_type": "text/plain", "content": content}])
        for content in (
            "A",
            "AA",
            "AAA",
            "AA==AA==",
            "====",
            "AA= =",
            "AAAA\n",
            " AAAA",
            "AA-_",
            "AAAä",
            "AAAA=",
            "A===",
        )
    ),
    ("attachments.1.content", [picture(), picture(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01")]),
    ("attachments.0.content", [{"media_type": "text/plain", "content": base64(b"\xff\xfe")}]),
    ("attachments.0.url", [{"url": "https://example.org/a.png"}]),
    ("attachments.0.url", [{"url": 7}]),
    ("attachments.0.url", [{"url": "https://example.org/" + "a" * 4_096}]),
    ("attachments", [picture() for _ in range(9)]),
]


@pytest.mark.parametrize(("field", "attachments"), WRONG)
def test_one_that_is_wrong_is_named_and_nothing_has_happened(field: str, attachments: Any) -> None:
    async def scenario(house: House) -> None:
        for door in (CHAT, SMART):
            error = await refused(house, attachments, door)
            assert (error["code"], error["field"]) == ("invalid_request", field)

    with_server(tell, scenario)


def test_a_url_is_refused_with_the_option_that_would_allow_it() -> None:
    async def scenario(house: House) -> None:
        error = await refused(house, [{"url": "https://example.org/a.png"}])
        assert "--fetch-attachments" in error["error"]

    with_server(tell, scenario)


def test_a_function_that_takes_none_does_not_lose_them_silently() -> None:
    async def scenario(house: House) -> None:
        error = await refused(house, [picture()])
        assert error["field"] == "attachments"
        assert (await house.ask(attachments=[])).status == 200

    with_server(deaf, scenario)


def test_what_a_function_says_that_it_takes_is_all_that_it_is_given() -> None:
    def choosy(message, attachments):
        return "seen"

    choosy.attachment_types = ["image/*"]  # type: ignore[attr-defined]

    async def scenario(house: House) -> None:
        error = await refused(house, [{"media_type": "application/pdf", "content": base64(PDF)}])
        assert error["field"] == "attachments.0.media_type"
        assert "image/*" in error["error"]
        assert (await house.ask(attachments=[picture()])).status == 200

    with_server(choosy, scenario)


def test_the_types_that_are_taken_are_a_setting() -> None:
    async def scenario(house: House) -> None:
        assert (await refused(house, [picture()]))["field"] == "attachments.0.media_type"
        assert len(await asked(house, SMART, attachments=[{"media_type": "audio/x-wav", "content": base64(WAV)}])) == 1

    with_server(tell, scenario, attachment_types=("audio/*",))


# How much may come.


def test_a_picture_from_a_phone_is_taken_where_a_question_alone_must_be_short() -> None:
    photo = PNG + bytes(3_000_000)

    async def scenario(house: House) -> None:
        (given,) = await asked(house, CHAT, attachments=[picture(photo)])
        assert given[2] == sha256(photo).hexdigest()
        async with Socket(house) as socket:
            assert await socket.ask(attachments=[picture(photo)])
        response = await house.ask(message="x" * 1_100_000)
        assert response.status == 413
        assert "--max-body-bytes" in response.frames[0].payload["error"]
        assert (await house.ask(message="x" * 1_100_000, attachments=[picture()])).status == 413

    with_server(tell, scenario)


def test_a_body_stays_short_for_a_function_that_takes_no_attachments() -> None:
    async def scenario(house: House) -> None:
        response = await house.ask(attachments=[picture(bytes(3_000_000))])
        assert response.status == 413
        assert "1048576" in response.frames[0].payload["error"]

    with_server(deaf, scenario)


def test_each_and_all_of_them_have_a_limit_that_names_its_option() -> None:
    async def scenario(house: House) -> None:
        error = await refused(house, [picture(), picture(PNG + bytes(100))], status=413)
        assert (error["code"], error["field"]) == ("body_too_large", "attachments.1.content")
        assert "--max-attachment-bytes" in error["error"]
        error = await refused(house, [picture(), picture(), picture()], status=413)
        assert (error["code"], error["field"]) == ("body_too_large", "attachments")
        assert "--max-total-attachment-bytes" in error["error"]
        error = await refused(house, [picture()] * 4)
        assert "--max-attachments" in error["error"]
        assert len(await asked(house, SMART, attachments=[picture(), picture()])) == 2

    size = len(PNG)
    limits = {"max_attachment_bytes": size, "max_total_attachment_bytes": 2 * size, "max_attachments": 3}
    with_server(tell, scenario, **limits)


def test_a_socket_takes_long_messages_only_from_who_is_known() -> None:
    long = to_bytes({"type": "query"} | question(attachments=[picture(PNG + bytes(3_000))])).decode()

    async def scenario(house: House) -> None:
        async with Socket(house, token=None) as socket:
            await socket.send_text(long)
            assert (await socket.read_close()).close_code == 1009
        async with Socket(house, token=None) as socket:
            await socket.send(type="auth", token=ALICE)
            await socket.read()
            await socket.send_text(long)
            assert (await socket.read())["type"] == "accepted"

    with_server(tell, scenario, max_body_bytes=2_000)


def test_attachments_are_held_within_a_bound_and_until_the_function_has_ended(monkeypatch: Any) -> None:
    async def scenario(house: House) -> None:
        book = house.server.rooms.book
        monkeypatch.setattr(book, "_limits", type(book._limits)(max_attached_bytes=2 * len(PNG)))
        async with house.connect() as one, house.connect() as other:
            for connection in (one, other):
                await house.begin(connection, attachments=[picture()])
            assert book.attached_bytes == 2 * len(PNG)
            response = await house.ask(attachments=[picture()])
            assert (response.status, response.frames[0].payload["code"]) == (503, "overloaded")
            assert response.headers["retry-after"]
            opened.set()
            await one.read_body()
            await other.read_body()
        assert book.attached_bytes == 0
        turns = list(book._every())
        assert [turn.query.attachments for turn in turns] == [(), ()]

    opened = Event()

    def wait(message, attachments):
        opened.wait(PATIENCE_SECONDS)
        return "done"

    with_server(wait, scenario)


# Once, and what is kept.


def test_a_repeated_key_compares_the_attachments_too() -> None:
    async def scenario(house: House) -> None:
        body, key = question(attachments=[picture()]), {"Idempotency-Key": "k"}
        first, again = [await house.post(SMART, body, headers=key) for _ in range(2)]
        assert first.headers["x-stream-id"] == again.headers["x-stream-id"]
        for other in ([picture(PNG + b"!")], [picture(name="a.png")], [picture(), picture()], None):
            response = await house.post(SMART, question(attachments=other), headers=key)
            assert (response.status, response.frames[0].payload["field"]) == (400, "Idempotency-Key")
        assert house.turns_opened == 1

    with_server(tell, scenario)


def test_a_conversation_keeps_a_note_of_what_there_was_and_no_bytes() -> None:
    def history_of(message, attachments, history):
        return json.dumps(history)

    async def scenario(house: House) -> None:
        given = [picture(name="cat.png"), {"media_type": "application/pdf", "content": base64(PDF)}]
        await house.ask(message="What is this?", conversation_id="c", attachments=given)
        history = await asked(house, SMART, conversation_id="c")
        kept = "What is this?\n\n[attached: cat.png (image/png), application/pdf]"
        assert history[0] == {"role": "user", "content": kept}
        response = await house.get("/api/conversations/c")
        assert response.json["exchanges"][0]["message"] == kept
        assert base64(PNG)[:20].encode() not in response.body

    with_server(history_of, scenario)


async def counted(house: House, kind: str) -> float:
    metrics = (await house.get("/metrics")).body.decode()
    return float(metrics.partition(f'streamchat_attachments_total{{kind="{kind}"}} ')[2].split("\n")[0])


def test_they_are_counted_by_kind() -> None:
    async def scenario(house: House) -> None:
        await house.ask(attachments=[picture(), picture(), {"media_type": "text/csv", "content": ""}])
        assert (await counted(house, "image"), await counted(house, "text")) == (2.0, 1.0)

    with_server(tell, scenario)


def test_those_of_a_repeated_question_are_counted_once() -> None:
    async def scenario(house: House) -> None:
        for _ in range(3):
            await house.post(SMART, question(attachments=[picture()]), headers={"Idempotency-Key": "k"})
        assert await counted(house, "image") == 1.0

    with_server(tell, scenario)


def test_those_of_a_question_that_is_refused_are_not_counted() -> None:
    async def scenario(house: House) -> None:
        assert (await house.ask(username="nobody", attachments=[picture()])).status == 404
        house.server.rooms.book.drain()
        assert (await house.ask(attachments=[picture()])).status == 503
        assert await counted(house, "image") == 0.0

    with_server(tell, scenario)


# By URL.


def with_fetching(process_query: Any, scenario: Any, answers: dict[str, bytes], **settings: Any) -> None:
    """Serve a function, beside a server of files from whose loopback address this one, unlike any other, may fetch."""

    async def main(folder: str) -> None:
        async with serving_files(answers) as files:
            chosen = {
                "port": 0,
                "database_url": f"sqlite:///{folder}/test.db",
                "drain": 0.0,
                "token": (f"alice={ALICE}",),
                "fetch_attachments": (f"127.0.0.1:{files.port}",),
            }
            server = Server(
                Settings(**chosen | settings),
                partial(BoundFunction, process_query),
                may_fetch_from=lambda address: address == ip_address("127.0.0.1"),
            )
            await server.open()
            server.listen()
            try:
                async with asyncio.timeout(PATIENCE_SECONDS * 2):
                    await scenario(House(server, Path(folder)), files)
            finally:
                await server.drain()
                await server.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(folder))


@pytest.mark.parametrize("door", CHAT_DOORS)
def test_what_a_url_names_is_fetched_before_the_function_begins(door: str) -> None:
    async def scenario(house: House, files: FileServer) -> None:
        given = [{"url": files.url("/a.png"), "name": "a.png"}, picture(), {"url": files.url("/b")}]
        expected = told(("image/png", "a.png", PNG), ("image/png", "", PNG), ("application/pdf", "", PDF))
        assert await asked(house, door, attachments=given) == expected
        metrics = (await house.get("/metrics")).body.decode()
        assert 'streamchat_attachment_fetches_total{result="fetched"} 2.0' in metrics

    with_fetching(tell, scenario, {"/a.png": file(PNG), "/b": file(PDF, "application/octet-stream")})


def test_a_server_that_fetches_reaches_no_private_address() -> None:
    async def scenario(house: House) -> None:
        for url in ("http://127.0.0.1/", "http://[::1]/", "http://169.254.169.254/latest/meta-data"):
            assert (await refused(house, [{"url": url}]))["field"] == "attachments.0.url"
        response = await house.ask(lang="en", attachments=[{"url": "http://localhost/"}])
        assert (response.status, response.frames[-1].payload["code"]) == (200, "attachment_unavailable")
        assert "127.0.0.1" not in response.body.decode()

    with_server(tell, scenario, fetch_attachments=("any",))


@pytest.mark.parametrize(
    ("path", "fields", "sentence", "result"),
    [
        ("/missing", {}, "its URL does not give it", "unreachable"),
        ("/large", {}, "it is too large", "too_large"),
        ("/page", {}, "it is not of a type that is taken", "wrong_type"),
        ("/lying", {}, "it is not of a type that is taken", "wrong_type"),
        ("/picture", {"media_type": "application/pdf"}, "it is not of a type that is taken", "wrong_type"),
        ("/silent", {}, "its URL does not give it", "timeout"),
    ],
)
def test_what_can_not_be_had_ends_the_stream_with_a_clear_frame(
    path: str, fields: dict[str, str], sentence: str, result: str, caplog: Any
) -> None:
    answers = {
        "/missing": file(b"", status=404),
        "/large": file(PNG + bytes(2_000)),
        "/page": file(b"<html>", "text/html"),
        "/lying": file(PDF, "image/png"),
        "/picture": file(PNG),
    }

    async def scenario(house: House, files: FileServer) -> None:
        given = [{"url": files.url(path), **fields}]
        response = await house.ask(lang="en", attachments=given)
        assert response.status == 200
        assert statuses(response.frames) == ["initializing", "error"]
        end = response.frames[-1].payload
        assert (end["code"], end["is_complete"]) == ("attachment_unavailable", True)
        assert sentence in end["error"]
        again = await house.get(f"/api/streams/{response.headers['x-stream-id']}")
        assert again.frames[-1].payload == end
        whole = await house.ask(CHAT, lang="en", attachments=given)
        assert (whole.status, whole.json["code"]) == (422, "attachment_unavailable")
        metrics = (await house.get("/metrics")).body.decode()
        assert f'streamchat_attachment_fetches_total{{result="{result}"}} 2.0' in metrics

    # On a busy machine all others may take longer than a test wants to wait for silence.
    seconds = 0.05 if path == "/silent" else PATIENCE_SECONDS
    with_fetching(never, scenario, answers, max_attachment_bytes=1_000, fetch_timeout=seconds)
    assert "attachments.0: 127.0.0.1" in caplog.text


def never(message, attachments):
    """A function that must not be called."""
    raise AssertionError("called without what was asked for")


def test_all_that_is_fetched_together_has_the_limit_of_all() -> None:
    async def scenario(house: House, files: FileServer) -> None:
        url = {"url": files.url("/")}
        assert len(await asked(house, SMART, attachments=[url, url])) == 2
        response = await house.ask(attachments=[url, picture(), url])
        assert response.frames[-1].payload["code"] == "attachment_unavailable"

    with_fetching(tell, scenario, {"/": file(PNG)}, max_total_attachment_bytes=len(PNG) * 2)


def test_the_client_hears_at_once_and_a_stop_ends_the_fetching() -> None:
    async def scenario(house: House, files: FileServer) -> None:
        async with house.connect() as connection:
            stream = await house.begin(connection, attachments=[{"url": files.url("/silent")}])
            await files.begun.wait()
            assert not files.left.is_set()
            response = await house.request("DELETE", f"/api/streams/{stream}")
            assert (response.json["state"], response.json["worker"]) == ("cancelled", "ended")
            await files.left.wait()
            await until(lambda: house.server.rooms.book.attached_bytes == 0)

    with_fetching(never, scenario, {}, fetch_timeout=3_600.0)


def test_the_next_question_of_a_conversation_waits_for_one_that_is_being_fetched() -> None:
    async def scenario(house: House, files: FileServer) -> None:
        async with house.connect() as connection:
            stream = await house.begin(connection, conversation_id="c", attachments=[{"url": files.url("/silent")}])
            await files.begun.wait()
            response = await house.ask(conversation_id="c", on_busy="reject")
            assert (response.status, response.frames[0].payload["code"]) == (409, "conversation_busy")
            async with house.connect() as next_one:
                await house.begin(next_one, conversation_id="c", attachments=[{"url": files.url("/")}])
                assert house.server.rooms.book.in_line == 1
                await house.request("DELETE", f"/api/streams/{stream}")
                assert sha256(PNG).hexdigest().encode() in await next_one.read_body()

    with_fetching(tell, scenario, {"/": file(PNG)}, fetch_timeout=3_600.0)
