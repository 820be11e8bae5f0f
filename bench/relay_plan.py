"""What the relay bench's load generator is told and what it tells."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayPlan:
    """Open ``streams`` at once, each asking ``model`` for ``tokens`` with ``gap_seconds`` between them."""

    port: int
    server_pid: int
    model: str
    key: str
    streams: int
    tokens: int
    gap_seconds: float

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> RelayPlan:
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Relayed:
    """One run. ``age_seconds``: how old tokens are at the client, p50 and p99; ``first_seconds``: until the first."""

    tokens: int
    expected: int
    cpu_seconds: float
    first_seconds: list[float]
    age_seconds: list[float]

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Relayed:
        return cls(**json.loads(text))
