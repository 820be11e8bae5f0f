"""The content of a chat completion's messages: their text, and what is attached to them.

Content is a text or a list of parts (platform.openai.com/docs/api-reference/chat/create, messages): texts, images by
address or as data: URL (RFC 2397), sound in base64, files as data: URL. Files that OpenAI keeps are not ours to get.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError

from streamchat.handlers.chat_request import AttachmentField
from streamchat.handlers.errors import bad_field
from streamchat.turns.attachment import Attachment, note_of

_TEXTS = ("text", "refusal")
_SOUNDS = {"wav": "audio/wav", "mp3": "audio/mpeg"}
_DATA_URL = re.compile(r"data:([^;,]+)(?:;[^;,]+)*;base64,", re.ASCII | re.IGNORECASE)
# How far its head is looked for: in the megabytes of one that has no end the search would hold up the loop.
_MAX_HEAD_CHARACTERS = 1_024


class Lenient(BaseModel):
    """What is not known is ignored, as OpenAI's API grows."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class ImageUrl(Lenient):
    """An address, or a data: URL with the image in it."""

    url: str = Field(repr=False)


class InputAudio(Lenient):
    """Sound in base64."""

    data: str = Field(repr=False)
    format: Literal["wav", "mp3"]


class InputFile(Lenient):
    """A file as data: URL."""

    file_data: str | None = Field(default=None, repr=False)
    filename: str | None = None


class Part(Lenient):
    """A part of a message: of the fields the one that ``type`` names is set."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: ImageUrl | None = None
    input_audio: InputAudio | None = None
    file: InputFile | None = None

    @property
    def data(self) -> str:
        """What is attached by it, as it was sent; "" for nothing."""
        match self:
            case Part(type="image_url", image_url=ImageUrl(url=data)):
                return data
            case Part(type="input_audio", input_audio=InputAudio(data=data)):
                return data
            case Part(type="file", file=InputFile(file_data=str(data))):
                return data
        return ""


def _is_list(content: object) -> str:
    return "a list of parts" if isinstance(content, list) else "a text"


# The kind is decided first, so that an error tells of what was sent and not of what it might have been instead.
Content = Annotated[
    Annotated[str, Tag("a text")] | Annotated[list[Part], Tag("a list of parts")], Discriminator(_is_list)
]


class Message(Lenient):
    """One message. An assistant that only called tools has no content."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Content | None = None

    @property
    def parts(self) -> list[Part]:
        """Its content in parts, if it is in parts."""
        return self.content if isinstance(self.content, list) else []

    @property
    def text(self) -> str:
        """Its text alone."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text or part.refusal or "" for part in self.parts if part.type in _TEXTS)


def attachments_in(message: Message, place: str) -> tuple[AttachmentField, ...]:
    """What is attached to the message at ``place``. Raises Refused for what can't be, naming the part."""
    return tuple(attached for _, attached in _attached(message, place))


def with_note(message: Message, place: str) -> str:
    """The text of a message that was answered before, and what was attached to it, as our conversations note it."""
    names = [(one.media_type or part.type, one.name or "") for part, one in _attached(message, place)]
    note = note_of(Attachment(media_type=kind, name=name, content=b"") for kind, name in names)
    return "\n".join(filter(None, (message.text, note)))


def _attached(message: Message, place: str) -> Iterator[tuple[Part, AttachmentField]]:
    for number, part in enumerate(message.parts):
        if part.type not in _TEXTS:
            yield part, _attachment(part, f"{place}.content.{number}")


def _attachment(part: Part, place: str) -> AttachmentField:
    if not part.data:
        raise bad_field(place, "must be a text, an image_url, an input_audio or a file with its file_data")
    try:
        if part.input_audio is not None and part.type == "input_audio":
            return AttachmentField(media_type=_SOUNDS[part.input_audio.format], content=part.data)
        name = part.file.filename if part.file is not None else None
        coded = _DATA_URL.match(part.data, 0, _MAX_HEAD_CHARACTERS)
        if coded is not None:
            return AttachmentField(media_type=coded[1], name=name, content=part.data[coded.end() :])
        if part.type == "file" or part.data[:5].lower() == "data:":
            raise bad_field(place, "must be a data: URL in base64 that names its media type")
        return AttachmentField(url=part.data)
    except ValidationError as error:
        problem = str(error.errors(include_url=False, include_input=False)[0]["msg"])
        raise bad_field(place, problem.removeprefix("Value error, ")) from None
