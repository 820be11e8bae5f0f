"""One HTTP request over libcurl, and its answer as it comes. Knows no dialect, and not what is asked for.

pycurl's own AsyncCurlMulti drives the transfers on the running loop: a piece of the answer costs one call from the
loop to libcurl and one from there to here.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Mapping
from typing import Any, Final

import pycurl

# A reader that is slower than the server: past this the connection is not read from, and the server waits.
MAX_WAITING_BYTES: Final = 262_144
# After so long a connection has no other request. One that its server has closed is found out then, and the request
# sent anew.
KEPT_SECONDS: Final = 60

# What a proxy says to a CONNECT is no answer. The number in curl/curl.h: pycurl has no name for the option.
_SUPPRESS_CONNECT_HEADERS: Final = 265
# Below, another answer follows (RFC 9110, 15.2).
_FIRST_FINAL: Final = 200
# The status among the headers while they come; none can have this name.
_STATUS: Final = ":status"
_ENDED: Final = "it ended the connection"

# Of these libcurl tells the name, the address or the certificate. The words of others may quote what was answered.
_OWN_WORDS: Final = (
    pycurl.E_COULDNT_RESOLVE_HOST,
    pycurl.E_COULDNT_CONNECT,
    pycurl.E_PEER_FAILED_VERIFICATION,
    pycurl.E_SSL_CONNECT_ERROR,
    pycurl.E_SSL_CACERT_BADFILE,
)
_WORDS: Final = {
    pycurl.E_URL_MALFORMAT: "the URL is none",
    pycurl.E_COULDNT_RESOLVE_PROXY: "the proxy's name is not known",
    pycurl.E_GOT_NOTHING: _ENDED,
    pycurl.E_RECV_ERROR: _ENDED,
    pycurl.E_SEND_ERROR: _ENDED,
    pycurl.E_PARTIAL_FILE: _ENDED,
    pycurl.E_UNSUPPORTED_PROTOCOL: "what it answered is not HTTP",
    pycurl.E_FTP_WEIRD_SERVER_REPLY: "what it answered is not HTTP",
    pycurl.E_WRITE_ERROR: "what it answered can't be read",
    pycurl.E_BAD_CONTENT_ENCODING: "what it answered is compressed, in a way that can't be read",
}


class HttpFailed(Exception):
    """The transfer did not end in order; says why in words of which none are the server's."""


class ConnectTimeout(HttpFailed):
    """There was no connection in time."""


class HttpAnswer:
    """What a server answers: ``status`` and ``headers`` (names in lower case) once it has ``begun``, then its body.

    ``waiting_bytes`` have come and were not read yet. Whoever opens it closes it. Of a compressed body, which nobody
    has asked for, what libcurl holds back for a slow reader is lost when the body turns out to be broken.
    """

    __slots__ = (
        "_change",
        "_curl",
        "_failure",
        "_is_paused",
        "_loop",
        "_multi",
        "_pieces",
        "_transfer",
        "headers",
        "status",
        "waiting_bytes",
    )

    def __init__(self, multi: pycurl.AsyncCurlMulti, curl: pycurl.Curl) -> None:
        """``curl`` knows what is to be asked; it is asked at once."""
        self.status = 0  # until the head of the answer is there
        self.headers: dict[str, str] = {}
        self.waiting_bytes = 0
        self._pieces: list[bytes] = []
        self._is_paused = False
        self._failure: HttpFailed | None = None
        self._change: asyncio.Future[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._multi = multi
        self._curl = curl
        curl.setopt(pycurl.HEADERFUNCTION, self._take_header)
        curl.setopt(pycurl.WRITEFUNCTION, self._take)
        self._transfer: asyncio.Future[pycurl.Curl] = multi.add_handle(curl)
        self._transfer.add_done_callback(self._over)

    async def begun(self) -> None:
        """Wait for the head of the answer. Raises HttpFailed."""
        while self.status < _FIRST_FINAL:
            if self._is_over():
                raise self._told_again() or HttpFailed(_ENDED)
            await self._changed()

    async def read(self) -> bytes:
        """What has come since the last call, at least a byte; none at the end. Raises HttpFailed after what came."""
        while not self._pieces:
            if self._is_over():
                if failure := self._told_again():
                    raise failure
                return b""
            await self._changed()
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self.waiting_bytes = 0
        if self._is_paused and not self._is_over():
            self._is_paused = False
            try:
                self._curl.pause(pycurl.PAUSE_CONT)
            except pycurl.error as error:  # of what had come already, and is looked at only now
                self._failure = _failure_of(error, self._curl)
        return data

    def close(self) -> None:
        """Let go of it: a connection whose answer is still coming is closed at once. Closing twice is closing once."""
        if not self._is_over():
            self._failure = HttpFailed("it was closed")
        if not self._transfer.done() and not self._multi.closed:
            self._multi.remove_handle(self._curl)
        self._curl.close()

    def _is_over(self) -> bool:
        """Whether nothing more comes; why, if that is a failure, is known from then on."""
        if self._failure is not None:
            return True
        if not self._transfer.done():
            return False
        if self._transfer.cancelled():
            self._failure = HttpFailed("it was closed")
        elif (error := self._transfer.exception()) is not None:
            self._failure = _failure_of(error, self._curl)
        return True

    def _told_again(self) -> HttpFailed | None:
        """The failure; a new one each time, for one that was raised holds all that it has passed."""
        return None if self._failure is None else type(self._failure)(*self._failure.args)

    def _changed(self) -> asyncio.Future[None]:
        """What to await until something comes, or the end; one waits at a time."""
        change = self._change = self._loop.create_future()
        return change

    def _wake(self) -> None:
        change, self._change = self._change, None
        if change is not None and not change.done():
            change.set_result(None)

    # What libcurl calls.

    def _take_header(self, line: bytes) -> None:
        if self.status >= _FIRST_FINAL:
            return  # a trailer: nothing here believes it (RFC 9110, 6.5.1)
        if not self.headers:
            self.headers[_STATUS] = line.split()[1].decode("latin-1")
        elif name_and_value := line.strip():
            name, _, value = name_and_value.decode("latin-1").partition(":")
            self.headers[name.strip().lower()] = value.strip()
        else:
            self.status = int(self.headers.pop(_STATUS))
            if self.status < _FIRST_FINAL:
                self.headers.clear()
            self._wake()

    def _take(self, piece: bytes) -> int | None:
        if self.waiting_bytes > MAX_WAITING_BYTES:
            self._is_paused = True
            paused: int = pycurl.WRITEFUNC_PAUSE
            return paused
        self._pieces.append(piece)
        self.waiting_bytes += len(piece)
        self._wake()
        return None

    def _over(self, _: asyncio.Future[pycurl.Curl]) -> None:
        self._is_over()
        self._wake()


def request(
    url: str, *, body: bytes, headers: Mapping[str, str], connect_seconds: float, proxy: str = "", no_proxy: str = ""
) -> pycurl.Curl:
    """A POST, to be asked by HttpAnswer. ``proxy`` is a URL, empty for none; ``no_proxy`` as in the environment."""
    curl = pycurl.Curl()
    options: dict[int, Any] = {
        pycurl.URL: url.encode(),
        pycurl.POSTFIELDS: body,
        # An empty one takes a header away that libcurl would send: nobody has to be asked before a long body.
        pycurl.HTTPHEADER: [*(f"{name}: {value}" for name, value in headers.items()), "Expect:"],
        # To leave an answer is to close its connection.
        pycurl.HTTP_VERSION: pycurl.CURL_HTTP_VERSION_1_1,
        # No compression is asked for, it would hold tokens back; what comes compressed all the same is read.
        pycurl.ACCEPT_ENCODING: "identity",
        pycurl.CONNECTTIMEOUT_MS: max(1, round(1000 * connect_seconds)),
        pycurl.MAXAGE_CONN: KEPT_SECONDS,
        pycurl.NOSIGNAL: 1,
        pycurl.PROTOCOLS: pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS,
        # Always said: libcurl would look for one in the environment by rules of its own.
        pycurl.PROXY: os.fsencode(proxy),
        pycurl.NOPROXY: os.fsencode(no_proxy),
        _SUPPRESS_CONNECT_HEADERS: 1,
        **_trusted(url, pycurl.CAINFO, pycurl.CAPATH),
        **_trusted(proxy, pycurl.PROXY_CAINFO, pycurl.PROXY_CAPATH),
    }
    for option, value in options.items():
        curl.setopt(option, value)
    return curl


def _trusted(url: str, file_option: int, folder_option: int) -> dict[int, bytes]:
    """For TLS: whom Python trusts, SSL_CERT_FILE and SSL_CERT_DIR among them; nothing where it knows no place."""
    if not url.lower().startswith("https:"):
        return {}
    paths = ssl.get_default_verify_paths()
    places = {file_option: paths.cafile, folder_option: paths.capath}
    return {option: os.fsencode(place) for option, place in places.items() if place}


def _failure_of(error: BaseException, curl: pycurl.Curl) -> HttpFailed:
    code, words = error.args if isinstance(error, pycurl.error) and len(error.args) == 2 else (0, "")
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return ConnectTimeout("no connection in time")  # no other time is limited here
    if (refused := curl.getinfo(pycurl.HTTP_CONNECTCODE)) >= 300:
        return HttpFailed(f"the proxy answered {refused}")
    if code in _OWN_WORDS:
        return HttpFailed(words)
    return HttpFailed(_WORDS.get(code, f"libcurl gives up with its error {code}"))
