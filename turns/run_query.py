"""Run one ``process_query`` to its one end: the same body in a thread, a process or a fleet.

Whatever the function does (return, yield, raise, exit) becomes facts and exactly one Ended.
"""

from __future__ import annotations

import asyncio
import binascii
import inspect
import json
import re
import traceback
from base64 import b64encode
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import aclosing, closing, nullcontext
from functools import partial
from operator import index
from typing import Any
from urllib.parse import quote, quote_plus
from uuid import uuid4

from streamchat.turns.asking import Asking, UserInbox
from streamchat.turns.cancellation import QueryCancelled
from streamchat.turns.emitter import Emitter
from streamchat.turns.events import Answer, Ended, Media, Progress, Text, ToolCall, ToolResult, Usage
from streamchat.turns.process_query import BoundFunction
from streamchat.turns.query import Query
from streamchat.turns.whole_text import plain, whole_text

MAX_PROGRESS_CHARACTERS = 500
# Of media: their frames have a bound, and what is longer than one goes into several as content.
MAX_TYPE_CHARACTERS = 255
MAX_URL_CHARACTERS = 65_536
MAX_ALT_CHARACTERS = 2_000
# A longer piece is handed on in parts of this size: reading one fact must not hold up whoever shows it.
MAX_PIECE_CHARACTERS = 2_048
# Of an async source that has them all at hand.
PIECES_AT_ONCE = 64
# The largest whole number that every client's JSON can hold (RFC 8259, section 6).
MAX_TOKENS = 2**53 - 1
# What an exception's text may have from a prompt: words of four characters and more, two where words are short. What
# JSON, Python or an address escapes ends a word, as in "%20word" and "\\nword".
_QUOTABLE = re.compile(r"%[0-9A-Fa-f]{2}|\\+u[0-9a-fA-F]{4}|\\+x[0-9a-f]{2}|\\+[nrt]|\w{4,}|[^\W\x00-\u2fff]{2,}")
# Two characters and more that are not ASCII, escaped (once or twice): whose they are can't be seen, so nobody's.
_ESCAPED = re.compile(r"(?:\\+u[0-9a-fA-F]{4}){2,}|(?:%[89A-Fa-f][0-9A-Fa-f]){4,}|(?:\\+x[89a-f][0-9a-f]){4,}")


class NotText(TypeError):
    """The function returned or yielded something that is no text."""


def run_query(bound: BoundFunction, query: Query, emitter: Emitter) -> Ended:
    """Call the function and emit what it produces. Returns its end, and never raises."""
    try:
        _produce(bound.call(_arguments(query, emitter)), emitter)
    except BaseException as error:  # noqa: BLE001 - SystemExit in a worker thread would stop the whole server
        return _end_of(error, query, emitter)
    return Ended(cause="complete", code="complete")


async def run_query_here(bound: BoundFunction, query: Query, emitter: Emitter) -> Ended:
    """The same for an async function that never blocks, on the running loop. Cancel its task to stop it."""
    try:
        await _follow(bound.call(_arguments(query, emitter)), emitter)
    except BaseException as error:  # noqa: BLE001 - as in a worker
        return _end_of(error, query, emitter)
    return Ended(cause="complete", code="complete")


def _end_of(error: BaseException, query: Query, emitter: Emitter) -> Ended:
    """What an exception of the function means. Called while it is handled."""
    if isinstance(error, QueryCancelled | asyncio.CancelledError) and emitter.cancelled.is_set():
        return Ended(cause="cancelled", code="cancelled")
    if isinstance(error, NotText):
        return Ended(cause="error", code="processing_error", reason="not_text", detail=str(error))
    detail = _redacted(traceback.format_exc(), query, emitter.mailbox.heard)
    return Ended(cause="error", code="processing_error", reason="raised", detail=detail)


def _redacted(detail: str, query: Query, heard: Sequence[str]) -> str:
    """The traceback without what its exceptions quote of prompts and inputs, whole or in part: no log is for these.

    The lines of source code in it are the developer's own and stay as they are.
    """
    secrets = [query.message, query.prompt, query.system_prompt, *(said.get("content", "") for said in query.history)]
    secrets += heard
    secrets += [attachment.name for attachment in query.attachments]
    for whole in {form for secret in secrets for form in _written_forms(secret) if len(form) >= 4}:
        detail = detail.replace(whole, "[...]")
    # Files are long: looked through for words, but not for themselves as a whole.
    files = [attachment.content.decode(errors="ignore") for attachment in query.attachments if attachment.is_text]
    private = "\n".join([*secrets, *files]).casefold()
    lines, source_lines = [], 0
    for line in detail.splitlines():
        if line.startswith('  File "'):
            source_lines = 2  # the line of code and the carets under it
        elif line.startswith("    ") and source_lines:
            source_lines -= 1
        else:
            line = _QUOTABLE.sub(lambda found: _unless_private(found[0], private), _ESCAPED.sub("[...]", line))
        lines.append(line)
    return "\n".join(lines)


def _unless_private(text: str, private: str) -> str:
    """A word stays unless it is in the prompts; of Chinese and Japanese two characters in a row are enough."""
    parts = [text] if text.isascii() else [text[at : at + 2] for at in range(len(text) - 1)]
    return "[...]" if any(part.casefold() in private for part in parts) else text


def _written_forms(secret: str) -> tuple[str, ...]:
    """A text as exceptions show it: as it is, in quotes, in JSON, as an HTTP client's address, as bytes."""
    data = secret.encode(errors="replace")
    in_address = quote(data), quote(data, safe=""), quote_plus(data)
    return secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], *in_address, repr(data)[2:-1]


def _arguments(query: Query, emitter: Emitter) -> dict[str, Any]:
    tools = _Reports(emitter)
    return {
        **{name: getattr(query, name) for name in Query.__dataclass_fields__},
        "deadline": emitter.deadline,
        "cancelled": emitter.cancelled,
        "progress": tools.progress,
        "tool_call": tools.tool_call,
        "tool_result": tools.tool_result,
        "media": tools.media,
        "usage": tools.usage,
        "ask": Asking(emitter).ask,
        "inbox": UserInbox(emitter),
    }


class _Reports:
    """The functions a backend is given to tell what it is doing. ``media`` and the tools take only what JSON has."""

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


def _produce(result: Any, emitter: Emitter) -> None:  # noqa: ANN401
    """Take the result in whatever shape it has; the shape of what came back decides, not of the function."""
    if isinstance(result, str):
        emitter.emit(Answer(text=whole_text(result)))
    elif inspect.isawaitable(result) or isinstance(result, AsyncIterator):
        _run_in_own_loop(partial(_follow, result, emitter), emitter)
    elif isinstance(result, Iterator):
        _iterate(result, emitter)
    else:
        raise _not_text("returned", result)


async def _follow(result: Any, emitter: Emitter) -> None:  # noqa: ANN401
    """Take the result of an async function, on the loop that it is to run on."""
    if isinstance(result, AsyncIterator):
        await _iterate_async(result, emitter)
    elif inspect.isawaitable(result):
        answer = await result
        if not isinstance(answer, str):
            raise _not_text("returned", answer)
        emitter.emit(Answer(text=whole_text(answer)))
    else:
        raise _not_text("returned", result)


def _iterate(pieces: Iterator[Any], emitter: Emitter) -> None:
    with closing(pieces) if isinstance(pieces, Generator) else nullcontext():
        for piece in pieces:
            _emit_piece(piece, emitter)


async def _iterate_async(pieces: AsyncIterator[Any], emitter: Emitter) -> None:
    async with aclosing(pieces) if isinstance(pieces, AsyncGenerator) else nullcontext():
        count = 0
        async for piece in pieces:
            _emit_piece(piece, emitter)
            count += 1
            if count % PIECES_AT_ONCE == 0:
                # A source that never has to wait would hold its loop for good, and could not be stopped.
                await asyncio.sleep(0)


def _emit_piece(piece: Any, emitter: Emitter) -> None:  # noqa: ANN401
    if not isinstance(piece, str):
        raise _not_text("yielded", piece)
    text = whole_text(piece)
    for start in range(0, len(text), MAX_PIECE_CHARACTERS):
        emitter.emit(Text(text=text[start : start + MAX_PIECE_CHARACTERS]))


def _not_text(how: str, what: object) -> NotText:
    return NotText(f"process_query {how} {type(what).__name__}, not text")


def _run_in_own_loop(start: Callable[[], Awaitable[None]], emitter: Emitter) -> None:
    """Run a coroutine in a loop of this worker, so that a blocking call in it holds up nobody else.

    Setting the flag cancels the coroutine at its next await: an async function can always be stopped there.
    """

    async def run() -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None

        def stop() -> None:
            try:
                loop.call_soon_threadsafe(task.cancel)
            except RuntimeError:
                return  # the loop is closed: the coroutine has ended already

        emitter.cancelled.on_set(stop)
        await start()

    asyncio.run(run())
