"""Counts what left for one reader: locally, because an observer is told of nothing before the end."""

from __future__ import annotations

from bisect import bisect_left
from time import monotonic

from streamchat.presenting.frames import AnyFrame, Chunk
from streamchat.turns.observer import GAP_SECONDS, Delivery, Leaving

_BUCKETS = len(GAP_SECONDS) + 1


class Tally:
    """The figures of one reader's frames. Knows no connection."""

    __slots__ = (
        "_code",
        "_end",
        "_first_chunk_at",
        "_first_frame_at",
        "_gaps",
        "_last_chunk",
        "_last_chunk_at",
        "_missed_characters",
        "_missed_chunks",
        "_others",
        "_received_at",
    )

    def __init__(self, received_at: float) -> None:
        """``received_at`` is when the reader's request came, in ``time.monotonic()`` seconds."""
        self._received_at = received_at
        self._first_frame_at: float | None = None
        # Chunks say their place in the answer: with what was before the first, the last one is enough.
        self._missed_chunks = self._missed_characters = 0
        self._last_chunk: Chunk | None = None
        self._first_chunk_at: float | None = None
        self._last_chunk_at = 0.0
        self._others = 0  # frames that are no chunks
        self._gaps = [0] * _BUCKETS
        self._end = self._code = ""

    def count(self, frames: list[AnyFrame]) -> None:
        """These have left now."""
        now = monotonic()
        if self._first_frame_at is None and frames:
            self._first_frame_at = now
        first: Chunk | None = None
        last: Chunk | None = None
        for frame in frames:
            if type(frame) is Chunk:
                if first is None:
                    first = frame
                last = frame
                continue
            self._others += 1
            if frame.is_terminal:
                self._end, self._code = frame.payload["status"], frame.payload.get("code", "")
        if first is not None and last is not None:
            self._count_chunks(first, last, now)

    def _count_chunks(self, first: Chunk, last: Chunk, now: float) -> None:
        """These and those between them have left together: no time has passed between one and the next."""
        if self._last_chunk is None:
            self._first_chunk_at = now
            self._missed_chunks, self._missed_characters = first.chunk_number - 1, first.position - len(first.text)
        else:
            self._gaps[bisect_left(GAP_SECONDS, now - self._last_chunk_at)] += 1
        if last is not first:
            self._gaps[0] += last.chunk_number - first.chunk_number
        self._last_chunk, self._last_chunk_at = last, now

    def summary(self, door: str, leaving: Leaving, *, resumed: bool) -> Delivery:
        """What has left by now."""
        first_chunk = self._first_chunk_at
        chunks, characters = self._sent()
        return Delivery(
            door=door,
            resumed=resumed,
            leaving=leaving,
            end=self._end,
            code=self._code,
            first_frame_seconds=self._since_request(self._first_frame_at),
            first_chunk_seconds=self._since_request(first_chunk),
            streaming_seconds=self._last_chunk_at - first_chunk if first_chunk else 0.0,
            total_seconds=monotonic() - self._received_at,
            chunks=chunks,
            characters=characters,
            frames=chunks + self._others,
            gaps=self._gaps,
        )

    def _sent(self) -> tuple[int, int]:
        """How many chunks, and characters in them."""
        last = self._last_chunk
        if last is None:
            return 0, 0
        return last.chunk_number - self._missed_chunks, last.position - self._missed_characters

    def _since_request(self, at: float | None) -> float | None:
        return None if at is None else at - self._received_at
