"""Ask an OpenAI-compatible server, and stream what it says: the one client of every backend here that asks a model.

Everything is awaited, because an await can be cancelled at any moment: whoever stops closes the connection at once,
even before the first token. Knows no profile and runs no tools.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
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


async def streamed(
    upstream: Upstream,
    body: Mapping[str, Any],
    reply: Reply,
    *,
    deadline: float,
    headers: Mapping[str, str] | None = None,
    waiting: Waiting = lambda seconds: None,
) -> AsyncGenerator[str, None]:
    """Yield the text of the answer as it comes; all else is in ``reply`` when it ends.

    Asks again up to ``upstream.retries`` times before the model has said anything, never after; tells ``waiting`` how
    many seconds it waits before that. Raises UpstreamFailed, and TimeoutError past the deadline.
    """
    for attempt in range(upstream.retries + 1):
        try:
            async with _asked(upstream, body, reply, deadline, headers or {}) as asked:
                # In one generator: each one more that a token passes through costs as much as reading it.
                while not asked.events.is_done and (data := await asked.answer.read()):
                    for event in asked.events.take(data):
                        if asked.is_late:
                            raise _too_late(upstream.base_url, reply)
                        if text := reply.read(event):
                            yield text
            return
        except UpstreamFailed as failure:
            seconds = _pause(failure, attempt)
            is_last = attempt == upstream.retries
            if is_last or reply.has_begun or not failure.may_pass or time.monotonic() + seconds >= deadline:
                raise
        reply.forget_end()
        waiting(seconds)
        await asyncio.sleep(seconds)


def _pause(failure: UpstreamFailed, attempt: int) -> float:
    """What the server asks for, or longer each time; spread, so that those who were refused together part."""
    if failure.wait_seconds is not None:
        return failure.wait_seconds
    return FIRST_WAIT_SECONDS * 2.0**attempt * random.uniform(0.75, 1.25)


@dataclass(slots=True, kw_only=True)
class _Asked:
    """One try: what the server answers, as bytes and as events."""

    answer: HttpAnswer
    is_late: bool
    events: EventReader = field(default_factory=EventReader)

    def give_up(self) -> None:
        """The deadline is over."""
        self.is_late = True
        self.answer.close()


@asynccontextmanager
async def _asked(
    upstream: Upstream, body: Mapping[str, Any], reply: Reply, deadline: float, headers: Mapping[str, str]
) -> AsyncGenerator[_Asked, None]:
    """Ask once. Says what a failure of whoever reads it means, and when it ends, whether that is an end."""
    where = upstream.base_url
    answer = await ask(upstream, body, headers, deadline=deadline)
    asked = _Asked(answer=answer, is_late=time.monotonic() >= deadline)
    # A timer of the connection's own would be set anew for each token.
    timer = asyncio.get_running_loop().call_later(deadline - time.monotonic(), asked.give_up)
    try:
        yield asked
        await _drain(answer)
    except HttpFailed:
        raise (_too_late(where, reply) if asked.is_late else cut_short(where)) from None
    except ErrorChunk as failure:
        raise failed_amid(where, upstream.api_key, failure.args[0]) from None
    except (MalformedChunk, EventTooLong) as error:
        raise AnswerBroken(f"the answer of {where} can't be read: {error}") from None
    except ValueError:
        # Its own words would quote the answer.
        raise AnswerBroken(f"the answer of {where} can't be read: a chunk is not JSON in UTF-8") from None
    finally:
        timer.cancel()
        answer.close()
    _check_end(reply, where)


def _too_late(where: str, reply: Reply) -> Exception:
    return TimeoutError(f"{where} had not finished by the deadline") if reply.has_begun else too_late(where)


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
