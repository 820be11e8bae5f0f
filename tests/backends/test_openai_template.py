"""However often an event comes in nearly the same words, it says what it says when it is read by itself."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as some
from pydantic_core import from_json

from streamchat.backends import openai_reply
from streamchat.backends.openai_reply import ErrorChunk, Reply
from streamchat.backends.openai_template import TextTemplate


def chunk(delta: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "c1", "created": 1, "choices": [{"index": 0, "delta": delta, "finish_reason": None}], **more}


def two_choices(text: str) -> dict[str, Any]:
    return {"choices": [{"delta": {"content": text}}, {"delta": {"content": "x"}}]}


class Told:
    """What a reply has said of each event, and what it has told besides."""

    def __init__(self) -> None:
        self.readings: list[float] = []
        self.reply = Reply(reading=self.readings.append, keeps_reasoning=True)
        self.texts: list[str | None] = []

    def read(self, event: bytes) -> None:
        self._note(lambda: self.reply.read(event))

    def take(self, event: bytes) -> None:
        self._note(lambda: self.reply.take(from_json(event)))

    def _note(self, act: Any) -> None:
        try:
            self.texts.append(act())
        except (ValueError, ErrorChunk):
            self.texts.append(None)

    @property
    def all(self) -> tuple[object, ...]:
        reply = self.reply
        said = (reply.text_parts, reply.reasoning_parts, reply.reasoning_field, reply.tool_requests)
        return self.texts, self.readings, *said, reply.finish_reason, reply.usage


ODD_TEXTS = ["a", "b", '"', "\\", "\n", "\t", "\u2028", "\x7f", '","x":"', " you", ""]
ODD_CHUNKS = [
    chunk({}),
    {"choices": []},
    {"choices": {"delta": 1}},
    [],
    5,
    None,
    "text",
    {"error": {"message": "m"}},
    chunk({}, usage={"prompt_tokens": 1, "completion_tokens": 2}),
]
SAID = (b"a", b"b", b"", b"\x01", b"\xff", b"c\\u0041", b'"')
DECOYS = (b"a", b"a", b"a", b"b", b"c", b"")

texts = some.text(max_size=5) | some.sampled_from(ODD_TEXTS)
chunks = some.one_of(
    texts.map(lambda text: chunk({"content": text})),
    texts.map(lambda text: chunk({"content": text}, content=text)),
    texts.map(lambda text: {"content": text, **chunk({"content": text})}),
    texts.map(lambda text: chunk({"role": "assistant", "content": text, "reasoning": None})),
    texts.map(lambda text: chunk({"content": text, "reasoning": "hm"})),
    texts.map(lambda text: chunk({"content": text, "refusal": "No."})),
    texts.map(lambda text: chunk({"content": text, "tool_calls": [{"index": 0, "function": {"name": "f"}}]})),
    texts.map(lambda text: chunk({"content": text}, usage={"prompt_tokens": 1, "completion_tokens": 2})),
    texts.map(lambda text: chunk({"content": text}, prompt_progress={"total": 4, "processed": 1})),
    texts.map(lambda text: chunk({"content": text}, error=text)),
    texts.map(lambda text: chunk({"content": None, "reasoning": text})),
    texts.map(lambda text: chunk({"content": "same"}, obfuscation=text)),
    texts.map(lambda text: chunk({"content": text}) | {"id": text}),
    texts.map(two_choices),
    some.sampled_from(ODD_CHUNKS),
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


@given(some.lists(spelled | raw, max_size=8) | chunks.map(lambda one: [json.dumps(one).encode(errors="replace")] * 4))
@example([b'{"choices":[{"delta":{"content":"%b"}}]}' % said for said in SAID])
@example([b'{"choices":[{"delta":{"content":"a","content":"%b"}}]}' % said for said in DECOYS])
@example([b'{"content":"%b","choices":[{"delta":{"content":"a"}}]}' % said for said in DECOYS])
@example([b'{"choices":[{"delta":{"content":"a"}}],"content":"%b"}' % said for said in DECOYS])
@example([b'{"choices":[{"delta":{"content":"%b","refusal":"No."}}]}' % said for said in DECOYS])
@example(
    [b'{"choices":[{"delta":{"content":"%b"}}],"prompt_progress":{"total":4,"processed":1}}' % said for said in DECOYS]
)
def test_every_event_says_what_it_says_by_itself(events: list[bytes]) -> None:
    quick, slow = Told(), Told()
    for event in events:
        quick.read(event)
        slow.take(event)
    assert quick.all == slow.all


class Asked:
    """Says of every event whether it says its text alone, and counts how often it is asked."""

    def __init__(self, *, says_only: bool = True) -> None:
        self.count = 0
        self._says_only = says_only

    def __call__(self, event: bytes, text: str) -> bool:
        self.count += 1
        return self._says_only


@pytest.mark.parametrize("separators", [None, (",", ":")])
def test_from_the_third_on_only_the_text_is_read(separators: tuple[str, str] | None) -> None:
    template = TextTemplate(Asked())
    events = [json.dumps(chunk({"content": text}), separators=separators).encode() for text in ("a", "b", "c")]
    for event, text in zip(events[:2], "ab", strict=True):
        assert template.text_of(event) is None
        template.learn(event, text)
    assert template.text_of(events[2]) == "c"


def test_what_fits_no_more_is_learned_anew() -> None:
    asked = Asked()
    template = TextTemplate(asked)
    for created in (1, 2):
        for text in "abc":
            event = json.dumps(chunk({"content": text}) | {"created": created}).encode()
            if template.text_of(event) is None:
                template.learn(event, text)
        assert template.text_of(event) == "c"
    assert asked.count == 4


@pytest.mark.parametrize(("says_only", "trials"), [(True, 2), (False, 1)])
def test_what_comes_again_and_again_is_tried_once(says_only: bool, trials: int) -> None:
    asked = Asked(says_only=says_only)
    template = TextTemplate(asked)
    for _ in range(10):
        template.learn(json.dumps(chunk({"content": "a"})).encode(), "a")
    assert asked.count == trials


def no_json(event: bytes) -> object:
    """A parser that nobody is to need."""
    raise AssertionError(f"{event!r} was parsed")


def test_a_reply_parses_nothing_once_it_knows_all_but_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    reply = Reply()
    for text in ("a", "b"):
        assert reply.read(json.dumps(chunk({"content": text})).encode()) == text
    monkeypatch.setattr(openai_reply, "from_json", no_json)
    assert reply.read(json.dumps(chunk({"content": "c"})).encode()) == "c"
    assert reply.text == "abc"
