"""Fetch what a caller names by a URL, from public addresses only and within bounds of time and size.

The host is looked up once for each hop, every address that it has is checked, and one of those is connected to: what a
name means later does not count. Proxies of the environment are not used, because they would look it up again.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import httpx

from streamchat.handlers.media_types import UNKNOWN, canonical
from streamchat.handlers.public_addresses import Address, address_in, is_public

ANY_HOST: Final = "any"
FETCH_SECONDS: Final = 10.0
MAX_URL_CHARACTERS: Final = 4_096
MAX_REDIRECTS: Final = 4
# More wait until one of these is done.
MAX_AT_A_TIME: Final = 8

_PORTS = {"http": 80, "https": 443}
_MAX_ADDRESSES = 4
_HEADERS = {"User-Agent": "streamchat", "Accept": "*/*", "Accept-Encoding": "identity"}

FetchFailure = Literal["forbidden", "unreachable", "timeout", "too_large", "wrong_type"]

Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]


class NotFetchable(ValueError):
    """A URL that is not fetched here, whatever is behind it; the text says why."""


class FetchFailed(Exception):
    """It could not be had. ``detail`` is for the log: it tells of networks that the caller may not see."""

    def __init__(self, why: FetchFailure, detail: str) -> None:
        super().__init__(detail)
        self.why: FetchFailure = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """``media_type`` is canonical, UNKNOWN where the server does not say."""

    media_type: str
    content: bytes


async def resolved(host: str, port: int) -> list[Address]:
    """The addresses of a host name; OSError when it has none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = (address_in(str(sockaddr[0])) for *_, sockaddr in found)
    return [address for address in addresses if address is not None]


def is_host(text: str) -> bool:
    """Whether this can be one of a Fetcher's hosts."""
    try:
        url = _url_of(f"http://{text}")
    except NotFetchable:
        return False
    is_plain = url.netloc.decode("ascii") == text.lower().removesuffix(":80") and "*" not in text
    return is_plain and bool(url.host) and (url.port or 80) <= 65_535


class Fetcher:
    """Fetches from ``hosts``: names, names with a port, or ANY_HOST; without a port only from 80 and 443.

    ``may_connect`` says which addresses are connected to. It is there for tests, whose servers are on loopback.
    """

    def __init__(
        self,
        hosts: Sequence[str],
        *,
        seconds: float = FETCH_SECONDS,
        may_connect: Callable[[Address], bool] = is_public,
        resolve: Resolve = resolved,
    ) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._seconds = seconds
        self._may_connect = may_connect
        self._resolve = resolve
        self._turnstile = asyncio.Semaphore(MAX_AT_A_TIME)

    def check(self, text: str) -> httpx.URL:
        """The URL, if its host may be asked. Raises NotFetchable; says nothing of what its name leads to."""
        url = _url_of(text)
        if url.scheme not in _PORTS or not url.host:
            raise NotFetchable("must begin with https:// or http:// and a host")
        if url.userinfo:
            raise NotFetchable("must have no user and no password")
        if not self._is_allowed(url):
            raise NotFetchable("names a host or port that this server does not fetch from (--fetch-attachments)")
        literal = address_in(url.host)
        if literal is not None and not self._may_connect(literal):
            raise NotFetchable("must not be a private address")
        return url

    async def fetch(self, url: httpx.URL, max_bytes: int) -> Fetched:
        """What is at a URL that was checked. Raises FetchFailed."""
        async with self._turnstile:
            try:
                async with asyncio.timeout(self._seconds):
                    return await self._follow(url, max_bytes)
            except TimeoutError as error:
                raise FetchFailed("timeout", f"{url.host} was not done after {self._seconds:g} s") from error
            except (httpx.HTTPError, OSError, UnicodeError) as error:
                raise FetchFailed("unreachable", f"{url.host}: {type(error).__name__}: {error}") from error

    def _is_allowed(self, url: httpx.URL) -> bool:
        host, port = url.host.rstrip("."), url.port or _PORTS[url.scheme]
        is_usual = port == _PORTS[url.scheme]
        names = {f"{host}:{port}", f"[{host}]:{port}", *((host, ANY_HOST) if is_usual else ())}
        return not self._hosts.isdisjoint(names)

    async def _follow(self, url: httpx.URL, max_bytes: int) -> Fetched:
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._ask(url, max_bytes)
            if isinstance(response, Fetched):
                return response
            try:
                url = self.check(str(url.join(response)))
            except (NotFetchable, httpx.InvalidURL) as error:
                raise FetchFailed("forbidden", f"{url.host} redirects to a URL that {error}") from error
        raise FetchFailed("unreachable", f"more than {MAX_REDIRECTS} redirects, the last one by {url.host}")

    async def _ask(self, url: httpx.URL, max_bytes: int) -> Fetched | str:
        """What the URL's server gives, or where it redirects to. Each of its addresses is tried in turn."""
        failure: httpx.HTTPError | None = None
        for address in (await self._addresses(url))[:_MAX_ADDRESSES]:
            try:
                return await self._ask_at(address, url, max_bytes)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        raise failure or FetchFailed("unreachable", f"{url.host} has no address")

    async def _addresses(self, url: httpx.URL) -> Sequence[Address]:
        host = url.raw_host.decode("ascii")
        literal = address_in(host)
        port = url.port or _PORTS[url.scheme]
        addresses = [literal] if literal is not None else await self._resolve(host, port)
        # One private address among public ones is no accident.
        for address in addresses:
            if not self._may_connect(address):
                raise FetchFailed("forbidden", f"{url.host} is at {address}, which is not public")
        return addresses

    async def _ask_at(self, address: Address, url: httpx.URL, max_bytes: int) -> Fetched | str:
        # No connection is used twice: the next hop may have the same address and another name to prove.
        async with httpx.AsyncClient(
            verify=self._certificates, trust_env=False, follow_redirects=False, timeout=self._seconds
        ) as client:
            request = client.build_request(
                "GET",
                url.copy_with(host=str(address)),
                headers=_HEADERS | {"Host": url.netloc.decode("ascii")},
                # The certificate must be the name's, not the address's.
                extensions={"sni_hostname": url.raw_host.decode("ascii")},
            )
            response = await client.send(request, stream=True)
            try:
                if response.has_redirect_location:
                    return response.headers["location"]
                return await _content_of(response, url, max_bytes)
            finally:
                await response.aclose()

    @cached_property
    def _certificates(self) -> ssl.SSLContext:
        # Made once: it takes 30 ms.
        return httpx.create_ssl_context(trust_env=False)


def _url_of(text: str) -> httpx.URL:
    """Raises NotFetchable."""
    try:
        url = httpx.URL(text)
        _ = url.host  # what is wrong with an international name is found only when it is looked at
    except (httpx.InvalidURL, ValueError) as error:
        raise NotFetchable("must be a URL") from error
    return url


async def _content_of(response: httpx.Response, url: httpx.URL, max_bytes: int) -> Fetched:
    if response.status_code != httpx.codes.OK:
        raise FetchFailed("unreachable", f"{url.host} answered {response.status_code}")
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise FetchFailed("unreachable", f"{url.host} sent it compressed, which was not asked for")
    announced = response.headers.get("content-length", "")
    content = bytearray()
    too_large = FetchFailed("too_large", f"{url.host} has more than {max_bytes} bytes to give")
    if announced.isascii() and announced.isdigit() and int(announced[:18]) > max_bytes:
        raise too_large
    async for piece in response.aiter_raw():
        content += piece
        if len(content) > max_bytes:
            raise too_large
    return Fetched(media_type=canonical(response.headers.get("content-type", "")) or UNKNOWN, content=bytes(content))
