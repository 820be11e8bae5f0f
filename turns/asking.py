"""What a function asks its user, and hears from them: the arguments ``ask`` and ``inbox``.

Both block a plain function. Called on a running event loop, so in an ``async def``, they give an awaitable instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from concurrent.futures import Future
from math import inf
from typing import Any
from uuid import uuid4

from streamchat.turns.answer_schema import check_schema
from streamchat.turns.emitter import Emitter
from streamchat.turns.events import InputRequired, QuestionExpired
from streamchat.turns.inputs import Lapsed, Reply
from streamchat.turns.whole_text import plain, whole_text

MAX_QUESTIONS = 100
MAX_QUESTION_CHARACTERS = 20_000


class InputExpired(TimeoutError):
    """Nobody has answered in time. A function catches it as TimeoutError, or ends with it."""


class Asking:
    """The function's way to its user: ``ask`` is given to it as it is."""

    def __init__(self, emitter: Emitter) -> None:
        self._emitter = emitter
        self._asked = 0

    def ask(self, question: str, schema: Any = None, timeout: float | None = None) -> Any:  # noqa: ANN401
        """Ask the user and wait for the answer: a text, or the JSON value that ``schema`` (a JSON schema) describes.

        ``timeout`` is in seconds and may only shorten the server's own. Raises InputExpired when it is over, ValueError
        or TypeError for a question that can't be put, RuntimeError for one too many.
        """
        required = _question(question, schema, timeout)
        self._asked += 1
        if self._asked > MAX_QUESTIONS:
            raise RuntimeError(f"a function may ask no more than {MAX_QUESTIONS} questions")
        return self._put_on_loop(required) if _is_on_a_loop() else _value(self._put(required).result())

    def _put(self, required: InputRequired) -> Future[Reply | Lapsed]:
        reply = self._emitter.mailbox.expect(required.request_id)
        self._emitter.emit(required)
        return reply

    async def _put_on_loop(self, required: InputRequired) -> Any:  # noqa: ANN401
        try:
            return _value(await asyncio.wrap_future(self._put(required)))
        except asyncio.CancelledError:
            # The function waits no more: what can't be answered must not look as if it could.
            if not self._emitter.cancelled.is_set():
                self._emitter.emit(QuestionExpired(request_id=required.request_id))
            raise


class UserInbox:
    """What the user says unasked while the function works: texts, each given once, in their order.

    Iterating takes what is there, and waits for nothing.
    """

    def __init__(self, emitter: Emitter) -> None:
        self._mailbox = emitter.mailbox

    def get(self, timeout: float | None = None) -> str | Awaitable[str | None] | None:
        """The next text; None when there was none within ``timeout`` seconds (None: wait until there is one)."""
        return self._get_on_loop(timeout) if _is_on_a_loop() else self._get(timeout)

    def __iter__(self) -> Iterator[str]:
        while texts := self._mailbox.take():
            yield from texts

    def _get(self, timeout: float | None) -> str | None:
        said = self._mailbox.next()
        try:
            return said.result(timeout)
        except TimeoutError:
            return None if said.cancel() else said.result()

    async def _get_on_loop(self, timeout: float | None) -> str | None:
        said = self._mailbox.next()
        try:
            async with asyncio.timeout(timeout):
                return await asyncio.wrap_future(said)
        except TimeoutError:
            return None if said.cancel() else said.result()
        except asyncio.CancelledError:
            if not said.cancel() and said.exception() is None:
                self._mailbox.put_back(said.result())
            raise


def _question(question: str, schema: Any, timeout: float | None) -> InputRequired:  # noqa: ANN401
    """The question as a fact. ``expires_in`` is what the function wants; the turn has the last word."""
    text = whole_text(question)
    if not 0 < len(text) <= MAX_QUESTION_CHARACTERS:
        raise ValueError(f"a question has 1 to {MAX_QUESTION_CHARACTERS} characters, not {len(text)}")
    if timeout is not None and not timeout > 0:
        raise ValueError(f"timeout must be more than 0 seconds, not {timeout!r}")
    schema = plain(schema)
    if schema is not None:
        check_schema(schema)
    seconds = inf if timeout is None else float(timeout)
    return InputRequired(request_id=f"in_{uuid4().hex[:16]}", question=text, schema=schema, expires_in=seconds)


def _value(reply: Reply | Lapsed) -> Any:  # noqa: ANN401
    if isinstance(reply, Lapsed):
        raise InputExpired("nobody has answered the question in time")
    return reply.value


def _is_on_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
