"""A line that a user types: edited and remembered on a terminal, read as it comes from a pipe."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamchat.client.exits import CannotGoOn, Exit

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession


class PromptLine:
    """Reads from the terminal, with editing, pasting, and the earlier lines at the arrow keys.

    ``history_file`` keeps the lines for the next time; without it they are forgotten at the end. Answers to questions
    of the backend are typed without it. EOFError is Ctrl-D, KeyboardInterrupt Ctrl-C.
    """

    def __init__(self, words: Sequence[str] = (), history_file: Path | None = None) -> None:
        # Loaded for those who type: it takes as long as all the rest.
        from prompt_toolkit import PromptSession
        from prompt_toolkit.completion import WordCompleter
        from prompt_toolkit.history import FileHistory, InMemoryHistory
        from prompt_toolkit.output import create_output

        output = create_output(stdout=sys.stdout if sys.stdout.isatty() else sys.stderr)
        history: Any = InMemoryHistory() if history_file is None else FileHistory(_private(history_file))
        completer = WordCompleter(list(words), sentence=True)
        self._session: PromptSession[str] = PromptSession(
            history=history, completer=completer, complete_while_typing=False, output=output
        )
        self._aside: PromptSession[str] = PromptSession(output=output)

    def read(self, prompt: str) -> str:
        """The next line, or lines if they were pasted."""
        return self._session.prompt(prompt)

    def read_aside(self, prompt: str) -> str:
        """A line that is not remembered."""
        return self._aside.prompt(prompt)


class PipedLines:
    """Lines of standard input, without a prompt."""

    def read(self, prompt: str) -> str:
        """The next line; EOFError after the last."""
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line.rstrip("\n")


def _private(path: Path) -> str:
    """The path of a file that nobody else may read; made if it is not there."""
    try:
        path.touch(mode=0o600)
    except OSError as error:
        raise CannotGoOn(f"cannot write the history file {path}: {error.strerror}", Exit.USAGE) from error
    return str(path)
