"""One question to an OpenAI-compatible server, up to the head of its answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from json import dumps
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from pydantic_core import from_json

from streamchat.backends.http_answer import ConnectTimeout, HttpAnswer, HttpFailed, request
from streamchat.backends.http_connections import connections
from streamchat.backends.openai_errors import AnswerBroken, refused, too_late, unreachable
from streamchat.backends.openai_upstream import Upstream

CONNECT_SECONDS: Final = 10.0
# The body of a refusal: its reason comes early or never.
_REASON_BYTES = 65_536
_REASON_SECONDS = 5.0
_HEADERS: Final = {"Accept": "text/event-stream", "Content-Type": "application/json", "User-Agent": "streamchat"}
_PROXY_SCHEMES: Final = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")


async def ask(
    upstream: Upstream, body: Mapping[str, Any], headers: Mapping[str, str], *, deadline: float
) -> HttpAnswer:
    """Have the question answered with a stream; the caller closes what is returned.

    ``deadline`` in seconds of time.monotonic(). Raises UpstreamFailed.
    """
    where, key = upstream.base_url, upstream.api_key
    proxy, no_proxy = _proxy_for(upstream)
    left_seconds = max(0.1, deadline - time.monotonic())
    asked = request(
        f"{where}/chat/completions",
        body=dumps({**body, "stream": True}, ensure_ascii=False).encode(errors="replace"),
        headers={**_HEADERS, **headers, **({"Authorization": f"Bearer {key}"} if key else {})},
        connect_seconds=min(CONNECT_SECONDS, left_seconds),
        proxy=proxy,
        no_proxy=no_proxy,
    )
    answer = HttpAnswer(await connections(), asked)
    try:
        async with asyncio.timeout(left_seconds):
            await answer.begun()
        await _check(answer, where, key)
    except BaseException as error:
        answer.close()
        if isinstance(error, TimeoutError | ConnectTimeout):
            raise too_late(where) from None
        if isinstance(error, HttpFailed):
            raise unreachable(where, str(error)) from None
        raise
    return answer


async def _check(answer: HttpAnswer, where: str, key: str) -> None:
    if not 200 <= answer.status < 300:
        raise refused(where, key, answer.status, answer.headers, await _reason(answer))
    kind = answer.headers.get("content-type", "")
    if not kind.lower().startswith("text/event-stream"):
        raise AnswerBroken(f"{where} did not answer with a stream but with {kind[:80] or 'no type'}: is the URL right?")


async def _reason(answer: HttpAnswer) -> object:
    """What a refusal's body says, as far as it comes: JSON, or any text."""
    body = bytearray()
    with suppress(HttpFailed, TimeoutError):
        async with asyncio.timeout(_REASON_SECONDS):
            while len(body) < _REASON_BYTES and (piece := await answer.read()):
                body += piece
    try:
        return from_json(bytes(body))
    except ValueError:
        return body.decode(errors="replace")


def _proxy_for(upstream: Upstream) -> tuple[str, str]:
    """The proxy that the environment names, "" for none, and for whom it is none.

    Of loopback no proxy must get to see what is said.
    """
    if upstream.is_loopback:
        return "", ""
    address, proxies = urlsplit(upstream.base_url), getproxies()
    proxy = proxies.get(address.scheme) or proxies.get("all") or ""
    host = address.hostname or ""
    port = address.port or (443 if address.scheme == "https" else 80)
    if not proxy or proxy_bypass(host) or proxy_bypass(f"{host}:{port}"):
        return "", ""
    scheme, separator, _ = proxy.partition("://")
    if separator and scheme.lower() not in _PROXY_SCHEMES:
        # libcurl's own words would quote the whole URL.
        raise unreachable(upstream.base_url, f"a proxy that the environment names speaks {scheme}")
    return proxy, proxies.get("no", "")
