"""Ask an OpenAI-compatible server, and stream what it says: the one client of every backend here that asks a model.

Everything is awaited, because an await can be cancelled at any moment: whoever stops closes the connection at once,
even before the first token. Knows no profile and runs no tools.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, suppress
from functools import cache
from typing import Any, Final
from weakref import WeakKeyDictionary

from httpx2 import HTTPError, TimeoutException
from openai import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    AsyncOpenAI,
    AsyncStream,
    DefaultAioHttpClient,
    Omit,
    Timeout,
)
from pydantic_core import from_json

from streamchat.backends.openai_errors import (
    AnswerBroken,
    ContentFiltered,
    ServerFailed,
    UpstreamFailed,
    cut_short,
    failure_of,
)
from streamchat.backends.openai_events import EventReader, EventTooLong
from streamchat.backends.openai_reply import MalformedChunk, Reply
from streamchat.backends.openai_upstream import Upstream

CONNECT_SECONDS: Final = 10.0
# Before the second try, unless the server says how long; doubled for each further one.
FIRST_WAIT_SECONDS = 0.5

# Finish reasons by which a server says that it broke off: OpenRouter, vLLM, DeepSeek.
_BROKEN_OFF = ("error", "abort", "insufficient_system_resource")

_DONE = b"[DONE]"
# The end of a body comes with its last event, or never.
_DRAIN_SECONDS = 0.1

Waiting = Callable[[float], None]
_Server = tuple[str, str]
_Clients = dict[_Server, tuple[AsyncOpenAI, AsyncGenerator[None, None]]]

_kept: WeakKeyDictionary[asyncio.AbstractEventLoop, _Clients] = WeakKeyDictionary()


async def client_of(upstream: Upstream) -> AsyncOpenAI:
    """The running loop's client for this server. It keeps its connections, and is closed with the loop."""
    clients = _kept.setdefault(asyncio.get_running_loop(), {})
    server = upstream.base_url, upstream.api_key
    if server not in clients:
        client = _new_client(upstream)
        # What asyncio.run does for every loop at its end, it closes its asynchronous generators, closes the client.
        life = _life_of(client, clients, server)
        clients[server] = client, life
        await anext(life)
    return clients[server][0]


async def _life_of(client: AsyncOpenAI, clients: _Clients, server: _Server) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        del clients[server]
        await client.close()


def _new_client(upstream: Upstream) -> AsyncOpenAI:
    transport = DefaultAioHttpClient(
        # Without TLS there is nothing to verify, and loading certificates takes 30 ms.
        verify=_certificates() if upstream.base_url.startswith("https:") else False,
        # A proxy that the environment names must not get to see what goes over loopback.
        trust_env=not upstream.is_loopback,
        # A redirect would take the key and the question elsewhere.
        follow_redirects=False,
    )
    return AsyncOpenAI(
        base_url=upstream.base_url,
        api_key=upstream.api_key or "none",
        # Its own retries know no deadline, and nothing of a stream that ends before its first token.
        max_retries=0,
        http_client=transport,
    )


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
            async with aclosing(_attempt(upstream, body, reply, deadline, headers or {})) as pieces:
                async for piece in pieces:
                    yield piece
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


async def _attempt(
    upstream: Upstream, body: Mapping[str, Any], reply: Reply, deadline: float, headers: Mapping[str, str]
) -> AsyncGenerator[str, None]:
    where = upstream.base_url
    try:
        async with await _ask(upstream, body, deadline, headers) as answer:
            _check_is_stream(answer, where)
            async with aclosing(_chunks(answer)) as chunks:
                async for chunk in chunks:
                    if time.monotonic() > deadline:
                        raise TimeoutError(f"{where} had not finished by the deadline")
                    if text := reply.take(chunk):
                        yield text
    except APIConnectionError as error:
        raise (cut_short(where) if reply.has_begun else failure_of(error, where, upstream.api_key)) from None
    except APIError as error:
        raise failure_of(error, where, upstream.api_key) from None
    except (MalformedChunk, EventTooLong) as error:
        raise AnswerBroken(f"the answer of {where} can't be read: {error}") from None
    except ValueError:
        # Its own words would quote the answer.
        raise AnswerBroken(f"the answer of {where} can't be read: a chunk is not JSON in UTF-8") from None
    _check_end(reply, where)


async def _ask(
    upstream: Upstream, body: Mapping[str, Any], deadline: float, headers: Mapping[str, str]
) -> AsyncStream[object]:
    remaining_seconds = max(0.1, deadline - time.monotonic())
    client = await client_of(upstream)
    # Not chat.completions.create: to make a typed object of each chunk takes 50 µs, to parse its JSON 5.
    return await client.post(
        "/chat/completions",
        body={**body, "stream": True},
        options={
            "headers": {**headers, **({} if upstream.api_key else {"Authorization": Omit()})},
            "timeout": Timeout(remaining_seconds, connect=min(CONNECT_SECONDS, remaining_seconds)),
        },
        cast_to=object,
        stream=True,
        stream_cls=AsyncStream[object],
    )


async def _chunks(answer: AsyncStream[object]) -> AsyncGenerator[object, None]:
    """What the events of the answer hold, up to the one that says that it is done."""
    response, events = answer.response, EventReader()
    # Hardly anybody compresses a stream, and each layer that a token goes through takes its time.
    pieces: Any = response.aiter_bytes() if "content-encoding" in response.headers else response.aiter_raw()
    try:
        async with aclosing(pieces) as received:
            async for data in received:
                for event in events.take(data):
                    if event.startswith(_DONE):
                        await _drain(received)
                        return
                    yield _not_an_error(from_json(event), answer)
    except TimeoutException as error:
        raise APITimeoutError(response.request) from error
    except HTTPError as error:
        raise APIConnectionError(request=response.request) from error


def _not_an_error(chunk: object, answer: AsyncStream[object]) -> object:
    """The chunk; APIError when it tells of an error."""
    if isinstance(chunk, dict) and (error := chunk.get("error")):
        raise APIError("an error amid the answer", answer.response.request, body=error)
    return chunk


async def _drain(received: AsyncIterator[bytes]) -> None:
    """A connection whose answer was read to its end is kept for the next question."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for _ in received:
                continue


def _check_is_stream(answer: AsyncStream[object], where: str) -> None:
    kind = answer.response.headers.get("content-type", "")
    if not kind.startswith("text/event-stream"):
        raise AnswerBroken(f"{where} did not answer with a stream but with {kind[:80] or 'no type'}: is the URL right?")


def _check_end(reply: Reply, where: str) -> None:
    """A stream that is cut looks like one that ends: only a finish_reason tells them apart."""
    if reply.finish_reason is None:
        raise cut_short(where)
    if reply.finish_reason in _BROKEN_OFF:
        raise ServerFailed(f"{where} broke its answer off ({reply.finish_reason})", may_pass=True)
    if reply.finish_reason == "content_filter":
        raise ContentFiltered(f"the content filter of {where} stopped the answer")


@cache
def _certificates() -> ssl.SSLContext:
    return ssl.create_default_context()
