"""What a worker process is asked to run in tests: functions that answer, hang, resist and die."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from typing import Any

import streamchat
from streamchat.turns.process_query import BoundFunction

AGES = 600.0


def load(spec: str, folder: str | None = None) -> BoundFunction:
    """What a child calls when it begins."""
    return BoundFunction(streamchat.load(spec, folder), spec)


def load_at_the_gate(spec: str, gate: str) -> BoundFunction:
    """The same, once somebody has opened the gate, a named pipe, and closed it again."""
    with open(gate, encoding="utf-8") as opened:
        opened.read()
    return load(spec)


class LoadAfterTheGate:
    """A ``load`` that takes its time before it can be called: an import that comes with being unpickled."""

    def __init__(self, spec: str, gate: str) -> None:
        self._arguments = (spec, gate)

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickle_after_the_gate, self._arguments

    def __call__(self) -> BoundFunction:
        raise AssertionError("this one is never called, what becomes of it is")


def _unpickle_after_the_gate(spec: str, gate: str) -> Any:
    load_at_the_gate(spec, gate)
    return partial(load, spec)


def cannot_load() -> BoundFunction:
    raise ImportError("no such module")


def pid(message: str) -> str:
    return str(os.getpid())


said: ContextVar[str] = ContextVar("said", default="nothing")


def say(text: str) -> None:
    """What a worker is entered with: a ContextVar can't be pickled."""
    said.set(text)


def what_was_said(message: str) -> str:
    return said.get()


def answer(message: str, username: str, deadline: float, history: list[Any]) -> str:
    return f"{message} {username} {deadline} {history}"


def size_of_attachments(message: str, attachments: Any) -> str:
    return ", ".join(f"{one.media_type} {one.name} {len(one.content)}" for one in attachments)


async def coroutine(message: str) -> str:
    await asyncio.sleep(0)
    return message


def counts(message: str, usage: Any) -> str:
    usage(12, 0)
    usage(12, 40)
    return message


def pieces(message: str, progress: Any, tool_call: Any, tool_result: Any) -> Iterator[str]:
    progress("searching", 40)
    call_id = tool_call("search", {"query": message})
    tool_result(call_id, "search", ["found"])
    yield from ("你好", " 😀", "\r\n")


async def async_pieces(message: str) -> AsyncIterator[str]:
    for word in ("你好", " 😀", "\r\n"):
        await asyncio.sleep(0)
        yield word


def asks(message: str, ask: Any, inbox: Any) -> str:
    return f"{ask('Your name?')} {ask('Age?', schema={'type': 'integer'})} {inbox.get()} {list(inbox)}"


async def asks_async(message: str, ask: Any, inbox: Any) -> str:
    return f"{await ask('Your name?')} {await ask('Age?')} {await inbox.get()} {list(inbox)}"


def asks_in_vain(message: str, ask: Any) -> str:
    try:
        return str(ask("Your name?"))
    except TimeoutError as error:
        return type(error).__name__


def asks_from(message: str, ask: Any) -> Iterator[str]:
    yield str(os.getpid())
    yield str(ask("Your name?"))


def big(message: str) -> str:
    return "好" * int(message)


def endless(message: str) -> Iterator[str]:
    yield str(os.getpid())
    while True:
        yield "x" * 10_000


def not_text(message: str) -> Any:
    return {"text": message}


def raises(message: str) -> str:
    raise ValueError("told you")


def exits(message: str) -> str:
    raise SystemExit(3)


# The ones that have to be stopped say first which process they are.


def sleeps(message: str) -> Iterator[str]:
    yield str(os.getpid())
    time.sleep(AGES)


def is_busy(message: str) -> Iterator[str]:
    yield str(os.getpid())
    while True:
        pass


def ignores_sigterm(message: str) -> Iterator[str]:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    yield str(os.getpid())
    while True:
        time.sleep(AGES)


def swallows_everything(message: str) -> Iterator[str]:
    yield str(os.getpid())
    while True:
        with suppress(BaseException):
            time.sleep(AGES)


async def waits(message: str) -> AsyncIterator[str]:
    yield str(os.getpid())
    await asyncio.Event().wait()


def dies(message: str) -> Iterator[str]:
    yield "last words"
    os._exit(3)


def dies_at_once(message: str) -> str:
    os._exit(3)


def crashes(message: str) -> Iterator[str]:
    yield "last words"
    ctypes.string_at(0)
