"""One question over as many connections as it takes: what to ask for next, and when to stop trying.

Pure: no socket, no clock; chance comes from outside. Until an id was seen the same POST is repeated under the same
Idempotency-Key, and the server attaches it to the stream that the first one started; from then on the stream is resumed
after the last id. Attempts in a row that bring nothing new are counted, and bounded.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import quote, unquote

from streamchat.client.exits import CannotGoOn, Exit
from streamchat.client.frames import Frame, is_of_no_chat

# What a later attempt may cure: the server's "busy", and what a proxy says while the server restarts.
TRY_AGAIN = frozenset({408, 429, 502, 503, 504})
FIRST_BACKOFF_SECONDS, LONGEST_BACKOFF_SECONDS = 0.25, 15.0
# Whoever is told to come back later than this is told so, and may decide.
LONGEST_OBEYED_SECONDS = 120.0


class GaveUp(CannotGoOn):
    """The stream cannot be had, or not to its end; says why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, Exit.LOST)


class Broken(Exception):
    """One attempt did not reach the end, another may, after the seconds that the server asked for."""

    def __init__(self, reason: str, retry_after: str = "") -> None:
        super().__init__(reason)
        self.retry_after = float(retry_after) if retry_after.isdecimal() and retry_after.isascii() else None


class Request(NamedTuple):
    """What to ask the server next."""

    method: str
    path: str
    headers: dict[str, str]
    body: Frame | None


@dataclass(slots=True, kw_only=True)
class Pursuit:
    """``path`` is the door's, ``body`` the question; the ids become known as the server says them."""

    path: str
    body: Frame
    retries: int
    chance: Callable[[float, float], float] = random.uniform
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    stream_id: str | None = None
    conversation_id: str | None = None
    last_event_id: str | None = None
    _failures: int = 0
    _last_at_failure: str | None = None

    def request(self) -> Request:
        """The next connection's request."""
        if self.last_event_id is None or self.stream_id is None:
            return Request("POST", self.path, {"Idempotency-Key": self.key}, self.body)
        headers = {"Last-Event-ID": self.last_event_id}
        return Request("GET", f"/api/streams/{quote(self.stream_id, safe='')}", headers, None)

    def connected(self, headers: Mapping[str, str]) -> None:
        """A stream has begun; its headers name it."""
        self.stream_id = headers.get("X-Stream-Id") or self.stream_id
        named = headers.get("X-Conversation-Id")
        self.conversation_id = unquote(named) if named else self.conversation_id

    def saw(self, event_id: str) -> None:
        """An event had this id; an empty one says nothing."""
        if event_id:
            self.last_event_id = event_id
            self.stream_id = self.stream_id or event_id.rpartition(":")[0] or None

    def refused(self, status: int, frame: Frame, retry_after: str) -> Frame:
        """A refusal's frame if it is the question's end; Broken if another attempt may help, GaveUp if none can."""
        reason = f"HTTP {status}: {frame.get('error')}"
        if status in TRY_AGAIN:
            raise Broken(reason, retry_after)
        if status == HTTPStatus.UNAUTHORIZED:
            return frame
        if self.last_event_id is None:
            if is_of_no_chat(frame):
                raise GaveUp(f"no chat server answered: {reason}")
            return frame
        if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            raise GaveUp(f"the server knows this stream no more, the rest of it is gone ({reason})")
        raise GaveUp(f"the stream cannot be resumed: {reason}")

    def wait_after(self, problem: Broken) -> tuple[float, str]:
        """How many seconds to wait before the next attempt, and a sentence about it; GaveUp when it was the last."""
        self._failures = self._failures + 1 if self.last_event_id == self._last_at_failure else 1
        self._last_at_failure = self.last_event_id
        if self._failures > self.retries:
            raise GaveUp(f"gave up: {problem}") from problem
        seconds = self._backoff() if problem.retry_after is None else problem.retry_after
        if seconds > LONGEST_OBEYED_SECONDS:
            raise GaveUp(f"gave up: {problem}; the server asks to come back in {seconds:.0f} s") from problem
        return seconds, f"{problem}; attempt {self._failures} of {self.retries} in {seconds:.1f} s"

    def _backoff(self) -> float:
        """Doubling, with jitter: clients must not all come back at once."""
        longest: float = min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2.0**self._failures)
        return self.chance(0.5, 1.0) * longest
