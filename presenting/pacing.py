"""When the next chunk may leave. Pure arithmetic in seconds and characters.

The pause after a chunk grows with its length and at a sentence end. It shrinks so that a whole answer is
shown within ANSWER_SECONDS, and so that a source that is still talking is not trailed by more than TRAIL_SECONDS.
"""

from __future__ import annotations

from dataclasses import dataclass

ANSWER_SECONDS = 10.0
TRAIL_SECONDS = 1.0
# A live backlog is worked off with this time constant, well inside TRAIL_SECONDS, so that the hard limit
# is met by a glide and not by a jump.
CATCH_UP_SECONDS = 0.5

_SENTENCE_ENDS = (".", "!", "?", "。", "！", "？", "…", "\n")
_CLOSERS = " \t\r\"'”’」』）》】)*_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds of pause after a chunk, and seconds more for each of its characters."""

    chunk_seconds: float
    character_seconds: float

    def pause_after(self, chunk: str) -> float:
        """The natural pause: as long again as a chunk's own share when a sentence ends there."""
        pause = self.chunk_seconds + self.character_seconds * len(chunk)
        # Asked first, because nearly every chunk ends so.
        if chunk[-1:].isalnum() or not ends_sentence(chunk):
            return pause
        return pause + self.chunk_seconds


NO_PACE = Pace(chunk_seconds=0.0, character_seconds=0.0)


def ends_sentence(chunk: str) -> bool:
    """Whether a reader takes a breath after this chunk."""
    return chunk.endswith("\n") or chunk.rstrip(_CLOSERS).endswith(_SENTENCE_ENDS)


def pause_in_answer(natural: float, chunk: int, left: int, seconds_left: float) -> float:
    """The pause after ``chunk`` characters when ``left`` of them, this chunk included, have ``seconds_left``."""
    if seconds_left <= 0.0 or not left:
        return 0.0
    share = seconds_left * chunk / left
    return natural if natural < share else share


def pause_behind_source(natural: float, chunk: int, backlog: int) -> float:
    """The pause behind a live source that is ``backlog`` characters ahead, this chunk included."""
    return min(natural, CATCH_UP_SECONDS * chunk / backlog) if backlog > chunk else natural
