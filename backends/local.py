"""Ask the embedded model, and stream what it says. Needs ``embedded.start`` in this process or in its parent.

The function is an async generator, because an await can be cancelled at any moment: a stopped turn closes the
connection at once, even before the first token, and a closed connection frees the model's slot.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, Protocol

from openai import APIConnectionError, APIError, AsyncOpenAI, AsyncStream, DefaultAsyncHttpxClient
from openai.types.chat import ChatCompletionChunk

from streamchat.backends.embedded import KEY_VARIABLE, SLOT_TOKENS, URL_VARIABLE
from streamchat.backends.language import is_chinese

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
) -> AsyncGenerator[str, None]:
    """Yield the answer token by token. ``deadline`` in seconds of time.monotonic().

    Raises NoEmbeddedModel, EmbeddedModelFailed and TimeoutError.
    """
    column = int(is_chinese(message))
    warning = CHINESE_WARNING if column else ""
    if estimated_tokens(message) > MAX_MESSAGE_TOKENS:
        progress(_SENTENCES["shortened"][column], None)
    reading = partial(progress, _SENTENCES["reading"][column])
    request = request_for(message, system_prompt, history)
    async with _client(deadline) as client:
        try:
            chunks = await client.chat.completions.create(**request)
            async with chunks, aclosing(_tokens(chunks, deadline, reading)) as tokens:
                async for token in tokens:
                    if cancelled.is_set():
                        return
                    yield warning + token
                    warning = ""
        except APIConnectionError as error:
            raise EmbeddedModelFailed(f"the embedded model can't be reached: {error}") from error
        except APIError as error:
            raise EmbeddedModelFailed(f"the embedded model failed: {error}") from error


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
        "stream": True,
        "temperature": TEMPERATURE,
        "max_tokens": MAX_ANSWER_TOKENS,
        # With return_progress something is written while the model reads: only so does llama.cpp notice then
        # that nobody listens any more.
        "extra_body": {"repeat_penalty": REPEAT_PENALTY, "return_progress": True},
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


def _client(deadline: float) -> AsyncOpenAI:
    """A client of the embedded server; building one takes a millisecond when no certificates are loaded."""
    try:
        url, key = os.environ[URL_VARIABLE], os.environ[KEY_VARIABLE]
    except KeyError as error:
        raise NoEmbeddedModel(f"no embedded model was started: {error} is not set") from error
    remaining_seconds = max(0.1, deadline - time.monotonic())
    # A proxy that the environment names must not get to see what goes over loopback.
    transport = DefaultAsyncHttpxClient(verify=False, trust_env=False)
    return AsyncOpenAI(base_url=url, api_key=key, timeout=remaining_seconds, max_retries=0, http_client=transport)


async def _tokens(
    chunks: AsyncStream[ChatCompletionChunk], deadline: float, read: Callable[[float], None]
) -> AsyncGenerator[str, None]:
    """The text in the chunks. A stream that is cut looks like one that ends: only a finish_reason tells them apart."""
    finish_reason = None
    async for chunk in chunks:
        if time.monotonic() > deadline:
            raise TimeoutError("the embedded model had not finished by the deadline")
        _report_reading(chunk, read)
        for choice in chunk.choices:
            finish_reason = choice.finish_reason or finish_reason
            if choice.delta.content:
                yield choice.delta.content
    if finish_reason is None:
        raise EmbeddedModelFailed("the embedded model's answer broke off")
    if finish_reason == "length":
        yield "…"


def _report_reading(chunk: ChatCompletionChunk, read: Callable[[float], None]) -> None:
    """llama.cpp's own field: how many tokens of the conversation it has read."""
    extra: dict[str, Any] = (chunk.model_extra or {}).get("prompt_progress") or {}
    if extra.get("total"):
        read(100 * extra["processed"] / extra["total"])
