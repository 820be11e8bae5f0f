"""What the AI SDK posts: what the function is given of it, and what is refused, in a sentence and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.handlers.house import ALICE, JSON, House, authorized, saying, to_bytes, with_server
from tests.handlers.ui_message_client import API, answer_in, assistant, parts_of, posted, user

FILE = {"type": "file", "mediaType": "text/plain", "filename": "a.txt", "url": "data:text/plain;base64,QUJD"}


def looking(*files: dict[str, Any]) -> dict[str, Any]:
    """A question about files."""
    return user("look", parts=[*files, {"type": "text", "text": "look"}])


def system(text: str) -> dict[str, Any]:
    return {"id": "s", "role": "system", "parts": [{"type": "text", "text": text}]}


def tells_all(message: str, history: list[dict[str, str]], prompt: str, conversation_id: str) -> str:
    return json.dumps([message, [[said["role"], said["content"]] for said in history], prompt, conversation_id])


def given(*bodies: dict[str, Any]) -> list[Any]:
    """What a function is given of each of these, one after the other."""
    answers: list[Any] = []

    async def scenario(house: House) -> None:
        responses = [await house.post(API, body) for body in bodies]
        answers.extend(json.loads(answer_in(parts_of(response))) for response in responses)

    with_server(tells_all, scenario)
    return answers


def test_the_last_message_is_the_question_and_the_others_are_the_history() -> None:
    body = posted(user("one", "two"), assistant("an", "swer"), user("and", "then?"))
    assert given(body) == [["and\nthen?", [["user", "one\ntwo"], ["assistant", "answer"]], "", "chat_1"]]


def test_a_message_without_text_is_no_history() -> None:
    body = posted(user("one"), assistant(), user("", parts=[FILE]), user("two"))
    assert given(body) == [["two", [["user", "one"]], "", "chat_1"]]


def test_what_the_page_sends_is_the_history_whatever_the_conversation_knows() -> None:
    first, edited = posted(user("one")), posted(user("another"))
    assert given(first, edited)[1] == ["another", [], "", "chat_1"]


def test_one_message_alone_is_asked_in_the_stored_conversation() -> None:
    first, second = (posted(messages=None, message=user(text)) for text in ("one", "two"))
    (one, two) = given(first, second)
    assert one == ["one", [], "", "chat_1"]
    assert two == ["two", [["user", "one"], ["assistant", json.dumps(one)]], "", "chat_1"]


def test_messages_of_the_system_are_an_instruction() -> None:
    body = posted(system("Be brief."), user("one"), system("Be kind."), user("two"), prompt="Be quick.")
    assert given(body) == [["two", [["user", "one"]], "Be brief.\n\nBe kind.\n\nBe quick.", "chat_1"]]


def test_a_chat_without_an_id_is_a_new_conversation() -> None:
    (one,) = given(posted(id=None))
    assert one[3].startswith("chat_")
    assert one[3] != "chat_1"


def test_null_in_a_part_is_the_same_as_nothing() -> None:
    parts = [{"type": "step-start", "text": None, "url": None}, {"type": "text", "text": "one", "filename": None}]
    blank = {"type": "text", "text": None}
    assert given(posted(user("", parts=parts), assistant("an"), user("", parts=[blank, *parts])))[0][:2] == [
        "\none",
        [["user", "one"], ["assistant", "an"]],
    ]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no profile": (posted(username=None), "username"),
    "nothing said": (posted(messages=[]), "messages"),
    "no messages at all": (posted(messages=None), "messages"),
    "the last word is not the user's": (posted(user("hi"), assistant("ho")), "messages"),
    "only an instruction": (posted(system("Be brief.")), "messages"),
    "no text": (posted(user()), "messages"),
    "blank": (posted(user(" \n")), "messages"),
    "a message that is none": (posted(messages=["hello"]), "messages.0"),
    "a message of version 4": (posted(messages=[{"role": "user", "content": "hi"}]), "messages.0.parts"),
    "a role that nobody has": (posted(user("hi", role="tool")), "messages.0.role"),
    "a text that is none": (posted(user("hi", parts=[{"type": "text", "text": 7}])), "messages.0.parts.0.text"),
    "one message that is not the user's": (posted(messages=None, message=assistant("ho")), "message"),
    "asked again without the chat": (
        posted(messages=None, message=user("hi"), trigger="regenerate-message"),
        "message",
    ),
    "an event that is none": (posted(trigger="resume-stream"), "trigger"),
    "an id with a line end": (posted(id="a\nb"), "id"),
    "a pace that is none": (posted(pace="fast"), "pace"),
    "a strategy that is none": (posted(chunking={"strategy": "no such one"}), "chunking.strategy"),
    "a file for a function that takes none": (posted(looking(FILE)), "attachments"),
    "more files than anybody takes": (posted(looking(*[FILE] * 1_001)), "attachments"),
    "a file that is no base64": (posted(looking(FILE | {"url": "data:text/plain,hello"})), "messages"),
}


@pytest.mark.parametrize(("body", "field"), REFUSED.values(), ids=REFUSED)
def test_a_bad_question_is_a_400_that_names_the_field(body: dict[str, Any], field: str) -> None:
    async def scenario(house: House) -> None:
        response = await house.post(API, body | {"lang": "en"})
        assert (response.status, house.turns_opened) == (400, 0)
        assert response.headers["content-type"] == "text/plain; charset=utf-8"
        assert response.body.decode().startswith(f"Invalid request: {field} ")

    with_server(saying("hi"), scenario)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b'{"id": "\xff"}', b"[" * 100_000])
def test_what_is_no_json_object_is_refused_in_a_sentence(body: bytes) -> None:
    async def scenario(house: House) -> None:
        response = await house.request("POST", API, headers=JSON, body=body)
        assert (response.status, response.headers["content-type"]) == (400, "text/plain; charset=utf-8")

    with_server(saying("hi"), scenario)


def test_every_refusal_is_a_sentence() -> None:
    async def scenario(house: House) -> None:
        wrong = await house.post(API, posted(), token="wrong")
        assert (wrong.status, wrong.headers["www-authenticate"]) == (401, "Bearer")
        unknown = await house.post(API, posted(username="Nobody"))
        assert (unknown.status, unknown.body) == (404, b"User profile not found")
        other = await house.get(API)
        large = await house.post(API, posted(user("x" * 20_000)))
        form = await house.request("POST", API, headers={"Content-Type": "text/html"}, body=to_bytes(posted()))
        assert [response.status for response in (other, large, form)] == [405, 413, 415]
        for response in (wrong, unknown, other, large, form):
            assert response.headers["content-type"] == "text/plain; charset=utf-8"
            assert response.body
            assert not response.body.startswith(b"{")

    with_server(saying("hi"), scenario, max_body_bytes=10_000)


def test_the_parts_that_a_function_needs_no_word_of_are_not_looked_at() -> None:
    tool = {"type": "dynamic-tool", "toolName": "t", "state": "output-available", "output": {"deep": [[[]]]}}
    body = posted(user("one"), assistant("two"), user("three", parts=[tool, {"type": "text", "text": "three"}]))

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            await connection.send("POST", API, headers=authorized(ALICE) | JSON, body=to_bytes(body))
            assert answer_in(parts_of(await connection.read_response())) == "three"

    with_server(lambda message: message, scenario)


def counts(message: str, attachments: Any) -> str:
    return json.dumps([[one.name, one.media_type, len(one.content)] for one in attachments])


def test_the_files_of_the_question_are_its_attachments() -> None:
    named = {"attachments": [{"media_type": "text/csv", "name": "b.csv", "content": "QSxC"}]}

    async def scenario(house: House) -> None:
        body = posted(looking(FILE), assistant("seen"), looking(FILE, FILE | {"filename": "c.txt"}), **named)
        told = json.loads(answer_in(parts_of(await house.post(API, body))))
        assert told == [["b.csv", "text/csv", 3], ["a.txt", "text/plain", 3], ["c.txt", "text/plain", 3]]
        await house.post(API, posted(looking(FILE), id="chat_2"))
        (exchange,) = (await house.get("/api/conversations/chat_2")).json["exchanges"]
        assert exchange["message"] == "look\n\n[attached: a.txt (text/plain)]"

    with_server(counts, scenario)


def test_what_is_in_files_comes_on_top_of_what_a_body_may_be_long() -> None:
    large = FILE | {"url": "data:text/plain;base64," + "QUJD" * 2_000}

    async def scenario(house: House) -> None:
        fits = posted(looking(large), assistant("seen"), looking(large))
        assert json.loads(answer_in(parts_of(await house.post(API, fits)))) == [["a.txt", "text/plain", 6_000]]
        wordy = await house.post(API, posted(user("x" * 11_000), assistant("seen"), looking(large)))
        assert (wordy.status, house.turns_opened) == (413, 1)

    with_server(counts, scenario, max_body_bytes=10_000)
