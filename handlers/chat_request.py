"""The body of the chat doors: the model that validates it, and errors that name the field."""

from __future__ import annotations

from collections.abc import Set
from functools import cache
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from streamchat.handlers.errors import Refused, bad_field, too_large
from streamchat.handlers.fetching import MAX_URL_CHARACTERS
from streamchat.handlers.media_types import canonical
from streamchat.presenting.sentences import Language
from streamchat.turns.query import OnBusy

# Each takes up to 32 bytes once it is read; the content of attachments, for which a body may be long, has no comma.
MAX_COMMAS = 1_048_576

Parsed = TypeVar("Parsed", bound=BaseModel)
Asked = TypeVar("Asked", bound="Asking")


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must not contain control characters")
    return text


def _media_type(text: str) -> str:
    if (name := canonical(text)) is None:
        raise ValueError("must be a media type, as in image/png")
    return name


def _no_path(name: str) -> str:
    # Functions will write files under it.
    if name in (".", "..") or "/" in name or "\\" in name:
        raise ValueError("must be the name of a file, without its folder")
    return name


Required = Annotated[str, AfterValidator(_not_blank), Field(json_schema_extra={"pattern": r"\S"})]
Printable = AfterValidator(_printable)
ConversationId = Annotated[str, Field(min_length=1, max_length=128), Printable]


class Chunking(BaseModel):
    """A registered strategy instead of the door's own; ``size`` is in the strategy's unit."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    strategy: Annotated[str, Field(max_length=64)]
    size: int | None = Field(default=None, ge=1, le=1_000_000)


class AttachmentField(BaseModel):
    """A file that comes with the question: its ``content`` in base64, or the ``url`` where it is."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    media_type: Annotated[str, AfterValidator(_media_type)] | None = None
    name: Annotated[str, Field(max_length=255), Printable, AfterValidator(_no_path)] | None = None
    content: str | None = Field(default=None, repr=False)
    url: Annotated[str, Field(max_length=MAX_URL_CHARACTERS), Printable] | None = None

    @model_validator(mode="after")
    def _has_one_source(self) -> AttachmentField:
        if (self.content is None) == (self.url is None):
            raise ValueError("must have either content or url")
        if self.content is not None and self.media_type is None:
            raise ValueError("must have the media_type of its content")
        return self


class Asking(BaseModel):
    """What a question tells whatever dialect it is in. Unknown fields are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    lang: Language | None = None

    @property
    def attached_characters(self) -> int:
        """How much of the body is attached: a body may be longer than others by that."""
        return 0


class Wishes(Asking):
    """Whom a caller asks, with what, and how the answer is to come: the same in every way to put the question.

    Null is the same as leaving an optional field out.
    """

    username: Required
    prompt: str | None = None
    prompt_mode: Literal["append", "replace"] | None = None
    pace: Literal["natural", "none"] | None = None
    chunking: Chunking | None = None
    timeout: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    on_disconnect: Literal["cancel", "continue", "grace"] | None = None
    on_busy: OnBusy | None = None
    cache: bool | None = None
    attachments: Annotated[tuple[AttachmentField, ...], Field(max_length=1_000)] | None = None

    @property
    def attached_characters(self) -> int:
        """How much of the body is content of attachments."""
        return sum(len(one.content or "") for one in self.attachments or ())


class ChatRequest(Wishes):
    """What a caller asks, in our own words."""

    message: Required
    conversation_id: ConversationId | None = None


def parse_question(model: type[Asked], body: bytes, max_body_bytes: int) -> Asked:
    """The question in ``body`` (UTF-8 JSON), which is no longer than that but for what is attached.

    Raises Refused, naming the field that is wrong.
    """
    request = parse(model, body)
    if len(body) - request.attached_characters > max_body_bytes:
        raise too_large(max_body_bytes)
    return request


def question(**fields: Any) -> ChatRequest:  # noqa: ANN401 - those of ChatRequest
    """A question that came in other words than ours. Raises Refused, naming the field that is wrong."""
    try:
        return ChatRequest(**fields)
    except ValidationError as error:
        raise _refusal(error, _names_in(ChatRequest)) from None


def parse(model: type[Parsed], body: bytes) -> Parsed:
    """What ``body`` (UTF-8 JSON) says, as a model. Raises Refused, naming the field that is wrong."""
    if len(body) > MAX_COMMAS and body.count(b",") > MAX_COMMAS:
        raise bad_field("body", f"must not have more than {MAX_COMMAS} commas")
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise _refusal(error, _names_in(model)) from None


def language_of(body: bytes) -> Language | None:
    """The language an invalid request asks for, as far as that can be told: its errors are said in it."""
    try:
        return _OnlyLanguage.model_validate_json(body).lang
    except ValidationError:
        return None


class _OnlyLanguage(BaseModel):
    lang: Language | None = None


@cache
def _names_in(model: type[BaseModel]) -> Set[str]:
    """The names of the model's fields, and of those in them."""
    schema = model.model_json_schema()
    inner = [definition.get("properties", {}) for definition in schema.get("$defs", {}).values()]
    return frozenset(schema["properties"]).union(*inner)


def _refusal(error: ValidationError, fields: Set[str]) -> Refused:
    first: Any = error.errors(include_url=False, include_input=False)[0]
    # A union lists its members in the location; only names of fields and places in lists belong in the sentence.
    names = [str(part) for part in first["loc"] if isinstance(part, int) or part in fields]
    return bad_field(".".join(names) or "body", str(first["msg"]).removeprefix("Value error, "))
