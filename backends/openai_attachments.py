"""Attachments of a question as parts of an OpenAI message. Knows no network.

The parts: https://platform.openai.com/docs/api-reference/chat/create.
Servers differ in which of them their model takes.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Literal, Protocol

from streamchat.backends.openai_errors import QuestionRefused

Kind = Literal["image", "audio", "file", "text"]

# What each kind of part can hold.
TYPES: Final[Mapping[Kind, tuple[str, ...]]] = {
    "image": ("image/png", "image/jpeg", "image/gif", "image/webp"),
    "audio": ("audio/wav", "audio/mpeg"),
    "file": ("application/pdf",),
    "text": ("text/plain", "text/markdown", "text/csv", "text/html", "text/xml", "application/json"),
}
_AUDIO_FORMATS = {"audio/wav": "wav", "audio/mpeg": "mp3"}


class Attachment(Protocol):
    """What a process_query is given of a file."""

    @property
    def media_type(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def content(self) -> bytes: ...


def types_of(kinds: Iterable[Kind]) -> tuple[str, ...]:
    """The media types that a model takes which takes these kinds of parts."""
    return tuple(media_type for kind in kinds for media_type in TYPES[kind])


def content_of(message: str, attachments: Sequence[Attachment], kinds: Iterable[Kind]) -> str | list[dict[str, Any]]:
    """A question's content: its text alone, or with a part for each attachment. Raises QuestionRefused.

    The files come first, as a question about them follows.
    """
    if not attachments:
        return message
    parts = {media_type: _PARTS[kind] for kind in kinds for media_type in TYPES[kind]}
    for attachment in attachments:
        if attachment.media_type not in parts:
            raise QuestionRefused(f"the model takes no {attachment.media_type}: see STREAMCHAT_OPENAI_ATTACHMENTS")
    return [*(parts[one.media_type](one) for one in attachments), _text(message)]


def _image_part(attachment: Attachment) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": _data_url(attachment)}}


def _audio_part(attachment: Attachment) -> dict[str, Any]:
    sound = {"data": b64encode(attachment.content).decode(), "format": _AUDIO_FORMATS[attachment.media_type]}
    return {"type": "input_audio", "input_audio": sound}


def _file_part(attachment: Attachment) -> dict[str, Any]:
    return {"type": "file", "file": {"filename": attachment.name or "file.pdf", "file_data": _data_url(attachment)}}


def _text_part(attachment: Attachment) -> dict[str, Any]:
    return _text(f"{attachment.name or attachment.media_type}:\n\n{attachment.content.decode()}")


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _data_url(attachment: Attachment) -> str:
    return f"data:{attachment.media_type};base64,{b64encode(attachment.content).decode()}"


_PARTS: Final[Mapping[Kind, Callable[[Attachment], dict[str, Any]]]] = {
    "image": _image_part,
    "audio": _audio_part,
    "file": _file_part,
    "text": _text_part,
}
