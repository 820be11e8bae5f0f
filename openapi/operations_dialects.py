"""Operations of other people's dialects."""

from __future__ import annotations

from typing import Any

from streamchat.handlers.openai import CompletionsDoor, ModelDoor, ModelsDoor
from streamchat.handlers.openai_request import CompletionRequest
from streamchat.handlers.ui_messages import UiMessagesDoor, UiMessageStreamDoor
from streamchat.handlers.ui_messages_request import UiMessageRequest
from streamchat.openapi.dialects import (
    OpenAICompletion,
    OpenAIEvent,
    OpenAIModel,
    OpenAIModels,
    UiMessagePart,
)
from streamchat.openapi.errors import AS_OPENAI, AS_TEXT
from streamchat.openapi.examples import ANSWER, COMPLETION, completion_chunks, ui_message
from streamchat.openapi.operation import EVENTS, Answer, Operation
from streamchat.openapi.operations_turns import NAMED, QUESTION_CODES, WHOLE_CODES
from streamchat.wire.ui_messages import VERSION_HEADER

_MODEL = {"id": "VitalikButerin", "object": "model", "created": 0, "owned_by": "streamchat", "name": "Vitalik Buterin"}

_UI_MESSAGE = Answer(
    about="A UI message stream, protocol v1; its last event is `[DONE]`.",
    media_type=EVENTS,
    shape=UiMessagePart,
    headers=(*NAMED, VERSION_HEADER[0]),
    example=ui_message,
)


def _completion() -> dict[str, Any]:
    message = {"role": "assistant", "content": ANSWER, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {**COMPLETION, "object": "chat.completion", "choices": [choice]}


DIALECTS = (
    Operation(
        name="complete",
        door=CompletionsDoor,
        method="post",
        path="/v1/chat/completions",
        tag="OpenAI dialect",
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
        error_shape=AS_OPENAI,
    ),
    Operation(
        name="list_models",
        door=ModelsDoor,
        method="get",
        path="/v1/models",
        tag="OpenAI dialect",
        summary="The profiles, as models",
        gives=(Answer(about="The models.", shape=OpenAIModels, example=lambda: {"object": "list", "data": [_MODEL]}),),
        error_shape=AS_OPENAI,
    ),
    Operation(
        name="get_model",
        door=ModelDoor,
        method="get",
        path="/v1/models/{model}",
        tag="OpenAI dialect",
        summary="One profile, as a model",
        parameters=("model",),
        gives=(Answer(about="The model.", shape=OpenAIModel, example=lambda: _MODEL),),
        codes=("profile_not_found",),
        error_shape=AS_OPENAI,
    ),
    Operation(
        name="send_message",
        door=UiMessagesDoor,
        method="post",
        path="/api/ui_message_stream",
        tag="AI SDK dialect",
        summary="Ask, as `DefaultChatTransport` does",
        about="The body may have every field of the other doors, too: `username` says which profile is asked.",
        parameters=("Idempotency-Key",),
        takes=UiMessageRequest,
        asked={
            "id": "chat_fZQh",
            "username": "VitalikButerin",
            "messages": [{"role": "user", "parts": [{"type": "text", "text": "What is a rollup?"}]}],
        },
        gives=(_UI_MESSAGE,),
        codes=QUESTION_CODES,
        error_shape=AS_TEXT,
    ),
    Operation(
        name="resume_message",
        door=UiMessageStreamDoor,
        method="get",
        path="/api/ui_message_stream/{chat_id}/stream",
        tag="AI SDK dialect",
        summary="The chat's running stream, from its beginning",
        parameters=("chat_id", "of_stream"),
        gives=(_UI_MESSAGE, Answer(about="Nothing runs in this chat.", status=204, media_type=None)),
        codes=("stream_not_found", "stream_gone"),
        error_shape=AS_TEXT,
    ),
)
