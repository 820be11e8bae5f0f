"""What the load generator is told and what it tells: two records that travel as JSON between the processes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Open ``streams`` connections evenly over ``opening_seconds``, send ``request`` on each, and measure.

    With ``window_seconds`` the figures are of a window that begins ``settle_seconds`` after every stream has had its
    first frame; without, of everything from the first connection to the last terminal frame.
    """

    port: int
    server_pid: int
    request: str
    streams: int
    opening_seconds: float
    settle_seconds: float = 0.0
    window_seconds: float = 0.0
    gap_seconds: float = 0.0
    limit_seconds: float = 180.0

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Plan:
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run. Times in seconds, memory in bytes; gaps are errors against the plan's gap, between chunks in the window.

    ``load_share`` is how much of its core the load generator used: near 1 it measures itself.
    """

    streams: int
    failed: int
    frames: int
    chunks: int
    cpu_seconds: float
    wall_seconds: float
    bytes_a_stream: float
    load_share: float
    first_frame: dict[str, float]
    first_chunk: dict[str, float]
    gap_error: dict[str, float]
    handover: dict[str, float]

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Measured:
        return cls(**json.loads(text))
