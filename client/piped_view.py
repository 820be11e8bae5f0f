"""An answer for a pipe: the answer alone on one output, to the byte; everything else on the other, a line each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import IO

import click

from streamchat.client.frames import Frame
from streamchat.client.happenings import Happening, Said, Stage
from streamchat.client.reading import Reading
from streamchat.client.safe_text import safe
from streamchat.client.wording import line_of


class PipedView:
    """``out`` takes the answer (None: it is not wanted), ``err`` the lines. A terminal gets the answer made safe."""

    def __init__(
        self, out: IO[bytes] | None, err: IO[str], *, is_terminal: bool, now: Callable[[], float] = monotonic
    ) -> None:
        self._out = out
        self._err = err
        self._is_terminal = is_terminal
        self._now = now
        self._started = 0.0
        self._is_in_line = False

    def begin(self, reading: Reading, started: float) -> None:
        self._started = started

    def show(self, frame: Frame, happenings: Sequence[Happening]) -> None:
        for happening in happenings:
            match happening:
                case Said(text=text):
                    self._answer(text)
                case Stage(percent=percent):
                    self._progress(line_of(happening), percent)
                case _:
                    self.say(line_of(happening))

    def say(self, sentence: str) -> None:
        self._close_line()
        if sentence:
            click.echo(safe(sentence), file=self._err)

    def end(self) -> None:
        self._close_line()

    def _progress(self, line: str, percent: float | None) -> None:
        if line:
            self.say(f"[{percent or 0:3.0f} % {self._now() - self._started:6.1f} s] {line}")

    def _answer(self, text: str) -> None:
        if self._out is None:
            return
        shown = safe(text) if self._is_terminal else text
        self._out.write(shown.encode(errors="replace"))
        self._out.flush()
        self._is_in_line = not text.endswith("\n")

    def _close_line(self) -> None:
        """On a terminal both outputs share the screen: a line beside the answer begins a line of its own."""
        if self._is_terminal and self._is_in_line:
            click.echo(file=self._err)
        self._is_in_line = False
