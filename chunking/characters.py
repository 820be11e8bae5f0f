"""Strategy ``characters``: a fixed number of user-perceived characters a chunk; the basic door's own.

``size`` counts clusters (UAX #29), not code points. Knows no words.
"""

from __future__ import annotations

from streamchat.chunking.clusters import next_cluster_ends


class Characters:
    """Cuts after every ``size`` clusters."""

    __slots__ = ("_at", "_missing", "_size", "_text")

    def __init__(self, size: int) -> None:
        self._size = size
        self._text = ""
        self._at = 0  # where the clusters that are counted end
        self._missing = size  # clusters that the chunk in hand still lacks

    def feed(self, text: str) -> list[str]:
        self._text += text
        return self._cut(final=False)

    def flush(self) -> list[str]:
        chunks = self._cut(final=True)
        return [*chunks, self._text] if self._text else chunks

    def _cut(self, *, final: bool) -> list[str]:
        text, start, chunks = self._text, 0, list[str]()
        while ends := next_cluster_ends(text, self._at, final=final):
            cuts = ends[self._missing - 1 :: self._size]
            chunks += [text[begin:end] for begin, end in zip((start, *cuts), cuts, strict=False)]
            self._missing = self._size - (self._size - self._missing + len(ends)) % self._size
            self._at, start = ends[-1], cuts[-1] if cuts else start
        self._text, self._at = text[start:], self._at - start
        return chunks
