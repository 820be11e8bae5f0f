"""The client on a terminal of its own, and what a user sees there: a pty, read by a terminal emulator."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyte

CLIENT = Path(__file__).parents[2] / "test_streaming_client.py"
PATIENCE_SECONDS = 30.0


class Screen:
    """A running client. ``lines`` is what its terminal shows, with what has scrolled away before it."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int, columns: int, rows: int) -> None:
        self.process = process
        self._terminal = terminal
        self._screen = pyte.HistoryScreen(columns, rows, history=2_000)
        self._stream = pyte.ByteStream(self._screen)
        self._changed = threading.Condition()
        self._is_over = False
        self.raw = b""
        self._reader = threading.Thread(target=self._read, name="screen")
        self._reader.start()

    @property
    def lines(self) -> list[str]:
        """Every line, without the blanks at its end."""
        with self._changed:
            width = self._screen.columns
            past = ["".join(line[column].data for column in range(width)) for line in self._screen.history.top]
            return [line.rstrip() for line in (*past, *self._screen.display)]

    @property
    def text(self) -> str:
        return "\n".join(self.lines).rstrip("\n")

    @property
    def shows_cursor(self) -> bool:
        return not self._screen.cursor.hidden

    def wait_for(self, *words: str) -> None:
        """Until all of them are on the screen."""
        self.wait_until(lambda text: all(word in text for word in words))

    def wait_until(self, condition: Callable[[str], bool]) -> None:
        with self._changed:
            found = self._changed.wait_for(lambda: condition(self.text) or self._is_over, PATIENCE_SECONDS)
        assert found, self.text
        assert condition(self.text), self.text

    def type(self, text: str) -> None:
        """As from the keyboard; ``\\r`` is the return key."""
        os.write(self._terminal, text.encode())

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.type("\x03")

    def exit_status(self) -> int:
        """Wait for the end, and for the last of what it printed."""
        status = self.process.wait(PATIENCE_SECONDS)
        self._reader.join(PATIENCE_SECONDS)
        return status

    def _read(self) -> None:
        while True:
            try:
                piece = os.read(self._terminal, 65_536)
            except OSError:  # what Linux says when the other end is closed
                piece = b""
            with self._changed:
                self.raw += piece
                self._stream.feed(piece)
                self._is_over = not piece
                self._changed.notify_all()
            if not piece:
                return
            if b"\x1b[6n" in piece:
                self._tell_cursor()

    def _tell_cursor(self) -> None:
        """What a terminal answers when it is asked where its cursor is."""
        cursor = self._screen.cursor
        os.write(self._terminal, f"\x1b[{cursor.y + 1};{cursor.x + 1}R".encode())


@contextmanager
def screen(
    *arguments: str, columns: int = 80, rows: int = 24, environment: Mapping[str, str] | None = None
) -> Iterator[Screen]:
    """The client with these arguments on a terminal of this size, ended at the latest with the block."""
    terminal, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    variables = {**os.environ, "TERM": "xterm-256color", "PYTHONDONTWRITEBYTECODE": "1", **(environment or {})}
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "STREAMCHAT_TOKEN", "STREAMCHAT_CLIENT_TOKEN"):
        if name not in (environment or {}):
            variables.pop(name, None)
    process = subprocess.Popen(
        [sys.executable, str(CLIENT), *arguments],
        stdin=other,
        stdout=other,
        stderr=other,
        env=variables,
        start_new_session=True,
        preexec_fn=_own_the_terminal,
    )
    os.close(other)
    shown = Screen(process, terminal, columns, rows)
    try:
        yield shown
    finally:
        if process.poll() is None:
            process.kill()
        shown.exit_status()
        os.close(terminal)


def _own_the_terminal() -> None:
    """Ctrl-C on this terminal reaches the child."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
