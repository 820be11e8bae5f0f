"""The shapes of the frames, one for each status.

They are made in presenting, which knows no schemas. That these say the same is tested on the frames of a running
server: each has its shape, and nothing that is not in it. Clients must ignore fields and statuses that they do not
know.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from streamchat.openapi.fields import Code, Percent, Seconds
from streamchat.turns.events import WorkerState

Empty = Annotated[Literal[""], Field(description="Only `streaming` frames carry text.")]


class TokenCounts(TypedDict):
    """Tokens as the function counts them, of this answer in all."""

    prompt_tokens: int
    completion_tokens: int
    complete: Annotated[bool, Field(description="The function has come to its end: these are all.")]


class _Report(TypedDict):
    success: Literal[True]
    data: Empty


class Connecting(_Report):
    """The stream is open (basic)."""

    status: Literal["connecting"]


class Initializing(_Report):
    """The stream is open (advanced, smart)."""

    status: Literal["initializing"]
    message: NotRequired[str]
    progress: NotRequired[Percent]


class Queued(_Report):
    """Every worker is busy, or an earlier question of the conversation is not answered."""

    status: Literal["queued"]
    message: str
    position: Annotated[int, Field(ge=1)]
    estimated_wait: Annotated[float | None, Field(description="Seconds; null while unknown.")]


class Processing(_Report):
    """The work goes on."""

    status: Literal["processing"]
    message: str
    progress: NotRequired[Percent]
    elapsed_time: NotRequired[Seconds]
    remaining_time: NotRequired[Annotated[float, Field(description="Seconds, as far as such queries are known.")]]


class ProcessingComplete(_Report):
    """The answer is there, or its first piece."""

    status: Literal["processing_complete"]
    message: str
    progress: Literal[100]
    total_processing_time: Seconds


class Streaming(TypedDict):
    """A chunk of the answer. The `data` of all of them, joined, is the answer to the byte."""

    success: Literal[True]
    data: str
    status: Literal["streaming"]
    is_complete: Literal[False]
    progress: NotRequired[Annotated[float | None, Field(description="Percent shown; null while unknown. basic.")]]
    total_length: NotRequired[Annotated[int | None, Field(description="Code points; null while unknown. basic.")]]
    current_position: NotRequired[Annotated[int, Field(description="Code points shown. basic.")]]
    chunk_number: NotRequired[Annotated[int, Field(ge=1, description="advanced, smart.")]]
    streaming_progress: NotRequired[
        Annotated[float | None, Field(description="Percent shown; null while unknown. smart.")]
    ]


class ToolCall(_Report):
    """The function uses a tool."""

    status: Literal["tool_call"]
    call_id: str
    name: str
    arguments: Any


class ToolResult(_Report):
    """The tool has answered, or failed."""

    status: Literal["tool_result"]
    call_id: str
    name: str
    result: Any
    is_error: bool


class Media(_Report):
    """An image, audio or file in the answer; what is long comes in parts."""

    status: Literal["media"]
    media_type: str
    url: NotRequired[str]
    content: NotRequired[Annotated[str, Field(description="Base64, instead of `url`.")]]
    part: Annotated[int, Field(ge=1)]
    parts: Annotated[int, Field(ge=1)]
    alt: str | None


class InputRequired(_Report):
    """The function asks the user something, and waits."""

    status: Literal["input_required"]
    request_id: str
    question: str
    schema: NotRequired[Annotated[Any, Field(description="JSON schema of the answer; without one it is a text.")]]
    expires_in: Seconds


class InputReceived(_Report):
    """The question was answered, or the user has said something unasked."""

    status: Literal["input_received"]
    request_id: Annotated[str | None, Field(description="Null for what nobody asked for.")]


class InputExpired(_Report):
    """The question was not answered in time, or is not to be answered any more."""

    status: Literal["input_expired"]
    request_id: str


class Usage(_Report):
    """The tokens so far, while the function counts them."""

    status: Literal["usage"]
    prompt_tokens: int
    completion_tokens: int
    complete: Literal[False]


class Complete(_Report):
    """The end: all is said."""

    status: Literal["complete"]
    is_complete: Literal[True]
    total_time: NotRequired[Seconds]
    usage: NotRequired[TokenCounts]


class _Failure(TypedDict):
    success: Literal[False]
    error: Annotated[str, Field(description="A sentence that is safe to show.")]
    is_complete: Literal[True]
    code: Code
    usage: NotRequired[TokenCounts]


class Error(_Failure):
    """The end: something went wrong. Also the body of an error that came before the first frame."""

    status: Literal["error"]
    field: NotRequired[Annotated[str, Field(description="What is wrong with the request; with invalid_request.")]]


class Timeout(_Failure):
    """The end: the function took too long."""

    status: Literal["timeout"]
    elapsed_time: Seconds


class Cancelled(_Failure):
    """The end: stopped by its owner, or by a newer question of the conversation."""

    status: Literal["cancelled"]
    worker: Annotated[WorkerState, Field(description="Whether the function has really ended.")]


Frame = Annotated[
    Connecting
    | Initializing
    | Queued
    | Processing
    | ProcessingComplete
    | Streaming
    | ToolCall
    | ToolResult
    | Media
    | InputRequired
    | InputReceived
    | InputExpired
    | Usage
    | Complete
    | Error
    | Timeout
    | Cancelled,
    Field(discriminator="status", description="One frame of a stream; `status` says which."),
]
