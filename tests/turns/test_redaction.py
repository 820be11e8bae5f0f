"""What a log may have of an exception. The tracebacks here are written by hand; a real one is in test_run_query."""

import json
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from streamchat.turns.attachment import Attachment
from streamchat.turns.query import Query
from streamchat.turns.redaction import redacted

ENGLISH = "please transfer\neverything to Zanzibar"
CHINESE = "我的密码是熊猫二号"


def told(detail: str, *, heard: tuple[str, ...] = (), **fields: Any) -> str:
    """What stays of a detail for a query with these fields."""
    return redacted(detail, Query(**{"message": "", "username": "ada", **fields}), heard)


@pytest.mark.parametrize("field", ["message", "prompt", "system_prompt"])
def test_what_was_asked_is_left_out(field: str) -> None:
    assert told("ValueError: can't take my secret here", **{field: "my secret"}) == "ValueError: can't take [...] here"


def test_what_was_said_before_is_left_out() -> None:
    history = [{"role": "user", "content": "my secret"}, {"role": "system"}]
    assert told("ValueError: my secret", history=history) == "ValueError: [...]"


def test_what_the_user_has_said_meanwhile_is_left_out() -> None:
    assert told("ValueError: my secret, again", heard=("nothing", "my secret")) == "ValueError: [...], again"


@pytest.mark.parametrize(
    "written",
    [
        repr,
        json.dumps,
        quote,
        quote_plus,
        lambda text: quote(text, safe=""),
        lambda text: repr(text.encode()),
        lambda text: repr(repr(text)),
        lambda text: json.dumps(json.dumps(text)),
    ],
    ids=["repr", "JSON", "path", "query", "component", "bytes", "repr of repr", "JSON in JSON"],
)
@pytest.mark.parametrize(("secret", "part"), [(ENGLISH, ENGLISH[7:-3]), (CHINESE, "密码是熊猫")])
def test_neither_the_whole_nor_a_part_stays_however_it_is_written(secret: str, part: str, written: Any) -> None:
    for quoted in (secret, part):
        detail = told(f"KeyError: <{written(quoted)}>", message=secret)
        assert "[...]" in detail
        for rest in ("Zanz", "transf", "everything", "熊猫", "732b", "732B", "%E7", "xe7"):
            assert rest not in detail, detail


@pytest.mark.parametrize(
    "written",
    [str, repr, json.dumps, quote, quote_plus, lambda text: quote(text, safe=""), lambda text: repr(text.encode())],
    ids=["str", "repr", "JSON", "path", "query", "component", "bytes"],
)
def test_the_whole_of_what_has_no_long_words_is_left_out_too(written: Any) -> None:
    secret = 'a\nb "1/2" é'
    detail = told(f"KeyError: {written(secret)}", message=secret)
    assert detail in ("KeyError: [...]", "KeyError: '[...]'", 'KeyError: "[...]"', "KeyError: b'[...]'")


@pytest.mark.parametrize("quoted", ["no such verb: transf", "NO SUCH PLACE: ZANZIBAR", "未知：熊猫"])
def test_a_part_of_a_word_is_known_again_in_any_case(quoted: str) -> None:
    detail = told(quoted, message=ENGLISH + CHINESE)
    assert detail.endswith("[...]")
    assert not {"transf", "ZANZIBAR", "熊猫"} & set(detail.replace("：", " ").split())


def test_what_an_error_says_of_its_own_stays() -> None:
    detail = 'ConnectionError: the index "prices" at port 9200 does not answer (状态)'
    assert told(detail, message="what is a rollup?", prompt="请简短") == detail


def test_short_words_stay_for_they_tell_nothing() -> None:
    assert told("ValueError: not a map", message="is it a map") == "ValueError: not a map"


def test_an_escaped_text_that_could_be_anybodys_is_left_out() -> None:
    json_text, address, data = json.dumps("熊猫")[1:-1], quote("熊猫"), repr("熊猫".encode())[2:-1]
    assert told(f"KeyError: {json_text} {address} {data}") == "KeyError: [...] [...] [...]"


def test_source_code_is_the_developers_and_stays() -> None:
    detail = """Traceback (most recent call last):
  File "/srv/transfer.py", line 3, in transfer
    return transfer(to="Zanzibar")
           ^^^^^^^^^^^^^^^^^^^^^^^
  File "/srv/transfer.py", line 9, in inner
    raise KeyError(place)
KeyError: 'Zanzibar'"""
    assert told(detail, message="transfer to Zanzibar") == detail.replace("KeyError: 'Zanzibar'", "KeyError: '[...]'")


def test_only_the_two_lines_under_a_file_are_source_code() -> None:
    detail = """  File "/srv/a.py", line 3, in answer
    raise Refused(
    ^^^^^^^^^^^^^^
    everything
ValueError: first
    everything"""
    assert told(detail, message="not everything") == detail.replace("everything", "[...]")


@pytest.mark.parametrize("quoted", ["Zanzibar", "no such column: ZANZI", "salaries-2026.csv", repr("to Zanz\n")])
def test_what_a_file_says_and_is_called_is_left_out(quoted: str) -> None:
    table = Attachment(media_type="text/csv", name="salaries-2026.csv", content=b"payments,to Zanzibar\n\xff")
    detail = told(f"KeyError: {quoted}", attachments=(table,)).casefold()
    assert "[...]" in detail
    assert "zanz" not in detail
    assert "salaries" not in detail


def test_a_file_that_is_no_text_is_not_looked_through() -> None:
    picture = Attachment(media_type="image/png", content=b"overflow")
    assert told("ValueError: overflow", attachments=(picture,)) == "ValueError: overflow"
