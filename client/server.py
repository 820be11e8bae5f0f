"""The server over HTTP: follow a stream to its end, stop it, answer its questions, look up lists. Knows no screen."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import httpx
from httpx_sse import EventSource, SSEError, connect_sse

from streamchat.client.exits import CannotGoOn, Exit
from streamchat.client.frames import Frame, as_frame, is_of_no_chat, text_in
from streamchat.client.pursuit import TRY_AGAIN, Broken, GaveUp, Pursuit

CONNECT_SECONDS = 10.0
# A short call that is not answered by then is worth a word to the user.
ANSWER_SECONDS = 10.0


class NoAnswer(CannotGoOn):
    """A short call failed; says why. ``code`` is the server's, empty when no chat server could be reached."""

    def __init__(self, sentence: str, code: str = "") -> None:
        super().__init__(sentence, Exit.UNAUTHORIZED if code == "unauthorized" else Exit.REFUSED if code else Exit.LOST)
        self.code = code


class Server:
    """Each call has a connection of its own: after a Ctrl-C the interrupted one may be in any state.

    ``stall_seconds`` of silence count as a lost connection. ``sleep`` waits between attempts. ``lang`` is that of
    errors.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        lang: str | None = None,
        stall_seconds: float = 60.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        # Compression would hold frames back.
        headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
        # In the address the language is known to refusals too, whose body nobody has read.
        params = {} if lang is None else {"lang": lang}
        verify = httpx.create_ssl_context()
        self._client = partial(httpx.Client, base_url=url, headers=headers, params=params, verify=verify)
        self._stall_seconds = stall_seconds
        self._sleep = sleep

    def frames(self, pursuit: Pursuit, note: Callable[[str], None]) -> Generator[Frame, None, None]:
        """Every frame up to the terminal one; GaveUp when it cannot be had. ``note`` is told of failed attempts."""
        with self._client(timeout=httpx.Timeout(CONNECT_SECONDS, read=self._stall_seconds)) as client:
            while True:
                try:
                    yield from _read(client, pursuit)
                    return
                except Broken as problem:
                    seconds, sentence = pursuit.wait_after(problem)
                    note(sentence)
                    self._sleep(seconds)

    def cancel(self, stream_id: str) -> Frame:
        """Stop the work itself; the true state, as the server says it."""
        return self._call("DELETE", f"/api/streams/{stream_id}")

    def give_input(self, stream_id: str, given: Any, request_id: str) -> None:  # noqa: ANN401 - any JSON value
        """Answer a question of the backend; NoAnswer says what is wrong with the answer."""
        self._call("POST", f"/api/streams/{stream_id}/input", {"input": given, "request_id": request_id})

    def get(self, path: str) -> Frame:
        """What lies at a path of the API."""
        return self._call("GET", path)

    def _call(self, method: str, path: str, body: Frame | None = None) -> Frame:
        try:
            with self._client(timeout=httpx.Timeout(ANSWER_SECONDS)) as client:
                response = client.request(method, path, json=body)
        except (httpx.TransportError, httpx.InvalidURL, UnicodeError) as error:
            raise NoAnswer(f"no connection ({error or type(error).__name__})") from error
        answer = _json_of(response)
        if response.is_success and answer is not None:
            return answer
        raise _refusal(response, answer or {})


def _read(client: httpx.Client, pursuit: Pursuit) -> Generator[Frame, None, None]:
    try:
        with _connect(client, pursuit) as source:
            response = source.response
            if response.is_success:
                pursuit.connected(response.headers)
                yield from _until_the_end(source, pursuit)
            else:
                frame = _error_frame(source)
                yield pursuit.refused(response.status_code, frame, response.headers.get("Retry-After", ""))
    except (SSEError, ValueError, httpx.InvalidURL) as error:  # first: an SSEError is a TransportError too
        raise GaveUp(f"this is not a chat stream: {error}") from error
    except httpx.TransportError as error:
        raise Broken(f"no connection ({error or type(error).__name__})") from error


def _connect(client: httpx.Client, pursuit: Pursuit) -> AbstractContextManager[EventSource]:
    method, path, headers, body = pursuit.request()
    return connect_sse(client, method, path, headers=headers, **({} if body is None else {"json": body}))


def _until_the_end(source: EventSource, pursuit: Pursuit) -> Generator[Frame, None, None]:
    if source.response.status_code == httpx.codes.NO_CONTENT:
        raise GaveUp("the server says that all was shown, but the end never came here")
    for event in source.iter_sse():
        pursuit.saw(event.id)
        if event.data:  # httpx-sse makes an empty event of a keep-alive once an id was seen
            frame = as_frame(event.data)
            yield frame
            if frame.get("is_complete") is True:
                return
    # A clean close is no end: proxies and dying servers close cleanly too.
    raise Broken("the stream stopped before its end")


def _error_frame(source: EventSource) -> Frame:
    """A refusal's only frame, or one made from the status where a proxy answered instead: without a code, then."""
    response = source.response
    frame = {"error": response.reason_phrase or "refused", "status": "error", "is_complete": True}
    if response.status_code == httpx.codes.UNAUTHORIZED:
        frame["code"] = "unauthorized"
    try:
        for event in source.iter_sse():
            frame |= as_frame(event.data)
    except SSEError:  # no event stream
        response.read()
        frame |= _json_of(response) or {}
    except ValueError:
        pass
    return frame


def _json_of(response: httpx.Response) -> Frame | None:
    try:
        return as_frame(response.text)
    except ValueError:
        return None


def _refusal(response: httpx.Response, answer: Frame) -> NoAnswer:
    said = f"HTTP {response.status_code}: {text_in(answer, 'error') or response.reason_phrase or 'refused'}"
    if response.status_code == httpx.codes.UNAUTHORIZED:
        return NoAnswer(said, "unauthorized")
    if response.status_code in TRY_AGAIN and not text_in(answer, "code"):
        return NoAnswer(said)  # a proxy before a server that is down
    if is_of_no_chat(answer):
        return NoAnswer(f"no chat server answered: {said}")
    return NoAnswer(said, text_in(answer, "code"))
