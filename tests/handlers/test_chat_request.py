"""Every kind of bad input: a 4xx that names the field, and nothing has happened."""

import json
from typing import Any

import pytest

from tests.handlers.house import (
    BASIC,
    CHAT_DOORS,
    JSON,
    STREAMING_DOORS,
    Gate,
    House,
    error_in,
    question,
    to_bytes,
    with_server,
)

TOO_DEEP = b"[" * 100_000 + b"]" * 100_000

WRONG_FIELDS: list[tuple[str, Any]] = [
    *(("username", value) for value in (None, "", "  \n ", 7, True, ["x"], {"a": 1})),
    *(("message", value) for value in (None, "", " \t\r\n\u3000", 7, 1.5, False, ["x"], {"a": 1})),
    *(("prompt", value) for value in (7, ["x"], {}, True)),
    *(("prompt_mode", value) for value in ("", "APPEND", "prepend", 1, ["append"])),
    *(("conversation_id", value) for value in ("", 7, ["x"], "a\x00b", "a\nb", "a\x1bb", "a\x7fb", "x" * 129)),
    *(("lang", value) for value in ("", "de", "EN", 1, ["en"])),
    *(("pace", value) for value in ("", "fast", 0, True)),
    *(("chunking", value) for value in ("words", 7, ["words"], True)),
    *(("timeout", value) for value in (0, -1, "60", True, [1])),
    *(("on_disconnect", value) for value in ("", "keep", 1, True)),
    *(("cache", value) for value in ("true", 1, 0, "", [])),
]
WRONG_CHUNKINGS: list[tuple[str, Any]] = [
    ("chunking.strategy", {"strategy": "no such one"}),
    ("chunking.strategy", {"strategy": ""}),
    ("chunking.strategy", {"strategy": 7}),
    ("chunking.strategy", {}),
    ("chunking.strategy", {"strategy": None}),
    *(("chunking.size", {"strategy": "words", "size": size}) for size in (0, -5, 1.5, "30", True, 10**9, 10**30, [30])),
]
NO_JSON: dict[str, bytes] = {
    "nothing at all": b"",
    "no JSON": b"hello",
    "cut off": b'{"username": "VitalikButerin", "message": "h',
    "two bodies": b"{}{}",
    "a list": b"[]",
    "a string": b'"hello"',
    "null": b"null",
    "single quotes": b"{'username': 'VitalikButerin'}",
    "a trailing comma": b'{"username": "VitalikButerin", "message": "hi",}',
    "invalid UTF-8": b'{"username": "VitalikButerin", "message": "\xff\xfe"}',
    "a cut UTF-8 sequence": b'{"username": "VitalikButerin", "message": "\xe4\xbd"}',
    "an encoded surrogate": b'{"username": "VitalikButerin", "message": "\xed\xa0\xbd"}',
    "UTF-16": json.dumps(question()).encode("utf-16"),
    "UTF-16 without a mark": json.dumps(question()).encode("utf-16-le"),
    "UTF-32": json.dumps(question()).encode("utf-32"),
    "a byte order mark": b"\xef\xbb\xbf" + to_bytes(question()),
    "a lone surrogate": b'{"username": "VitalikButerin", "message": "\\ud83d"}',
    "a low surrogate first": b'{"username": "VitalikButerin", "message": "\\ude00\\ud83d"}',
    "100,000 levels": TOO_DEEP,
    "100,000 levels in a field": b'{"username": "VitalikButerin", "message": ' + TOO_DEEP + b"}",
    "100,000 levels in an unknown field": b'{"username": "VitalikButerin", "message": "hi", "x": ' + TOO_DEEP + b"}",
    "a raw control character": b'{"username": "VitalikButerin", "message": "a\nb"}',
    "a raw NUL": b'{"username": "VitalikButerin", "message": "a\x00b"}',
    "a form": b"username=VitalikButerin&message=hi",
}
NO_NUMBERS = ("NaN", "Infinity", "-Infinity", "1e999", "9" * 5_000, "01", "0x10", "1_000", ".5")


async def refused(house: House, door: str, body: bytes) -> dict[str, Any]:
    """The error that this body gets, after a look that it is a 400 in the shape of the door."""
    response = await house.request("POST", door, headers=JSON, body=body)
    assert response.status == 400, (door, body[:200], response.body[:500])
    error = error_in(response, is_streaming=door in STREAMING_DOORS)
    assert error["code"] == "invalid_request"
    assert error["field"] in error["error"]
    return error


@pytest.mark.parametrize("door", CHAT_DOORS)
def test_a_field_that_is_wrong_is_named_and_nothing_has_happened(door: str) -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        for name, value in WRONG_FIELDS:
            body = question() | {name: value}
            assert (await refused(house, door, to_bytes(body)))["field"] == name, (name, value)
        for name, value in WRONG_CHUNKINGS:
            error = await refused(house, door, to_bytes(question(chunking=value)))
            assert error["field"] == name, value
        assert (house.turns_opened, gate.calls) == (0, 0)

    with_server(gate, scenario)


@pytest.mark.parametrize("door", CHAT_DOORS)
def test_a_required_field_that_is_missing_is_named(door: str) -> None:
    async def scenario(house: House) -> None:
        for name in ("username", "message"):
            assert (await refused(house, door, to_bytes(question(**{name: None}))))["field"] == name
        assert house.turns_opened == 0

    with_server(Gate(), scenario)


@pytest.mark.parametrize("door", CHAT_DOORS)
def test_a_body_that_is_no_json_object_in_utf8_is_named_as_such(door: str) -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        for what, body in NO_JSON.items():
            assert (await refused(house, door, body))["field"] == "body", what
        assert (house.turns_opened, gate.calls) == (0, 0)

    with_server(gate, scenario)


@pytest.mark.parametrize("number", NO_NUMBERS)
def test_a_number_that_is_none_is_refused(number: str) -> None:
    async def scenario(house: House) -> None:
        for door in CHAT_DOORS:
            error = await refused(house, door, to_bytes(question())[:-1] + f', "timeout": {number}}}'.encode())
            assert error["field"] in ("timeout", "body")
            size = to_bytes(question())[:-1] + f', "chunking": {{"strategy": "words", "size": {number}}}}}'.encode()
            assert (await refused(house, door, size))["field"] in ("chunking.size", "body")
        assert house.turns_opened == 0

    with_server(Gate(), scenario)


def test_unknown_fields_and_nulls_are_ignored() -> None:
    gate = Gate("fine")
    gate.opened.set()
    optional = ("prompt", "prompt_mode", "conversation_id", "lang", "chunking", "timeout", "on_disconnect", "cache")

    async def scenario(house: House) -> None:
        body = question() | dict.fromkeys(optional) | {"temperature": 1, "nested": {"x": [1]}, "": None}
        for door in CHAT_DOORS:
            response = await house.request("POST", door, headers=JSON, body=to_bytes(body))
            assert response.status == 200
            assert b"fine" in response.body

    with_server(gate, scenario)


def test_escapes_of_whole_characters_and_nul_are_text_like_any_other() -> None:
    seen: list[str] = []

    def listen(message: str) -> str:
        seen.append(message)
        return "heard"

    async def scenario(house: House) -> None:
        body = b'{"username": "VitalikButerin", "message": "\\ud83d\\ude00 \\u0000 \\u4f60", "conversation_id": "c"}'
        for _ in range(2):
            assert (await house.request("POST", "/api/chat", headers=JSON, body=body)).status == 200
        assert seen == ["😀 \x00 你"] * 2

    with_server(listen, scenario)


def test_a_username_that_nobody_can_have_is_not_found() -> None:
    async def scenario(house: House) -> None:
        for username in ("a\x00b", "x" * 10_000, "VitalikButerin ", "vitalikbuterin'; --"):
            response = await house.ask(BASIC, username=username)
            assert (response.status, response.frames[0].payload["code"]) == (404, "profile_not_found")
        assert house.turns_opened == 0

    with_server(Gate(), scenario)


def test_good_values_of_every_field_are_taken() -> None:
    gate = Gate()
    gate.opened.set()
    good: list[dict[str, Any]] = [
        {"prompt": ""},
        {"prompt": "Be brief.", "prompt_mode": "append"},
        {"prompt": "Be brief.", "prompt_mode": "replace"},
        {"conversation_id": "聊天 1"},
        {"conversation_id": "x" * 128},
        {"lang": "zh"},
        {"lang": "en"},
        {"chunking": {"strategy": "sentences", "size": 200}},
        {"chunking": {"strategy": "characters"}},
        {"timeout": 60},
        {"timeout": 0.5},
        {"timeout": 1e300},
        {"on_disconnect": "cancel"},
        {"on_disconnect": "continue"},
        {"on_disconnect": "grace"},
        {"cache": True},
        {"cache": False},
    ]

    async def scenario(house: House) -> None:
        for fields in good:
            assert (await house.ask(**fields)).status == 200, fields

    with_server(gate, scenario)
