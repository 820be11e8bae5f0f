"""What the composition root hands to the doors: the other rooms, and the doors' own knobs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from streamchat.chunking.registry import Registry
from streamchat.handlers.exchange_recorder import ExchangeRecorder
from streamchat.metrics.prometheus_observer import PrometheusObserver
from streamchat.presenting.progress import Calibration
from streamchat.stores.callers import Callers
from streamchat.stores.conversations import ConversationStore
from streamchat.stores.database import Database
from streamchat.stores.profiles import ProfileStore
from streamchat.turns.book import TurnBook
from streamchat.turns.observer import Observer
from streamchat.turns.work_queue import ExecutorStatistics


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorLimits:
    """Seconds and bytes at the doors."""

    process_timeout_seconds: float = 150.0
    keepalive_seconds: float = 15.0
    stall_seconds: float = 30.0
    max_body_bytes: int = 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """Everything a door may use. One of these is made at start and shared by all doors."""

    book: TurnBook
    executor_statistics: Callable[[], ExecutorStatistics]
    callers: Callers
    database: Database
    profiles: ProfileStore
    conversations: ConversationStore
    recorder: ExchangeRecorder
    calibration: Calibration
    strategies: Registry
    metrics: PrometheusObserver
    observer: Observer
    limits: DoorLimits
    backend: str
    wants_history: bool
    version: str
