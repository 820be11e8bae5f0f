"""Chunkers that are simple enough to see through; incremental like the real ones."""

from __future__ import annotations


class EveryCharacters:
    """Cuts after every ``size`` code points."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._rest = ""

    def feed(self, text: str) -> list[str]:
        self._rest += text
        whole = len(self._rest) - len(self._rest) % self._size
        chunks = [self._rest[at : at + self._size] for at in range(0, whole, self._size)]
        self._rest = self._rest[whole:]
        return chunks

    def flush(self) -> list[str]:
        rest, self._rest = self._rest, ""
        return [rest] if rest else []


def every(size: int) -> EveryCharacters:
    """A new chunker."""
    return EveryCharacters(size)
