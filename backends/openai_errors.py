"""What can go wrong with an OpenAI-compatible server, each as an exception whose sentence may be logged.

The sentences have no key in them, and of the server's own words only a line. Knows no question.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

MAX_QUOTED_CHARACTERS: Final = 300

# Servers quote a wrong key, with some letters left out.
_KEY_LIKE = re.compile(r"(?:sk-|Bearer\s+)\S+")
_NO_CREDIT = ("insufficient_quota", "billing_hard_limit_reached")
# Statuses that say "not now" (RFC 9110; 529 is a custom of overloaded models).
_PASSING = (408, 409, 429)


class UpstreamFailed(Exception):
    """The server gave no whole answer. ``may_pass``: asking again may help, after ``wait_seconds`` if that is known."""

    def __init__(self, sentence: str, *, may_pass: bool = False, wait_seconds: float | None = None) -> None:
        super().__init__(sentence)
        self.may_pass = may_pass
        self.wait_seconds = wait_seconds


class Unreachable(UpstreamFailed):
    """Nobody answers at the address, or not as HTTP."""


class KeyRefused(UpstreamFailed):
    """The key is missing, wrong, or not allowed to ask this."""


class NotFound(UpstreamFailed):
    """The server has no such model, or no such address."""


class RateLimited(UpstreamFailed):
    """Too many questions for now, or no credit left."""


class ServerFailed(UpstreamFailed):
    """The server's own failure, or it has too much to do."""


class QuestionRefused(UpstreamFailed):
    """The server does not take this request: too long, a parameter it does not know, a redirect."""


class AnswerBroken(UpstreamFailed):
    """The answer ended without an end, or was no stream of chunks."""


class ContentFiltered(UpstreamFailed):
    """The server's content filter stopped the answer."""


class NoAnswer(UpstreamFailed):
    """The model ended without a word."""


def unreachable(where: str, why: str) -> Unreachable:
    """For a connection that failed before an answer came; ``where`` is the server's address."""
    return Unreachable(f"{where} can't be reached: {why}", may_pass=True)


def too_late(where: str) -> Unreachable:
    """For an answer that had not begun by the deadline."""
    return Unreachable(f"{where} did not answer in time", may_pass=True)


def failed_amid(where: str, key: str, said: object) -> ServerFailed:
    """An error that came in a chunk; ``said`` is what the chunk calls so."""
    return ServerFailed(f"{where} failed amid its answer: {_words(said, key)}", may_pass=_is_passing(_code(said)))


def cut_short(where: str) -> AnswerBroken:
    """For a connection that ended, in order or not, before the answer did."""
    return AnswerBroken(f"the answer of {where} broke off", may_pass=True)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from Retry-After (RFC 9110, 10.2.3: seconds or a date) or OpenAI's retry-after-ms."""
    for name, unit in (("retry-after-ms", 1000), ("retry-after", 1)):
        try:
            seconds = float(headers.get(name, "")) / unit
        except ValueError:
            continue
        return seconds if 0 <= seconds < float("inf") else None
    try:
        return max(0.0, parsedate_to_datetime(headers.get("retry-after", "")).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def refused(where: str, key: str, status: int, headers: Mapping[str, str], body: object) -> UpstreamFailed:
    """What a status that is no success means; ``body`` is JSON or a text."""
    said = body.get("error", body) if isinstance(body, Mapping) else body
    words = _words(said, key)
    if status in (401, 403):
        # Not its words: some servers quote the key.
        return KeyRefused(f"{where} refused the key ({status})" if key else f"{where} wants a key ({status})")
    if status == 404:
        return NotFound(f"{where} has no such model or address (404): {words}")
    if status == 402 or _code(said) in _NO_CREDIT:
        return RateLimited(f"{where} says that there is no credit left ({status}): {words}")
    wait_seconds = retry_after(headers)
    if status == 429:
        asked = "" if wait_seconds is None else f", to be asked again in {wait_seconds:g} s"
        return RateLimited(f"{where} limits the rate (429){asked}: {words}", may_pass=True, wait_seconds=wait_seconds)
    if status >= 500 or status in _PASSING:
        return ServerFailed(f"{where} failed ({status}): {words}", may_pass=True, wait_seconds=wait_seconds)
    if 300 <= status < 400:
        return QuestionRefused(f"{where} redirects ({status}), which is not followed: give the real address")
    return QuestionRefused(f"{where} refused the question ({status}): {words}")


def _is_passing(code: object) -> bool:
    """Whether an error in the stream has a code that would be worth another try as a status."""
    text = str(code)
    return text.isdigit() and (int(text) in _PASSING or int(text) >= 500)


def _code(said: object) -> object:
    return said.get("code") if isinstance(said, Mapping) else None


def _words(said: Any, key: str) -> str:  # noqa: ANN401 - whatever JSON may hold
    """What the server says of the error, wherever it puts it."""
    if isinstance(said, Mapping):
        said = said.get("message") or said.get("detail") or said.get("error") or ""
    if isinstance(said, Mapping):
        said = said.get("message") or ""
    return _line(said, key) or "no reason given"


def _line(text: object, key: str) -> str:
    """One line of the text, without the key or what looks like one."""
    line = " ".join(str(text).split())[: 4 * MAX_QUOTED_CHARACTERS]
    line = _KEY_LIKE.sub("[...]", line.replace(key, "[...]") if key else line)
    return line[:MAX_QUOTED_CHARACTERS]
