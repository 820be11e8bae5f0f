"""Every frame as one line of JSON, as it came; everything else on the other output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

import click

from streamchat.client.frames import Frame, as_line
from streamchat.client.happenings import Happening
from streamchat.client.reading import Reading
from streamchat.client.safe_text import safe


class JsonView:
    """``fields`` are added to each line: what the frame itself does not say."""

    def __init__(self, out: IO[bytes], err: IO[str], fields: Frame) -> None:
        self._out = out
        self._err = err
        self._fields = fields

    def begin(self, reading: Reading, started: float) -> None:
        pass

    def show(self, frame: Frame, happenings: Sequence[Happening]) -> None:
        self._out.write(as_line(self._fields | frame).encode() + b"\n")
        self._out.flush()

    def say(self, sentence: str) -> None:
        click.echo(safe(sentence), file=self._err)

    def end(self) -> None:
        pass
