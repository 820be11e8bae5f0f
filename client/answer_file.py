"""The answer in a file, written while it arrives: what was there when it broke off is kept."""

from __future__ import annotations

from pathlib import Path
from typing import IO


class AnswerFile:
    """Takes the answer piece by piece, to the byte. An answer that never begins leaves an older file as it is.

    A file that cannot be written does not end the answer: it is told at the end, and ``has_failed``.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None
        self._characters = 0
        self._problem = ""

    @property
    def has_failed(self) -> bool:
        """Whether something of the answer is not in the file."""
        return bool(self._problem)

    def take(self, text: str) -> None:
        """Write the next piece."""
        if self.has_failed:
            return
        try:
            if self._file is None:
                self._file = self._path.open("wb", buffering=0)
            self._file.write(text.encode(errors="replace"))
            self._characters += len(text)
        except OSError as error:
            self._problem = f"cannot save to {self._path}: {error.strerror}"

    def close(self, *, is_whole: bool) -> str:
        """No more comes; a sentence about what was saved."""
        if self._file is not None:
            self._file.close()
        if self.has_failed:
            return self._problem
        if self._file is None:
            return f"nothing saved to {self._path}: no answer came"
        return f"saved {self._characters} characters to {self._path}{'' if is_whole else ' (the answer is not whole)'}"
