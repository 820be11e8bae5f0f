"""Ask the embedded model, and stream what it says. Needs ``embedded.start`` in this process or in its parent.

A stopped turn closes the connection at once, even before the first token, and a closed connection frees the model's
slot.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, Protocol

from streamchat.backends.embedded import KEY_VARIABLE, SLOT_TOKENS, URL_VARIABLE
from streamchat.backends.language import is_chinese
from streamchat.backends.openai_client import AnswerStream
from streamchat.backends.openai_errors import UpstreamFailed
from streamchat.backends.openai_reply import Reply
from streamchat.backends.openai_upstream import Upstream

TEMPERATURE = 0.4
REPEAT_PENALTY = 1.15
MAX_ANSWER_TOKENS = 400
# Longer ones only confuse a model of this size, and every token costs 5 ms before the first word.
MAX_SYSTEM_TOKENS = 160
MAX_HISTORY_TOKENS = 400
# What remains of a slot, less a fifth: tokens are estimated.
MAX_MESSAGE_TOKENS = (SLOT_TOKENS - MAX_ANSWER_TOKENS - MAX_SYSTEM_TOKENS - MAX_HISTORY_TOKENS) * 4 // 5

CHINESE_WARNING = (
    "（提示：内置的演示模型 SmolLM2-135M 只会英文，下面的中文回答不可用。请用英文提问，或接入您自己的模型。）\n\n"
)

_SENTENCES = {
    "reading": ("The model is reading the conversation...", "模型正在阅读对话..."),
    "shortened": (
        "The question is too long for this model: it reads the beginning only.",
        "问题过长，模型只读取开头部分。",
    ),
}


class NoEmbeddedModel(Exception):
    """No embedded model was started for this process."""


class EmbeddedModelFailed(Exception):
    """The embedded model refused the question, or its answer broke off."""


class Flag(Protocol):
    """What a ``threading.Event`` can tell."""

    def is_set(self) -> bool: ...


async def process_query(
    message: str,
    system_prompt: str,
    history: Sequence[Mapping[str, str]],
    cancelled: Flag,
    deadline: float,
    progress: Callable[[str, float | None], None],
    usage: Callable[[int, int], None],
) -> AsyncGenerator[str, None]:
    """Yield the answer token by token. ``deadline`` in seconds of time.monotonic().

    Raises NoEmbeddedModel, EmbeddedModelFailed and TimeoutError.
    """
    column = int(is_chinese(message))
    warning = CHINESE_WARNING if column else ""
    if estimated_tokens(message) > MAX_MESSAGE_TOKENS:
        progress(_SENTENCES["shortened"][column], None)
    reply = Reply(reading=partial(progress, _SENTENCES["reading"][column]))
    upstream, request = _upstream(), request_for(message, system_prompt, history)
    try:
        async with aclosing(AnswerStream(upstream, request, reply, deadline=deadline)) as tokens:
            async for token in tokens:
                if cancelled.is_set():
                    return
                yield warning + token
                warning = ""
    except UpstreamFailed as error:
        raise EmbeddedModelFailed(f"the embedded model failed: {error}") from error
    if reply.usage is not None:
        usage(reply.usage.prompt_tokens, reply.usage.completion_tokens)
    if reply.finish_reason == "length":
        yield "…"


process_query.never_blocks = True  # type: ignore[attr-defined]


def request_for(message: str, system_prompt: str, history: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """What the model is asked; the beginning of each text, and as much of the newest history as has room."""
    entries = [
        {"role": "system", "content": shortened(system_prompt, MAX_SYSTEM_TOKENS)},
        *recent(history, MAX_HISTORY_TOKENS),
        {"role": "user", "content": shortened(message, MAX_MESSAGE_TOKENS)},
    ]
    return {
        "model": "embedded",
        "messages": [entry for entry in entries if entry["content"]],
        "temperature": TEMPERATURE,
        "max_tokens": MAX_ANSWER_TOKENS,
        "repeat_penalty": REPEAT_PENALTY,
        "stream_options": {"include_usage": True},
        # With it something is written while the model reads: only so does llama.cpp notice then that nobody listens
        # any more.
        "return_progress": True,
    }


def recent(history: Sequence[Mapping[str, str]], most_tokens: float) -> list[dict[str, str]]:
    """The newest entries that fit together, in their order, from a question on; never half an entry."""
    kept: list[dict[str, str]] = []
    for entry in reversed(history):
        content = entry["content"].removeprefix(CHINESE_WARNING)
        most_tokens -= estimated_tokens(content)
        if most_tokens < 0:
            break
        kept.insert(0, {"role": entry["role"], "content": content})
    while kept and kept[0]["role"] != "user":
        kept.pop(0)
    return kept


def shortened(text: str, most_tokens: int) -> str:
    """The beginning of the text that has at most so many tokens, ending with a whole word where there are any."""
    if estimated_tokens(text) <= most_tokens:
        return text
    spent = 0.0
    for match in _PIECE.finditer(text):
        spent += _weight(match[0])
        if spent > most_tokens:
            return text[: match.start()].rstrip()
    return text


def estimated_tokens(text: str) -> float:
    """Rather too many than too few: measured on SmolLM2's own tokenizer, English has 4.5 characters a token."""
    return sum(map(_weight, _PIECE.findall(text)))


_PIECE = re.compile(r"[ \t]?[A-Za-z]+|[ \t]+|.", re.DOTALL)


def _weight(piece: str) -> float:
    """A token for three letters of a word; one for a digit, a sign, a run of blanks, a byte of other scripts."""
    if piece.isspace():
        return 1.0
    if piece.isascii():
        return max(1.0, len(piece) / 3)
    return float(len(piece.encode("utf-8", "replace")))


def _upstream() -> Upstream:
    try:
        url, key = os.environ[URL_VARIABLE], os.environ[KEY_VARIABLE]
    except KeyError as error:
        raise NoEmbeddedModel(f"no embedded model was started: {error} is not set") from error
    return Upstream(base_url=url, api_key=key, model="embedded", retries=0)
