"""The body of the four chat doors: the model that validates it, and errors that name the field."""

from __future__ import annotations

from collections.abc import Set
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from streamchat.handlers.errors import Refused, bad_field
from streamchat.presenting.sentences import Language
from streamchat.turns.query import OnBusy

Parsed = TypeVar("Parsed", bound=BaseModel)


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must not contain control characters")
    return text


Required = Annotated[str, AfterValidator(_not_blank)]
Printable = AfterValidator(_printable)
ConversationId = Annotated[str, Field(min_length=1, max_length=128), Printable]


class Chunking(BaseModel):
    """A registered strategy instead of the door's own; ``size`` is in the strategy's unit."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    strategy: Annotated[str, Field(max_length=64)]
    size: int | None = Field(default=None, ge=1, le=1_000_000)


class ChatRequest(BaseModel):
    """What a caller asks. Unknown fields are ignored; null is the same as leaving an optional field out."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    username: Required
    message: Required
    prompt: str | None = None
    prompt_mode: Literal["append", "replace"] | None = None
    conversation_id: ConversationId | None = None
    lang: Language | None = None
    pace: Literal["natural", "none"] | None = None
    chunking: Chunking | None = None
    timeout: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    on_disconnect: Literal["cancel", "continue", "grace"] | None = None
    on_busy: OnBusy | None = None
    cache: bool | None = None


def parse_chat_request(body: bytes) -> ChatRequest:
    """The request in ``body`` (UTF-8 JSON). Raises Refused, naming the field that is wrong."""
    return parse(ChatRequest, body)


def parse(model: type[Parsed], body: bytes) -> Parsed:
    """What ``body`` (UTF-8 JSON) says, as a model. Raises Refused, naming the field that is wrong."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise _refusal(error, model.model_fields.keys() | Chunking.model_fields.keys()) from None


def language_of(body: bytes) -> Language | None:
    """The language an invalid request asks for, as far as that can be told: its errors are said in it."""
    try:
        return _OnlyLanguage.model_validate_json(body).lang
    except ValidationError:
        return None


class _OnlyLanguage(BaseModel):
    lang: Language | None = None


def _refusal(error: ValidationError, fields: Set[str]) -> Refused:
    first: Any = error.errors(include_url=False, include_input=False)[0]
    # A union lists its members in the location; only the names of fields belong in the sentence.
    names = [str(part) for part in first["loc"] if str(part) in fields]
    return bad_field(".".join(names) or "body", str(first["msg"]).removeprefix("Value error, "))
