"""What a file is called and what it is: names of media types made one, patterns of them, and the bytes looked at."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import filetype  # type: ignore[import-untyped]

from streamchat.turns.attachment import is_text

# What a server or a browser says when it does not know.
UNKNOWN = "application/octet-stream"

# RFC 6838, section 4.2.
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}", re.ASCII)
_PATTERN = re.compile(rf"\*/\*|[a-z]+/\*|{_MEDIA_TYPE.pattern}", re.ASCII)
# Other names for one thing, as browsers, servers and libraries have them.
_ALIASES = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "audio/mp3": "audio/mpeg",
    "audio/x-mp3": "audio/mpeg",
    "audio/x-mpeg": "audio/mpeg",
    "audio/wave": "audio/wav",
    "audio/x-wav": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/x-flac": "audio/flac",
    "audio/m4a": "audio/mp4",
    "audio/x-m4a": "audio/mp4",
    "application/x-pdf": "application/pdf",
    "text/x-markdown": "text/markdown",
    "text/json": "application/json",
}
# What always begins in a way that tells it. An MP3 may begin with anything, so sound that is not known passes.
_TELLING = ("image/", "application/pdf")
_LOOKED_AT = ("image/", "audio/", "video/", "application/pdf")
_LOOKED_AT_BYTES = 8_192


def canonical(media_type: str) -> str | None:
    """The one name of a type, without its parameters; None for what is no type."""
    name = media_type.partition(";")[0].strip().lower()
    return _ALIASES.get(name, name) if _MEDIA_TYPE.fullmatch(name) else None


def is_pattern(text: str) -> bool:
    """Whether this is a type, or all of a kind (``image/*``), or all there are (``*/*``)."""
    return _PATTERN.fullmatch(text) is not None


def is_among(media_type: str, patterns: Iterable[str]) -> bool:
    """Whether a canonical type fits one of the patterns."""
    kinds = {media_type, media_type.partition("/")[0] + "/*", "*/*"}
    return not kinds.isdisjoint(_ALIASES.get(pattern, pattern) for pattern in patterns)


def recognised(content: bytes) -> str | None:
    """The type that the bytes begin like; None when nobody can tell."""
    kind: Any = filetype.guess(content[:_LOOKED_AT_BYTES])
    return None if kind is None else canonical(kind.mime)


def problem_with(media_type: str, content: bytes) -> str | None:
    """What is wrong with bytes that are said to have this canonical type; None when nothing is, or none can tell."""
    if is_text(media_type):
        return None if _is_utf8(content) else f"must be UTF-8, being {media_type}"
    if not media_type.startswith(_LOOKED_AT):
        return None
    found = recognised(content)
    if found is None:
        return f"does not begin like {media_type}" if media_type.startswith(_TELLING) else None
    return None if _is_same(media_type, found) else f"is {found}, not {media_type}"


def _is_same(media_type: str, found: str) -> bool:
    """Sound and pictures have the same containers (MP4, WebM, Ogg), which look alike from outside."""
    kind, _, name = media_type.partition("/")
    found_kind, _, found_name = found.partition("/")
    return media_type == found or (name == found_name and {kind, found_kind} <= {"audio", "video"})


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
