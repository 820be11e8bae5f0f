"""The shapes of answers in other dialects, for the description of the API.

Only as much as the wires here say; the whole is in the documents of whose dialect it is.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict


class ExecutedTool(TypedDict):
    """A tool that the server has used, as Groq tells it."""

    index: int
    id: str
    type: Literal["function"]
    name: str
    arguments: Annotated[str, Field(description="JSON.")]
    output: NotRequired[str]
    is_error: NotRequired[bool]


class ExecutedToolDelta(TypedDict):
    """What is new of the tool with this `index`; clients join it with what they know."""

    index: int
    type: Literal["function"]
    id: NotRequired[str]
    name: NotRequired[str]
    arguments: NotRequired[Annotated[str, Field(description="JSON.")]]
    output: NotRequired[str]
    is_error: NotRequired[bool]


class ImageAddress(TypedDict):
    """Where an image is, or all of it as a `data:` URL."""

    url: str


class ImageShown(TypedDict):
    """An image in the answer, as OpenRouter tells it."""

    index: int
    type: Literal["image_url"]
    image_url: ImageAddress


class OpenAIDelta(TypedDict, total=False):
    """What a chunk adds to the message."""

    role: Literal["assistant"]
    content: str
    executed_tools: list[ExecutedToolDelta]
    images: list[ImageShown]


class OpenAIChunkChoice(TypedDict):
    """The one choice."""

    index: Literal[0]
    delta: OpenAIDelta
    finish_reason: Literal["stop"] | None


class OpenAIUsage(TypedDict):
    """Tokens, as the function counts them."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class OpenAIChunk(TypedDict):
    """The data of an event; the last event's is `[DONE]`."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: Annotated[int, Field(description="Seconds since 1970.")]
    model: str
    choices: list[OpenAIChunkChoice]
    usage: NotRequired[OpenAIUsage | None]


class OpenAIAnswer(TypedDict):
    """The message of a whole answer."""

    role: Literal["assistant"]
    content: str
    refusal: None
    executed_tools: NotRequired[list[ExecutedTool]]
    images: NotRequired[list[ImageShown]]


class OpenAIChoice(TypedDict):
    """The one choice."""

    index: Literal[0]
    message: OpenAIAnswer
    logprobs: None
    finish_reason: Literal["stop"]


class OpenAICompletion(TypedDict):
    """The whole answer."""

    id: str
    object: Literal["chat.completion"]
    created: Annotated[int, Field(description="Seconds since 1970.")]
    model: str
    choices: list[OpenAIChoice]
    usage: NotRequired[OpenAIUsage]


class OpenAIProblem(TypedDict):
    """What is wrong."""

    message: str
    type: str
    param: str | None
    code: str


class OpenAIError(TypedDict):
    """An error; in a stream also the data of its last event."""

    error: OpenAIProblem


class OpenAIModel(TypedDict):
    """A profile."""

    id: str
    object: Literal["model"]
    created: Literal[0]
    owned_by: Literal["streamchat"]
    name: Annotated[str, Field(description="To be shown.")]


class OpenAIModels(TypedDict):
    """The profiles the caller may talk to."""

    object: Literal["list"]
    data: list[OpenAIModel]


OpenAIEvent = Annotated[OpenAIChunk | OpenAIError, Field(description="What the data of an event is.")]


class UiMessagePart(TypedDict):
    """A part of a UI message stream, protocol v1: ai-sdk.dev/docs/ai-sdk-ui/stream-protocol has the fields of each.

    What that has no part for comes as `data-` and the frame's status, with the frame's fields as `data`.
    """

    type: Annotated[
        str,
        Field(
            pattern="^(start|start-step|text-start|text-delta|text-end|tool-input-available|tool-output-available|"
            "tool-output-error|file|message-metadata|finish-step|finish|abort|error|data-[a-z-]+)$"
        ),
    ]
    id: NotRequired[str]
    data: NotRequired[Any]
    transient: NotRequired[Literal[True]]
    delta: NotRequired[str]
