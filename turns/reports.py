"""The functions that a ``process_query`` is given to tell what it is doing, and what it may tell with them."""

from __future__ import annotations

import binascii
from base64 import b64encode
from operator import index
from typing import Any
from uuid import uuid4

from streamchat.turns.emitter import Emitter
from streamchat.turns.events import Media, Progress, ToolCall, ToolResult, Usage
from streamchat.turns.whole_text import plain, whole_text

MAX_PROGRESS_CHARACTERS = 500
# Of media: their frames have a bound, and what is longer than one goes into several as content.
MAX_TYPE_CHARACTERS = 255
MAX_URL_CHARACTERS = 65_536
MAX_ALT_CHARACTERS = 2_000
# The largest whole number that every client's JSON can hold (RFC 8259, section 6).
MAX_TOKENS = 2**53 - 1


class Reports:
    """Each is given to the function as it is. ``media`` and the tools take only what JSON has."""

    def __init__(self, emitter: Emitter) -> None:
        self._emitter = emitter

    def progress(self, message: str, percent: float | None = None) -> None:
        """Say what is going on, and how far it is (0 to 100) if that is known."""
        text = whole_text(message)[:MAX_PROGRESS_CHARACTERS]
        self._emitter.notify(Progress(message=text, percent=_percent(percent)))

    def tool_call(self, name: str, arguments: Any = None, call_id: str | None = None) -> str:  # noqa: ANN401
        """Report that a tool is being used; returns the id to report its result under."""
        call_id = whole_text(call_id or f"call_{uuid4().hex[:12]}")
        self._emitter.emit(ToolCall(call_id=call_id, name=whole_text(name), arguments=plain(arguments)))
        return call_id

    def tool_result(self, call_id: str, name: str, result: Any, is_error: bool = False) -> None:  # noqa: ANN401
        """Report what a tool has answered."""
        self._emitter.emit(
            ToolResult(call_id=whole_text(call_id), name=whole_text(name), result=plain(result), is_error=is_error)
        )

    def media(
        self, media_type: str, *, url: str | None = None, content: str | bytes | None = None, alt: str | None = None
    ) -> None:
        """Put an image, audio or file into the answer: an address, or its bytes, as they are or in base64.

        ``alt`` is cut past MAX_ALT_CHARACTERS.
        """
        if (url is None) == (content is None):
            raise ValueError("media takes either url or content")
        if len(media_type) > MAX_TYPE_CHARACTERS:
            raise ValueError(f"media takes a media_type of at most {MAX_TYPE_CHARACTERS} characters")
        if url is not None and len(url) > MAX_URL_CHARACTERS:
            raise ValueError(f"media takes a url of at most {MAX_URL_CHARACTERS} characters; give the bytes as content")
        self._emitter.emit(
            Media(
                media_type=whole_text(media_type),
                url=_whole(url),
                content=None if content is None else _base64(content),
                alt=_whole(alt if alt is None else alt[:MAX_ALT_CHARACTERS]),
            )
        )

    def usage(self, prompt_tokens: int, completion_tokens: int) -> None:
        """Say how many tokens this answer has taken so far, in all: the last word counts."""
        self._emitter.emit(Usage(prompt_tokens=_tokens(prompt_tokens), completion_tokens=_tokens(completion_tokens)))


def _whole(text: str | None) -> str | None:
    return None if text is None else whole_text(text)


def _tokens(count: int) -> int:
    number = index(count)
    if not 0 <= number <= MAX_TOKENS:
        raise ValueError(f"usage takes numbers of tokens from 0 to {MAX_TOKENS}")
    return number


def _base64(content: str | bytes) -> str:
    if isinstance(content, bytes):
        return b64encode(content).decode()
    try:
        if len(content) % 4:
            raise ValueError("its length is no multiple of 4")
        binascii.a2b_base64(content, strict_mode=True)
    except ValueError as error:
        # Not its words: clients would be left with what they can't read.
        raise ValueError("media takes content as bytes, or as base64 with its padding") from error
    return content


def _percent(percent: float | None) -> float | None:
    if percent is None:
        return None
    value = float(percent)
    return min(max(value, 0.0), 100.0) if value == value else None
