"""The shapes of what a WebSocket answers. What is said to it is in the doors' socket_messages."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from streamchat.openapi.fields import Code, StreamId
from streamchat.turns.events import WorkerState
from streamchat.turns.turn import CancelState


class _Reply(TypedDict):
    ref: NotRequired[Annotated[str, Field(description="Your own reference, from the message that this answers.")]]


class _Agreed(_Reply):
    success: Literal[True]


class SocketAuth(_Agreed):
    """The token is good."""

    type: Literal["auth"]


class SocketAccepted(_Agreed):
    """The turn is here; its frames follow, unless it is over."""

    type: Literal["accepted"]
    stream_id: StreamId
    conversation_id: str
    resumed: bool
    is_over: Annotated[bool, Field(description="All of it has been seen: no frame follows.")]


class SocketCancel(_Agreed):
    """What a cancel has brought about."""

    type: Literal["cancel"]
    state: CancelState
    worker: WorkerState
    stream_id: StreamId


class SocketInput(_Agreed):
    """What was said has reached the query."""

    type: Literal["input"]
    stream_id: StreamId


class SocketPong(_Agreed):
    """The answer to a ping."""

    type: Literal["pong"]


class SocketError(_Reply):
    """What is wrong with a message; the socket stays, unless its caller is none (any more)."""

    type: Literal["error"]
    success: Literal[False]
    error: Annotated[str, Field(description="A sentence that is safe to show.")]
    status: Literal["error"]
    is_complete: Literal[True]
    code: Code
    field: NotRequired[str]
    retry_after: NotRequired[Annotated[float, Field(description="Seconds.")]]


SocketReply = Annotated[
    SocketAuth | SocketAccepted | SocketCancel | SocketInput | SocketPong | SocketError,
    Field(discriminator="type", description="An answer to a message. Frames have no `type`."),
]
