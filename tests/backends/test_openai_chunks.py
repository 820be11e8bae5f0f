"""Whatever comes, it is read as JSON reads it; only quicker, where the text alone differs."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as some
from pydantic_core import from_json

from streamchat.backends.openai_chunks import ChunkReader


def chunk(delta: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "c1", "created": 1, "choices": [{"index": 0, "delta": delta, "finish_reason": None}], **more}


def read_as_json(event: bytes) -> object:
    """The chunk, or None for what is none."""
    try:
        return from_json(event)
    except ValueError:
        return None


def read_by(reader: ChunkReader, event: bytes) -> object:
    try:
        return deepcopy(reader.read(event))
    except ValueError:
        return None


texts = some.text(max_size=5) | some.sampled_from(
    ["a", "b", '"', "\\", "\n", "\t", "\u2028", "\x7f", '","x":"', " you"]
)
chunks = some.one_of(
    texts.map(lambda text: chunk({"content": text})),
    texts.map(lambda text: chunk({"content": text}, content=text)),
    texts.map(lambda text: {"content": text, **chunk({"content": text})}),
    texts.map(lambda text: chunk({"role": "assistant", "content": text, "reasoning": None})),
    texts.map(lambda text: chunk({"content": None, "reasoning": text})),
    texts.map(lambda text: chunk({"content": "same"}, obfuscation=text)),
    texts.map(lambda text: chunk({"content": text}) | {"id": text}),
    some.sampled_from(
        [chunk({}), {"choices": []}, {"choices": {"delta": 1}}, [], 5, None, {"error": {"message": "m"}}]
    ),
)
spelled = some.tuples(chunks, some.booleans(), some.booleans()).map(
    lambda drawn: json.dumps(drawn[0], ensure_ascii=drawn[1], separators=(",", ":") if drawn[2] else None).encode(
        errors="replace"
    )
)
# The text as it stands, whether JSON has it so or not.
raw = (some.binary(max_size=6) | texts.map(lambda text: text.encode(errors="surrogatepass"))).map(
    lambda said: b'{"choices":[{"delta":{"content":"%b"}}]}' % said
)


@given(some.lists(spelled | raw, max_size=8))
@example(
    [b'{"choices":[{"delta":{"content":"%b"}}]}' % said for said in (b"a", b"b", b"\x01", b"\xff", b"c\\u0041", b'"')]
)
@example([b'{"choices":[{"delta":{"content":"a","content":"%b"}}]}' % said for said in (b"a", b"a", b"a", b"b", b"c")])
@example([b'{"content":"%b","choices":[{"delta":{"content":"a"}}]}' % said for said in (b"a", b"a", b"a", b"b", b"c")])
@example([b'{"choices":[{"delta":{"content":"a"}}],"content":"%b"}' % said for said in (b"a", b"a", b"b", b"c", b"a")])
def test_every_event_is_what_json_says_it_is(events: list[bytes]) -> None:
    reader = ChunkReader()
    assert [read_by(reader, event) for event in events] == [read_as_json(event) for event in events]


@pytest.mark.parametrize("separators", [None, (",", ":")])
def test_from_the_third_on_only_the_text_is_read(separators: tuple[str, str] | None) -> None:
    reader = ChunkReader()
    events = [json.dumps(chunk({"content": text}), separators=separators).encode() for text in ("a", "b", "c", "d")]
    _, _, third, fourth = map(reader.read, events)
    assert third is fourth
    assert fourth == chunk({"content": "d"})


def test_a_template_that_fits_no_more_is_learned_anew() -> None:
    reader = ChunkReader()

    def read(created: int, text: str) -> object:
        return reader.read(json.dumps(chunk({"content": text}) | {"created": created}).encode())

    before = [read(1, text) for text in "abcd"]
    after = [read(2, text) for text in "abcd"]
    assert before[2] is before[3]
    assert after[2] is after[3]
    assert after[3] is not before[3]


def test_what_was_given_is_not_changed_by_learning() -> None:
    reader = ChunkReader()
    first, second = (reader.read(json.dumps(chunk({"content": text})).encode()) for text in ("one", "two"))
    assert (first, second) == (chunk({"content": "one"}), chunk({"content": "two"}))
