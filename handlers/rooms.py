"""What the composition root hands to the doors: the other rooms, and the doors' own knobs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from streamchat.chunking.registry import Registry
from streamchat.handlers.attachments import AttachmentDesk
from streamchat.handlers.kept_records import KeptConversations, KeptFigures
from streamchat.handlers.large_bodies import LargeBodies
from streamchat.handlers.open_sockets import OpenSockets
from streamchat.handlers.open_streams import OpenStreams
from streamchat.handlers.tickets import Tickets
from streamchat.metrics.door_metrics import DoorMetrics
from streamchat.metrics.exposition import Exposition
from streamchat.metrics.house_collector import ConnectionStatistics
from streamchat.metrics.loop_lag import LoopLag
from streamchat.presenting.progress import Calibration
from streamchat.stores.callers import Callers
from streamchat.stores.database import Database
from streamchat.stores.profiles import ProfileStore
from streamchat.turns.book import TurnBook
from streamchat.turns.observer import Observer
from streamchat.turns.query import OnBusy
from streamchat.turns.rounds import Rounds
from streamchat.turns.work_queue import ExecutorStatistics

MetricsAccess = Literal["open", "bearer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorLimits:
    """Seconds, bytes, days and counts at the doors, who may read the metrics, and what a busy conversation means.

    ``max_socket_turns`` are those that a WebSocket follows at a time, ``max_socket_messages`` those a second that are
    read from it. ``allowed_origins`` are in lower case.
    """

    process_timeout_seconds: float = 150.0
    keepalive_seconds: float = 15.0
    stall_seconds: float = 30.0
    max_body_bytes: int = 1_048_576
    analytics_days: int = 90
    metrics_access: MetricsAccess = "open"
    on_busy: OnBusy = "queue"
    ticket_seconds: float = 30.0
    max_socket_turns: int = 32
    max_socket_messages: int = 50
    allowed_origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """How the server does, as far as only the health doors read it; ``opened_at`` in ``time.monotonic()`` seconds."""

    executor_statistics: Callable[[], ExecutorStatistics]
    connections: Callable[[], ConnectionStatistics]
    loop_lag: LoopLag
    database: Database
    opened_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """Everything a door may use. One of these is made at start and shared by all doors.

    ``is_traced`` says that somebody makes use of trace headers.
    """

    book: TurnBook
    vitals: Vitals
    callers: Callers
    profiles: ProfileStore
    conversations: KeptConversations
    analytics: KeptFigures
    calibration: Calibration
    strategies: Registry
    metrics: DoorMetrics
    exposition: Exposition
    observer: Observer
    limits: DoorLimits
    rounds: Rounds
    sockets: OpenSockets
    streams: OpenStreams
    tickets: Tickets
    attachments: AttachmentDesk
    large_bodies: LargeBodies
    backend: str
    wants_history: bool
    is_traced: bool
    version: str

    @property
    def max_question_bytes(self) -> int:
        """The length of a body with a question: those with attachments may be longer than all others."""
        return self.limits.max_body_bytes + self.attachments.max_encoded_bytes
