"""All schemas of the API by name: of requests from the models that validate them, of answers from their shapes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode
from pydantic_core.core_schema import DataclassField, ModelField, TypedDictField

from streamchat.chunking.registry import Strategy
from streamchat.handlers.chat_request import ChatRequest, Chunking
from streamchat.handlers.socket_messages import (
    AuthMessage,
    Envelope,
    InputMessage,
    QueryOptions,
    ResumeMessage,
    StreamMessage,
)
from streamchat.openapi.bodies import reference
from streamchat.openapi.frames import Frame
from streamchat.openapi.openai import OpenAIError, OpenAIEvent
from streamchat.openapi.operation import Operation
from streamchat.openapi.request_fields import meaning_of
from streamchat.openapi.socket_replies import SocketReply
from streamchat.presenting.frames import Payload

# A union has no name of its own.
_UNIONS = {"Frame": Frame, "SocketReply": SocketReply, "OpenAIEvent": OpenAIEvent}
# What each type of message on a WebSocket has beside its envelope.
_SOCKET_MESSAGES: dict[str, tuple[type[BaseModel], ...]] = {
    "auth": (AuthMessage,),
    "query": (QueryOptions, ChatRequest),
    "resume": (ResumeMessage,),
    "cancel": (StreamMessage,),
    "input": (InputMessage,),
    "ping": (),
}
_Field = ModelField | DataclassField | TypedDictField


def name_of(shape: Any) -> str:  # noqa: ANN401 - a TypedDict, a union of them, or a model
    """Under which name the schema of the shape is kept."""
    return next((name for name, union in _UNIONS.items() if union is shape), None) or str(shape.__name__)


def schemas(operations: Iterable[Operation], strategies: Sequence[Strategy]) -> dict[str, Payload]:
    """The schemas of these operations and of what is said on a WebSocket; ``strategies`` may be asked for."""
    requests: set[Any] = {Envelope, *(model for models in _SOCKET_MESSAGES.values() for model in models)}
    answers: list[Any] = [*_UNIONS.values(), OpenAIError]
    for operation in operations:
        requests |= {operation.takes} - {None}
        answers += [answer.shape for answer in operation.gives if answer.shape not in (None, *answers)]
    asked = _generated(sorted(requests, key=name_of), "validation")
    for name, schema in asked.items():
        # Docstrings quote code twice, markdown does once.
        schema["description"] = schema["description"].replace("``", "`")
        for field, field_schema in schema["properties"].items():
            field_schema["description"] = meaning_of(name, field)
    _list_strategies(asked[Chunking.__name__], strategies)
    return {**asked, **_generated(answers, "serialization"), **_on_sockets()}


class _Generator(GenerateJsonSchema):
    """Schemas without titles of fields, which only repeat their names. A record that is told is told whole."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401 - pydantic's signature
        return False

    def field_is_required(self, field: _Field, total: bool) -> bool:
        if self.mode == "serialization" and field["type"] == "dataclass-field":
            return True
        return super().field_is_required(field, total)


def _generated(shapes: Iterable[Any], mode: JsonSchemaMode) -> dict[str, Payload]:
    inputs: list[tuple[str, JsonSchemaMode, TypeAdapter[Any]]]
    inputs = [(name_of(shape), mode, TypeAdapter(shape)) for shape in shapes]
    tops, rest = TypeAdapter.json_schemas(
        inputs, ref_template="#/components/schemas/{model}", schema_generator=_Generator
    )
    named = {name: top for (name, _), top in tops.items() if top.keys() != {"$ref"}}
    return {**named, **rest.get("$defs", {})}


def _list_strategies(chunking: Payload, strategies: Sequence[Strategy]) -> None:
    chunking["properties"]["strategy"]["enum"] = [strategy.name for strategy in strategies]
    sizes = [f"{one.name} {one.min_size} to {one.max_size} (default {one.default_size})" for one in strategies]
    chunking["properties"]["size"]["description"] += f" {', '.join(sizes)}."


def _on_sockets() -> dict[str, Payload]:
    message = "A message that you send; its `type` says which."
    own = {"stream_id": {"type": "string"}, "id": {"type": "string", "description": "As `id:` of the event."}}
    whose = {"type": "object", "properties": own, "required": list(own)}
    return {
        "SocketMessage": {"description": message, "oneOf": [_message(kind) for kind in _SOCKET_MESSAGES]},
        "SocketFrame": {"description": "A frame that says whose it is.", "allOf": [reference("Frame"), whose]},
    }


def _message(kind: str) -> Payload:
    parts = [reference(name_of(model)) for model in (Envelope, *_SOCKET_MESSAGES[kind])]
    return {"title": kind, "allOf": [*parts, {"type": "object", "properties": {"type": {"const": kind}}}]}
