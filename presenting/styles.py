"""The doors' styles: frozen records that differ in data only. One presenter shows them all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from streamchat.presenting.pacing import NO_PACE, Pace


class Opening(NamedTuple):
    """A frame that is sent before any work: its status, the name of its sentence and its percent."""

    status: str
    sentence: str | None = None
    percent: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStyle:
    """How one door shows a turn.

    ``strategy`` and ``size`` name its chunker; None takes text as it comes. ``chunk_fields`` names what is told of a
    chunk, in order: see Chunk.payload. Without ``tells_progress`` waiting is not told, only that the stream lives.
    """

    name: str
    connecting: Opening | None
    processing: Opening | None
    messages: tuple[str, ...]
    interval_seconds: float
    strategy: str | None
    size: int | None
    pace: Pace
    chunk_fields: tuple[str, ...]
    tells_total_time: bool
    tells_progress: bool = True


_WAITING = ("generate", "refine", "finish", "process", "wait", "prepare", "arrange")

BASIC = StreamStyle(
    name="basic",
    connecting=Opening("connecting"),
    processing=Opening("processing", "begin"),
    messages=("analyse_request", *_WAITING),
    interval_seconds=3.0,
    strategy="characters",
    size=20,
    pace=Pace(chunk_seconds=0.05, character_seconds=0.002),
    chunk_fields=("progress", "is_complete", "total_length", "current_position"),
    tells_total_time=False,
)

ADVANCED = StreamStyle(
    name="advanced",
    connecting=Opening("initializing"),
    processing=Opening("processing", "begin_advanced"),
    messages=("analyse", "retrieve", *_WAITING),
    interval_seconds=2.0,
    strategy="words",
    size=30,
    pace=Pace(chunk_seconds=0.1, character_seconds=0.01),
    chunk_fields=("chunk_number", "is_complete"),
    tells_total_time=False,
)

SMART = StreamStyle(
    name="smart",
    connecting=Opening("initializing", "initializing", 5),
    processing=Opening("processing", "begin", 5),
    messages=("analyse", "retrieve", *_WAITING),
    interval_seconds=2.0,
    strategy="words",
    size=30,
    pace=Pace(chunk_seconds=0.08, character_seconds=0.005),
    chunk_fields=("chunk_number", "streaming_progress", "is_complete"),
    tells_total_time=True,
)

# For doors that hand the text on as it is: the JSON door, and dialects with pacing of their own.
RAW = StreamStyle(
    name="raw",
    connecting=None,
    processing=None,
    messages=("process",),
    interval_seconds=2.0,
    strategy=None,
    size=None,
    pace=NO_PACE,
    chunk_fields=("chunk_number", "is_complete"),
    tells_total_time=True,
)

# The same for dialects that have no word for progress.
QUIET = replace(RAW, name="quiet", tells_progress=False)

# The text as it is, with all that can be said while it is awaited. A client may ask for chunks, and then for the pace.
UI_MESSAGES = replace(SMART, name="ui_messages", strategy=None, size=None, chunk_fields=RAW.chunk_fields)

STYLES = {style.name: style for style in (BASIC, ADVANCED, SMART, RAW, QUIET, UI_MESSAGES)}
