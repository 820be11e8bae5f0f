"""The shapes of the doors' JSON answers, for the description of the API; those of a dialect are in api_dialects.

What other rooms have as records is taken from there. A test holds the rest against the answers of a running server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from streamchat.handlers.rooms import DoorLimits
from streamchat.openapi.fields import Seconds, StreamId
from streamchat.openapi.frames import TokenCounts
from streamchat.presenting.sentences import Language
from streamchat.stores.analytics import By, Figures
from streamchat.stores.conversations import Status
from streamchat.stores.profiles import Door
from streamchat.turns.events import WorkerState
from streamchat.turns.query import OnDisconnect
from streamchat.turns.turn import CancelState
from streamchat.turns.work_queue import ExecutorStatistics

Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class _Done(TypedDict):
    success: Literal[True]


class WholeMedia(TypedDict):
    """An image, audio or file in the answer, whole."""

    media_type: str
    url: NotRequired[str]
    content: NotRequired[Annotated[str, Field(description="Base64, instead of `url`.")]]
    alt: str | None


class ChatAnswer(_Done):
    """The whole answer."""

    data: Annotated[str, Field(description="The text.")]
    status: Literal["complete"]
    is_complete: Literal[True]
    conversation_id: str
    stream_id: StreamId
    total_processing_time: Seconds
    total_time: Seconds
    media: NotRequired[list[WholeMedia]]
    usage: NotRequired[TokenCounts]


class Stopped(_Done):
    """What a stop has brought about. `cancelling`: the function still runs; ask again to learn when it has ended."""

    state: CancelState
    worker: WorkerState
    stream_id: StreamId


class InputTaken(_Done):
    """What was said has reached the query."""

    stream_id: StreamId


class TicketIssued(_Done):
    """With this, one follower may read the stream: `GET /api/streams/{stream_id}?ticket=…`."""

    stream_id: StreamId
    ticket: str
    expires_in: Annotated[float, Field(description="Seconds in which it must be taken up.")]


class Settings(TypedDict, total=False):
    """What a conversation with the profile starts with, as far as the profile says."""

    door: Door
    lang: Language
    on_disconnect: OnDisconnect
    model: str
    temperature: float
    max_tokens: int


class ProfileShown(TypedDict):
    """A profile to talk to."""

    username: str
    display_name: str
    suggestions: Annotated[list[str], Field(description="Questions to start with.")]
    settings: Settings


class Profiles(_Done):
    """The profiles the caller may talk to."""

    profiles: list[ProfileShown]


class ConversationLine(TypedDict):
    """A conversation; `profile` and `updated_at` are those of the latest exchange."""

    conversation_id: str
    profile: str
    title: Annotated[str, Field(description="How it began.")]
    exchanges: int
    created_at: Moment
    updated_at: Moment


class Conversations(_Done):
    """The caller's own, the latest first."""

    conversations: list[ConversationLine]


class ExchangeShown(TypedDict):
    """One question and what became of it."""

    stream_id: StreamId
    profile: str
    message: str
    answer: str
    status: Status
    created_at: Moment


class Conversation(_Done):
    """What was said."""

    conversation_id: str
    exchanges: list[ExchangeShown]


class ConversationForgotten(_Done):
    """It is forgotten."""

    conversation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals(Figures):
    """Figures of all turns in the period, and how often each error code ended one."""

    errors: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group(Figures):
    """Figures of the turns that have this in common."""

    group: str


# `from` is no name in Python.
AnalyticsReport = TypedDict(
    "AnalyticsReport",
    {
        "success": Literal[True],
        "from": Moment,
        "to": Moment,
        "by": By,
        "scope": Annotated[Literal["own", "all"], Field(description="`all` with an admin's token.")],
        "kept_days": int,
        "totals": Totals,
        "groups": list[Group],
        "is_cut": Annotated[bool, Field(description="There were more groups than are told.")],
    },
)


class Alive(TypedDict):
    """The server answers."""

    status: Literal["ok"]


class Readiness(TypedDict):
    """Whether new turns would go well, and why not."""

    status: Literal["ready", "not_ready"]
    reasons: list[str]


class TurnCounts(TypedDict):
    """How many turns there are."""

    running: int
    remembered: int


class ConnectionCounts(TypedDict):
    """Connections: open now, refused since the start, and how many of the open ones are WebSockets."""

    open: int
    refused: int
    websockets: int


class LoopLagSeconds(TypedDict):
    """How late the server's loop has been of late."""

    mean: float
    highest: float


class Health(_Done):
    """The numbers behind the readiness."""

    status: Literal["ready", "not_ready"]
    reasons: list[str]
    version: str
    uptime_seconds: float
    backend: str
    store: str
    workers: ExecutorStatistics
    turns: TurnCounts
    log_bytes: int
    readers: int
    connections: ConnectionCounts
    loop_lag_seconds: LoopLagSeconds
    limits: DoorLimits
