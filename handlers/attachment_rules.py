"""How many files may come with a question, how long they may be, and of which types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streamchat.handlers.media_types import is_among

DEFAULT_TYPES = (
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "audio/wav",
    "audio/mpeg",
    "audio/mp4",
    "audio/ogg",
    "audio/flac",
    "audio/webm",
    "application/pdf",
    "application/json",
    "text/plain",
    "text/markdown",
    "text/csv",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentRules:
    """How many attachments a question has, how many bytes each and all of them, and of which types."""

    max_count: int = 8
    max_bytes: int = 8_388_608
    max_total_bytes: int = 16_777_216
    media_types: tuple[str, ...] = DEFAULT_TYPES

    def problem_with_type(self, media_type: str, takes: Sequence[str]) -> str | None:
        """What is wrong with an attachment of this type, for a function that ``takes`` these; None for nothing."""
        if not is_among(media_type, self.media_types):
            return f"must be one of {', '.join(self.media_types)} (--attachment-types)"
        if not is_among(media_type, takes):
            return f"must be one of {', '.join(takes)}: the function of this server takes no other"
        return None
