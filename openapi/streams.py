"""What can be done with a stream that there is, and the WebSocket on which all of it can be said."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from pydantic import Field

from streamchat.handlers.inputs import InputRequest
from streamchat.openapi.asking import FRAMES, NAMED
from streamchat.openapi.bodies import EVENTS
from streamchat.openapi.examples import STREAM_ID, resumed_stream
from streamchat.openapi.fields import Done, StreamId
from streamchat.openapi.frames import Frame
from streamchat.openapi.operation import Answer, Operation, Section
from streamchat.presenting.styles import SMART
from streamchat.turns.events import WorkerState
from streamchat.turns.turn import CancelState

_CODES = ("stream_not_found", "stream_gone")


class Stopped(Done):
    """What a stop has brought about. `cancelling`: the function still runs; ask again to learn when it has ended."""

    state: CancelState
    worker: WorkerState
    stream_id: StreamId


class InputTaken(Done):
    """What was said has reached the query."""

    stream_id: StreamId


class TicketIssued(Done):
    """With this, one follower may read the stream: `GET /api/streams/{stream_id}?ticket=…`."""

    stream_id: StreamId
    ticket: str
    expires_in: Annotated[float, Field(description="Seconds in which it must be taken up.")]


def _stopped() -> Stopped:
    return {"success": True, "state": "cancelled", "worker": "ended", "stream_id": STREAM_ID}


def _taken() -> InputTaken:
    return {"success": True, "stream_id": STREAM_ID}


def _ticket() -> TicketIssued:
    return {"success": True, "stream_id": STREAM_ID, "ticket": "QmW3…", "expires_in": 30.0}


_STREAM = Answer(
    about="The stream.", media_type=EVENTS, shape=Frame, headers=NAMED, example=partial(resumed_stream, SMART, 3)
)

STREAMS = Section(
    name="Streams",
    about="A stream outlives its connection: follow, resume, stop, answer what the function asks.",
    operations=(
        Operation(
            at="GET /api/streams/{stream_id}",
            name="follow",
            summary="Follow or resume a stream",
            about="With the last `id:` that you saw, every durable frame that you miss, the same to the byte, and on "
            "from there; without one from the beginning. With a ticket the stream begins with an `id:` alone. "
            f"{FRAMES}",
            parameters=("Last-Event-ID", "last_event_id", "lastEventId"),
            gives=(_STREAM, Answer(about="All of it has been seen.", status=204, media_type=None)),
            codes=("invalid_request", *_CODES),
            admits=("bearer", "ticket"),
        ),
        Operation(
            at="DELETE /api/streams/{stream_id}",
            name="stop",
            summary="Stop the work itself",
            about="May be repeated; each time it answers the true state.",
            gives=(Answer(about="What there was left to stop.", shape=Stopped, example=_stopped),),
            codes=_CODES,
        ),
        Operation(
            at="POST /api/streams/{stream_id}/input",
            name="say",
            summary="Answer what the function asks, or say something while it works",
            takes=InputRequest,
            asked={"input": "the second one", "request_id": "q_1"},
            gives=(Answer(about="It has reached the query.", shape=InputTaken, example=_taken),),
            codes=(*_CODES, "no_input_expected"),
        ),
        Operation(
            at="POST /api/streams/{stream_id}/ticket",
            name="issue_ticket",
            summary="A ticket, with which an EventSource can follow",
            gives=(Answer(about="The ticket.", shape=TicketIssued, example=_ticket),),
            codes=_CODES,
        ),
        Operation(
            at="GET /api/ws",
            name="open_socket",
            summary="A WebSocket: the same turns and frames, many at a time, both ways",
            about="OpenAPI cannot describe what is said on it. The schemas can: you send a `SocketMessage` and get a "
            "`SocketReply` for it; what has no `type` is a `SocketFrame`. The token comes in the header, as a "
            "subprotocol (`streamchat.v1` and `streamchat.bearer.` with the token as base64url), or as the first "
            "message.",
            parameters=("Sec-WebSocket-Protocol",),
            gives=(Answer(about="The socket is open.", status=101, media_type=None),),
            codes=("invalid_request", "origin_not_allowed"),
            admits=("bearer", "nobody"),
        ),
    ),
)
