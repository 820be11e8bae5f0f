"""Ask an OpenAI-compatible server, and stream what it says: the one client of every backend here that asks a model.

Everything is awaited, because an await can be cancelled at any moment: whoever stops closes the connection at once,
even before the first token. Knows no profile and runs no tools.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from streamchat.backends.http_answer import HttpAnswer, HttpFailed
from streamchat.backends.openai_connection import ask
from streamchat.backends.openai_errors import (
    AnswerBroken,
    ContentFiltered,
    ServerFailed,
    UpstreamFailed,
    cut_short,
    failed_amid,
    too_late,
)
from streamchat.backends.openai_events import EventReader, EventTooLong
from streamchat.backends.openai_reply import ErrorChunk, MalformedChunk, Reply
from streamchat.backends.openai_upstream import Upstream

# Before the second try, unless the server says how long; doubled for each further one.
FIRST_WAIT_SECONDS = 0.5

# Finish reasons by which a server says that it broke off: OpenRouter, vLLM, DeepSeek.
_BROKEN_OFF = ("error", "abort", "insufficient_system_resource")

# The end of a body comes with its last event, or never.
_DRAIN_SECONDS = 0.1

Waiting = Callable[[float], None]


class AnswerStream:
    """The text of one answer, to be iterated as it comes; all else is in ``reply`` when it ends.

    Asks again up to ``upstream.retries`` times before the model has said anything, never after; tells ``waiting`` how
    many seconds it waits before that. Raises UpstreamFailed, and TimeoutError past the deadline. For one task, which
    closes it. No generator: one more that each token passes through would cost as much as reading it.
    """

    __slots__ = (
        "_attempt",
        "_attempts",
        "_body",
        "_deadline",
        "_headers",
        "_is_over",
        "_reply",
        "_upstream",
        "_waiting",
    )

    def __init__(
        self,
        upstream: Upstream,
        body: Mapping[str, Any],
        reply: Reply,
        *,
        deadline: float,
        headers: Mapping[str, str] | None = None,
        waiting: Waiting = lambda seconds: None,
    ) -> None:
        self._upstream = upstream
        self._body = body
        self._reply = reply
        self._deadline = deadline
        self._headers = headers or {}
        self._waiting = waiting
        self._attempts = 0
        self._attempt: _Attempt | None = None
        self._is_over = False

    def __aiter__(self) -> AnswerStream:
        return self

    async def __anext__(self) -> str:
        try:
            while not self._is_over:
                try:
                    attempt = self._attempt or await self._ask()
                    if text := await attempt.read():
                        return text
                    break
                except UpstreamFailed as failure:
                    seconds = _pause(failure, self._attempts)
                    if self._is_last(failure, seconds):
                        raise
                self._leave()
                self._reply.forget_end()
                self._waiting(seconds)
                await asyncio.sleep(seconds)
        except BaseException:
            self.close()
            raise
        self.close()
        raise StopAsyncIteration

    def close(self) -> None:
        """Let go of the connection; closing twice is closing once."""
        self._is_over = True
        self._leave()

    async def aclose(self) -> None:
        """Close, for whoever closes generators."""
        self.close()

    async def _ask(self) -> _Attempt:
        self._attempts += 1
        answer = await ask(self._upstream, self._body, self._headers, deadline=self._deadline)
        attempt = self._attempt = _Attempt(answer, self._reply, self._upstream, self._deadline)
        return attempt

    def _leave(self) -> None:
        if self._attempt is not None:
            self._attempt.close()
            self._attempt = None

    def _is_last(self, failure: UpstreamFailed, seconds: float) -> bool:
        """Whether nobody is asked again after this failure."""
        is_last = self._attempts > self._upstream.retries
        return is_last or self._reply.has_begun or not failure.may_pass or time.monotonic() + seconds >= self._deadline


def _pause(failure: UpstreamFailed, attempts: int) -> float:
    """What the server asks for, or longer each time; spread, so that those who were refused together part."""
    if failure.wait_seconds is not None:
        return failure.wait_seconds
    return FIRST_WAIT_SECONDS * 2.0 ** (attempts - 1) * random.uniform(0.75, 1.25)


class _Attempt:
    """One question that is being answered."""

    __slots__ = ("_answer", "_events", "_is_late", "_reader", "_reply", "_timer", "_upstream")

    def __init__(self, answer: HttpAnswer, reply: Reply, upstream: Upstream, deadline: float) -> None:
        self._answer = answer
        self._reply = reply
        self._upstream = upstream
        self._reader = EventReader()
        self._events: list[bytes] = []  # that were not read yet, the next one last
        left_seconds = deadline - time.monotonic()
        self._is_late = left_seconds <= 0
        # A timer of the connection's own would be set anew for each token.
        self._timer = asyncio.get_running_loop().call_later(left_seconds, self._give_up)

    async def read(self) -> str:
        """The next piece of the answer; nothing at its end. Raises UpstreamFailed and TimeoutError."""
        where = self._upstream.base_url
        try:
            while True:
                while self._events:
                    if self._is_late:
                        raise self._too_late()
                    if text := self._reply.read(self._events.pop()):
                        return text
                if self._reader.is_done or not (data := await self._answer.read()):
                    break
                self._events = self._reader.take(data)[::-1]
            await _drain(self._answer)
        except HttpFailed:
            raise (self._too_late() if self._is_late else cut_short(where)) from None
        except ErrorChunk as failure:
            raise failed_amid(where, self._upstream.api_key, failure.said) from None
        except (MalformedChunk, EventTooLong) as error:
            raise AnswerBroken(f"the answer of {where} can't be read: {error}") from None
        except ValueError:
            # Its own words would quote the answer.
            raise AnswerBroken(f"the answer of {where} can't be read: a chunk is not JSON in UTF-8") from None
        _check_end(self._reply, where)
        return ""

    def close(self) -> None:
        """Let go of the connection; one whose answer was read to its end is kept for the next question."""
        self._timer.cancel()
        self._answer.close()

    def _give_up(self) -> None:
        """The deadline is over."""
        self._is_late = True
        self._answer.close()

    def _too_late(self) -> Exception:
        where = self._upstream.base_url
        if self._reply.has_begun:
            return TimeoutError(f"{where} had not finished by the deadline")
        return too_late(where)


async def _drain(answer: HttpAnswer) -> None:
    """A connection whose answer was read to its end is kept for the next question; one that breaks then is not."""
    with suppress(TimeoutError, HttpFailed):
        async with asyncio.timeout(_DRAIN_SECONDS):
            while await answer.read():
                continue


def _check_end(reply: Reply, where: str) -> None:
    """A stream that is cut looks like one that ends: only a finish_reason tells them apart."""
    if reply.finish_reason is None:
        raise cut_short(where)
    if reply.finish_reason in _BROKEN_OFF:
        raise ServerFailed(f"{where} broke its answer off ({reply.finish_reason})", may_pass=True)
    if reply.finish_reason == "content_filter":
        raise ContentFiltered(f"the content filter of {where} stopped the answer")
