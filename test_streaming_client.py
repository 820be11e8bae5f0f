"""The command-line client: asks one question and prints the answer while it arrives.

Knows what a client sees on the wire (docs/client.md) and nothing of the server's code: this file works alone.
It holds no tests; its name is the one the user's guide gives it.
"""

from __future__ import annotations

import json
import random
import re
import sys
import time
import uuid
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, closing, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import click
import httpx
from httpx_sse import EventSource, SSEError, connect_sse

Frame = dict[str, Any]

DOORS = {"smart": "stream_chat_smart", "basic": "stream_chat", "advanced": "stream_chat_advanced"}
EXITS = {"complete": 0, "error": 1, "timeout": 4, "cancelled": 5}
LOST, UNAUTHORIZED, INTERRUPTED = 3, 6, 130
# What a later attempt may cure: the server's "busy", and what a proxy says while the server restarts.
TRY_AGAIN = frozenset({408, 429, 502, 503, 504})
FIRST_BACKOFF_SECONDS, LONGEST_BACKOFF_SECONDS = 0.25, 15.0
# Frames that are neither progress nor answer are shown as they came, without the fields of no interest.
MORE_THAN_TEXT = frozenset({"queued", "tool_call", "tool_result", "media", "input_required"})
TEXT = r"[^\ud800-\udfff]+"  # lone surrogates are what Python makes of arguments that are no UTF-8
WRITTEN = {
    "url": r"https?://(\[[0-9a-f:.]+\]|[^/\s:\[\]]+)(:[0-9]{1,5})?(/\S*)?",
    "token": r"[!-~]+",
    "chunking": r"[^:]+(:[0-9]+)?",
}
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)")


class GaveUp(Exception):
    """The stream cannot be had, or not to its end; says why."""


class Interrupted(Exception):
    """One attempt did not reach the end, another may, after the seconds that the server asked for."""

    def __init__(self, reason: str, retry_after: str = "") -> None:
        super().__init__(reason)
        self.retry_after = float(retry_after) if retry_after.isdecimal() else None


@dataclass(slots=True, kw_only=True)
class Stream:
    """One question's frames, over as many connections as it takes.

    Until an id was seen the same POST is repeated under the same Idempotency-Key; from then on the stream is
    resumed after the last id. ``retries`` counts attempts in a row that brought nothing new. Knows no screen:
    ``note`` is told about every failed attempt in one sentence.
    """

    client: httpx.Client
    door: str
    body: Frame
    retries: int
    note: Callable[[str], None]
    sleep: Callable[[float], None] = time.sleep
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    stream_id: str | None = None
    last_event_id: str | None = None

    def frames(self) -> Generator[Frame, None, None]:
        """Every frame up to the terminal one; GaveUp when the stream cannot be had."""
        failures = 0
        while True:
            seen = self.last_event_id
            try:
                yield from self._read()
                return
            except Interrupted as problem:
                failures = 1 if self.last_event_id != seen else failures + 1
                self._wait(problem, failures)

    def _read(self) -> Generator[Frame, None, None]:
        try:
            with self._connect() as source:
                self.stream_id = source.response.headers.get("X-Stream-Id", self.stream_id)
                yield from self._until_the_end(source) if source.response.is_success else self._refused(source)
        except (SSEError, ValueError) as error:  # first: an SSEError is a TransportError too
            raise GaveUp(f"this is not a chat stream: {error}") from error
        except httpx.TransportError as error:
            raise Interrupted(f"no connection ({error or type(error).__name__})") from error

    def _connect(self) -> AbstractContextManager[EventSource]:
        if self.last_event_id is None:
            identity = {"Idempotency-Key": self.key}
            return connect_sse(self.client, "POST", f"/api/{self.door}", json=self.body, headers=identity)
        cursor = {"Last-Event-ID": self.last_event_id}
        return connect_sse(self.client, "GET", f"/api/streams/{self.stream_id}", headers=cursor)

    def _until_the_end(self, source: EventSource) -> Generator[Frame, None, None]:
        for event in source.iter_sse():
            if event.id:
                self.last_event_id = event.id
                self.stream_id = self.stream_id or event.id.rpartition(":")[0]
            if event.data:  # httpx-sse makes an empty event of a keep-alive once an id was seen
                frame = as_frame(event.data)
                yield frame
                if frame.get("is_complete"):
                    return
        # A clean close is no end: proxies and dying servers close cleanly too.
        raise Interrupted("the stream stopped before its end")

    def _refused(self, source: EventSource) -> Generator[Frame, None, None]:
        frame, response = error_frame(source), source.response
        reason = f"HTTP {response.status_code}: {frame['error']}"
        if response.status_code in TRY_AGAIN:
            raise Interrupted(reason, response.headers.get("Retry-After", ""))
        if self.last_event_id is not None and response.status_code != httpx.codes.UNAUTHORIZED:
            raise GaveUp(f"the stream cannot be resumed: {reason}")
        yield frame

    def _wait(self, problem: Interrupted, failures: int) -> None:
        if failures > self.retries:
            raise GaveUp(f"gave up: {problem}") from problem
        if (seconds := problem.retry_after) is None:  # doubling, with jitter: clients must not all come back at once
            seconds = random.uniform(0.5, 1) * min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2**failures)
        self.note(f"{problem}; attempt {failures} of {self.retries} in {seconds:.1f} s")
        self.sleep(seconds)


def as_frame(data: str) -> Frame:
    """The frame in one event's data; ValueError if there is none."""
    frame = json.loads(data)
    if not isinstance(frame, dict):
        raise ValueError("an event that is no JSON object")
    return frame


def error_frame(source: EventSource) -> Frame:
    """A refusal's only frame, or one made from the status where a proxy answered instead."""
    response = source.response
    frame = {"error": response.reason_phrase or "refused", "status": "error", "is_complete": True}
    if response.status_code == httpx.codes.UNAUTHORIZED:
        frame["code"] = "unauthorized"
    with suppress(SSEError, ValueError):
        for event in source.iter_sse():
            frame |= as_frame(event.data)
    return frame


def cancel(client: httpx.Client, stream_id: str | None) -> str:
    """Stop the work on the server; a sentence that says what the server answered."""
    if not stream_id:
        return "interrupted before the server answered: nothing to cancel yet"
    try:
        answer = client.delete(f"/api/streams/{stream_id}")
    except (httpx.TransportError, KeyboardInterrupt) as error:
        return f"interrupted; the server could not be told ({error or type(error).__name__})"
    return f"interrupted; the server answered HTTP {answer.status_code}: {answer.text}"


@dataclass(slots=True)
class Screen:
    """The answer on standard output, to the byte; everything else on standard error, a line each."""

    started: float = field(default_factory=time.monotonic)
    first_text: float | None = None
    chunks: int = 0
    characters: int = 0
    in_line: bool = False

    def elapsed(self) -> float:
        return time.monotonic() - self.started

    def answer(self, text: str) -> None:
        self.first_text = self.first_text or self.elapsed()
        self.chunks += 1
        self.characters += len(text)
        on_terminal = sys.stdout.isatty()
        self.in_line = on_terminal and not text.endswith("\n")
        # A pipe gets the answer as it is; a terminal must not be steered by what a model wrote.
        click.echo((CONTROLS.sub("\ufffd", text) if on_terminal else text).encode(errors="replace"), nl=False)

    def say(self, line: str) -> None:
        click.echo("\n" * self.in_line + CONTROLS.sub("\ufffd", line), err=True)
        self.in_line = False

    def show(self, frame: Frame) -> None:
        """Show one frame; what is unknown is ignored, as the contract asks."""
        if frame.get("status") == "streaming":
            self.answer(frame["data"])
        elif frame.get("is_complete") and "error" in frame:
            self.say(f"{frame.get('status')}: {frame['error']} ({frame.get('code', 'no code')})")
        elif line := describe(frame):
            percent, elapsed = frame.get("progress") or 0, frame.get("elapsed_time") or self.elapsed()
            self.say(f"[{percent:3.0f} % {elapsed:6.1f} s] {line}")

    def summary(self, ending: str) -> None:
        """One line: total time, time to the first text, chunks, speed from the first text on."""
        line = f"{self.elapsed():.2f} s"
        if self.first_text is not None:
            speed = self.characters / max(self.elapsed() - self.first_text, 0.001)
            line += f", first text after {self.first_text:.2f} s"
            line += f", {self.chunks} chunks, {self.characters} characters, {speed:.0f} characters/s"
        self.say(f"{ending} ({line})")


def describe(frame: Frame) -> str:
    """What a frame says beside the answer; empty for most."""
    if frame.get("status") in MORE_THAN_TEXT:
        shown = {name: frame[name] for name in frame if name not in ("success", "data", "status", "content")}
        return f"{frame['status']} {json.dumps(shown, ensure_ascii=False)}"
    remaining = frame.get("remaining_time")
    return (frame.get("message") or "") + (f" (about {remaining:.0f} s left)" if remaining else "")


def ask(stream: Stream, screen: Screen) -> int:
    """Show the stream to its end; the exit status."""
    try:
        with closing(stream.frames()) as frames:
            for frame in frames:
                screen.show(frame)
    except GaveUp as reason:
        screen.summary(str(reason))
        return LOST
    screen.summary(str(frame.get("status")))
    return UNAUTHORIZED if frame.get("code") == "unauthorized" else EXITS.get(str(frame.get("status")), EXITS["error"])


def given(arguments: Frame) -> Frame:
    """The arguments that were given; a usage error for what could never be sent."""
    present = {name: value for name, value in arguments.items() if value is not None}
    for name, value in present.items():
        if isinstance(value, str) and not re.fullmatch(WRITTEN.get(name, TEXT), value):
            raise click.BadParameter("it is empty, or not written as it must be", param_hint=name.upper())
    if "chunking" in present:
        strategy, colon, size = present["chunking"].partition(":")
        present["chunking"] = {"strategy": strategy} | ({"size": int(size)} if colon else {})
    return present


@click.command(
    context_settings={"auto_envvar_prefix": "STREAMCHAT_CLIENT", "help_option_names": ["-h", "--help"]},
    epilog="""\b
Exit status:
    0  complete
    1  the server refused the question or failed at it
    2  wrong usage
    3  could not connect, or gave up resuming
    4  the answer took longer than allowed
    5  cancelled by someone else
    6  unauthorized: no valid token
  130  interrupted by Ctrl-C; the work on the server was cancelled""",
)
@click.argument("username")
@click.argument("message")
@click.argument("token", envvar="STREAMCHAT_CLIENT_TOKEN")
@click.option("--url", default="http://127.0.0.1:5001", show_default=True)
@click.option("--door", type=click.Choice(list(DOORS)), default="smart", show_default=True)
@click.option("--lang", type=click.Choice(["zh", "en"]), help="Language of progress and errors.")
@click.option("--pace", type=click.Choice(["natural", "none"]), help="none: chunks as soon as they exist.")
@click.option("--prompt", help="Instructions beside the profile's own.")
@click.option("--prompt-mode", type=click.Choice(["append", "replace"]))
@click.option("--conversation-id", help="Go on with this conversation.")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), help="Seconds; may only shorten the limit.")
@click.option("--on-disconnect", type=click.Choice(["cancel", "continue", "grace"]))
@click.option("--chunking", metavar="STRATEGY[:SIZE]")
@click.option("--cache/--no-cache", default=None, help="May the answer come from the server's cache?")
@click.option("--retries", type=click.IntRange(0), default=5, show_default=True, help="Attempts in a row.")
@click.option("--stall", type=click.FloatRange(1), default=60, show_default=True, help="Seconds of silence.")
def main(token: str, url: str, door: str, retries: int, stall: float, **question: object) -> None:
    """Ask the profile USERNAME the question MESSAGE and print the answer while it arrives.

    Progress goes to standard error, the answer alone to standard output. TOKEN may be left out when
    STREAMCHAT_CLIENT_TOKEN holds it; every option has such a variable too (STREAMCHAT_CLIENT_URL, ...).
    A dropped connection is resumed where it broke, a silent one (--stall) counts as dropped.
    """
    given({"url": url, "token": token})
    body = given(question)
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}  # compression holds frames back
    connect = partial(httpx.Client, base_url=url, headers=headers, timeout=httpx.Timeout(10, read=stall))
    screen = Screen()
    with connect() as client:
        stream = Stream(client=client, door=DOORS[door], body=body, retries=retries, note=screen.say)
        try:
            status = ask(stream, screen)
        except KeyboardInterrupt:
            status = INTERRUPTED
            with connect() as fresh:  # the interrupted one may be in any state
                screen.summary(cancel(fresh, stream.stream_id))
    sys.exit(status)


if __name__ == "__main__":
    main()
