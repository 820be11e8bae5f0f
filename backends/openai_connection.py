"""One question over a kept connection to an OpenAI-compatible server, up to the head of its answer.

aiohttp and not the openai library: what that one does beyond HTTP (typed objects, retries without a deadline) is done
elsewhere here or not at all, and a token goes through five layers less.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from io import BytesIO
from json import dumps
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientError,
    ClientHttpProxyError,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    ServerDisconnectedError,
    TCPConnector,
)
from pydantic_core import from_json

from streamchat.backends.openai_errors import AnswerBroken, refused, too_late, unreachable
from streamchat.backends.openai_upstream import Upstream

CONNECT_SECONDS: Final = 10.0
# The body of a refusal: its reason comes early or never.
_REASON_BYTES = 65_536
_REASON_SECONDS = 5.0
# A connection that nobody uses: no longer than the servers of most models keep it.
_KEPT_SECONDS = 5.0

_kept: dict[asyncio.AbstractEventLoop, tuple[ClientSession, AsyncGenerator[None, None]]] = {}


async def session() -> ClientSession:
    """The running loop's session. It keeps its connections to every server, and is closed with the loop."""
    loop = asyncio.get_running_loop()
    if loop not in _kept:
        opened = ClientSession(
            connector=TCPConnector(limit=0, keepalive_timeout=_KEPT_SECONDS),
            # What a server remembers of one caller is not for the next.
            cookie_jar=DummyCookieJar(),
            headers={"Accept": "text/event-stream", "Content-Type": "application/json", "User-Agent": "streamchat"},
        )
        # What asyncio.run does for every loop at its end, it closes its asynchronous generators, closes the session.
        life = _life_of(opened, loop)
        _kept[loop] = opened, life
        await anext(life)
    return _kept[loop][0]


async def _life_of(opened: ClientSession, loop: asyncio.AbstractEventLoop) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        del _kept[loop]
        await opened.close()


async def ask(
    upstream: Upstream, body: Mapping[str, Any], headers: Mapping[str, str], *, deadline: float
) -> ClientResponse:
    """Have the question answered with a stream; the caller closes what is returned.

    ``deadline`` in seconds of time.monotonic(). Raises UpstreamFailed.
    """
    where, key = upstream.base_url, upstream.api_key
    left_seconds = max(0.1, deadline - time.monotonic())
    proxy = _proxy_for(upstream)
    try:
        async with asyncio.timeout(left_seconds):
            answer = await (await session()).post(
                f"{where}/chat/completions",
                # A file: a photo in base64 is sent piece by piece.
                data=BytesIO(dumps({**body, "stream": True}, ensure_ascii=False).encode(errors="replace")),
                headers={**headers, **({"Authorization": f"Bearer {key}"} if key else {})},
                # A redirect would take the key and the question elsewhere.
                allow_redirects=False,
                proxy=proxy,
                timeout=ClientTimeout(total=None, connect=min(CONNECT_SECONDS, left_seconds)),
            )
    except TimeoutError:
        raise too_late(where) from None
    except (ClientError, UnicodeError) as error:
        raise unreachable(where, _why(error)) from None
    try:
        await _check(answer, where, key)
    except BaseException:
        answer.close()
        raise
    return answer


async def _check(answer: ClientResponse, where: str, key: str) -> None:
    if not 200 <= answer.status < 300:
        raise refused(where, key, answer.status, answer.headers, await _reason(answer))
    kind = answer.headers.get("Content-Type", "")
    if not kind.lower().startswith("text/event-stream"):
        raise AnswerBroken(f"{where} did not answer with a stream but with {kind[:80] or 'no type'}: is the URL right?")


def _why(error: Exception) -> str:
    """What a connection failed of. Not always in the error's own words: they may quote an answer, or a password."""
    if isinstance(error, ClientHttpProxyError):
        return f"the proxy answered {error.status}"
    if isinstance(error, ClientConnectorCertificateError):
        return str(error.certificate_error)
    if isinstance(error, ClientConnectorError):
        return str(error.os_error)
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, ServerDisconnectedError):
        return "it ended the connection"
    if isinstance(error, ClientResponseError):
        return "what it answered is not HTTP"
    return type(error).__name__


async def _reason(answer: ClientResponse) -> object:
    """What a refusal's body says, as far as it comes: JSON, or any text."""
    body = bytearray()
    with suppress(ClientError, TimeoutError):
        async with asyncio.timeout(_REASON_SECONDS):
            while len(body) < _REASON_BYTES and (piece := await answer.content.readany()):
                body += piece
    try:
        return from_json(bytes(body))
    except ValueError:
        return body.decode(errors="replace")


def _proxy_for(upstream: Upstream) -> str | None:
    """The proxy that the environment names; of loopback, none must get to see what is said.

    aiohttp would look for it itself, but then it takes credentials from .netrc, too.
    """
    address, proxies = urlsplit(upstream.base_url), getproxies()
    proxy = proxies.get(address.scheme) or proxies.get("all")
    host = address.hostname or ""
    port = address.port or (443 if address.scheme == "https" else 80)
    if not proxy or upstream.is_loopback or proxy_bypass(host) or proxy_bypass(f"{host}:{port}"):
        return None
    scheme, _, host = proxy.rpartition("://")
    if scheme not in ("", "http", "https"):
        raise unreachable(upstream.base_url, f"a proxy that the environment names speaks {scheme}, not HTTP")
    return f"{scheme or 'http'}://{host}"
