"""The OpenAI dialect: shapes of its answers, as far as the wire here goes, and its operations.

The whole is in the documents of whose dialect it is.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from streamchat.handlers.openai_request import CompletionRequest
from streamchat.openapi.asking import NAMED, QUESTION_CODES, WHOLE_CODES
from streamchat.openapi.bodies import EVENTS
from streamchat.openapi.errors import AS_OPENAI
from streamchat.openapi.examples import ANSWER, COMPLETION, completion_chunks
from streamchat.openapi.operation import Answer, Operation, Section


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

_MODEL: OpenAIModel = {
    "id": "VitalikButerin",
    "object": "model",
    "created": 0,
    "owned_by": "streamchat",
    "name": "Vitalik Buterin",
}


def _completion() -> dict[str, Any]:
    message = {"role": "assistant", "content": ANSWER, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {**COMPLETION, "object": "chat.completion", "choices": [choice]}


OPENAI = Section(
    name="OpenAI dialect",
    about="What clients of OpenAI's chat completions speak. Profiles are models.",
    error_shape=AS_OPENAI,
    operations=(
        Operation(
            at="POST /v1/chat/completions",
            name="complete",
            summary="A chat completion, as a stream or one body",
            about="Wishes about how the text is made (temperature, max_tokens, seed …) are ignored.",
            parameters=("Idempotency-Key",),
            takes=CompletionRequest,
            asked={"model": "VitalikButerin", "messages": [{"role": "user", "content": "What is a rollup?"}]},
            gives=(
                Answer(about="The answer.", shape=OpenAICompletion, headers=NAMED, example=_completion),
                Answer(
                    about="The answer, with `stream`; its last event is `[DONE]`.",
                    media_type=EVENTS,
                    shape=OpenAIEvent,
                    headers=NAMED,
                    example=completion_chunks,
                ),
            ),
            codes=(*QUESTION_CODES, *WHOLE_CODES),
        ),
        Operation(
            at="GET /v1/models",
            name="list_models",
            summary="The profiles, as models",
            gives=(
                Answer(about="The models.", shape=OpenAIModels, example=lambda: {"object": "list", "data": [_MODEL]}),
            ),
        ),
        Operation(
            at="GET /v1/models/{model}",
            name="get_model",
            summary="One profile, as a model",
            gives=(Answer(about="The model.", shape=OpenAIModel, example=lambda: _MODEL),),
            codes=("profile_not_found",),
        ),
    ),
)
