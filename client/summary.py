"""What one answer took, as numbers and as a line. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from streamchat.client.reading import Reading

# Two chunks in one write would otherwise seem infinitely fast.
SHORTEST_STREAMING_SECONDS = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Seconds since the question was asked; None for what did not happen.

    ``speed`` is characters a second from the first text on; one chunk alone has none.
    """

    first_frame: float | None
    processing: float | None
    first_text: float | None
    total: float
    chunks: int
    characters: int
    speed: float | None
    usage: dict[str, int]

    def parts(self) -> list[str]:
        """The numbers that are known, in words."""
        return [
            *_timed("first frame", self.first_frame),
            *_timed("processing", self.processing),
            *_timed("first text", self.first_text),
            f"total {self.total:.2f} s",
            *self._amounts(),
        ]

    def _amounts(self) -> list[str]:
        amounts = (
            [f"{self.chunks} chunk{'s'[: self.chunks - 1]}", f"{self.characters} characters"] if self.chunks else []
        )
        amounts += [] if self.speed is None else [f"{self.speed:.0f} characters/s"]
        names = (("prompt_tokens", "tokens in"), ("completion_tokens", "tokens out"))
        return amounts + [f"{self.usage[name]} {words}" for name, words in names if name in self.usage]


def summary_of(reading: Reading, now: float) -> Summary:
    """The summary of an answer that ended, or is left, at ``now``."""
    total = now if reading.ended_at is None else reading.ended_at
    first = reading.first_text_at
    is_streamed = first is not None and len(reading.pieces) > 1
    speed = reading.characters / max(total - (first or 0.0), SHORTEST_STREAMING_SECONDS) if is_streamed else None
    known = reading.processing_seconds
    return Summary(
        first_frame=reading.first_frame_at,
        processing=reading.processed_at if known is None else known,
        first_text=first,
        total=total,
        chunks=len(reading.pieces),
        characters=reading.characters,
        speed=speed,
        usage=dict(reading.usage),
    )


def _timed(name: str, seconds: float | None) -> list[str]:
    return [] if seconds is None else [f"{name} {seconds:.2f} s"]
