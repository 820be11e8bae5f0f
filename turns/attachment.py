"""A file that comes with a question, as a function is given it. Knows no HTTP, and not where it came from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """``media_type`` is in lower case and without parameters; text is UTF-8. ``name`` is "" when it has none."""

    media_type: str
    name: str = ""
    # Nobody's to see in a log or a traceback.
    content: bytes = field(repr=False)

    @property
    def is_text(self) -> bool:
        """Whether the content is UTF-8 text."""
        return is_text(self.media_type)


def is_text(media_type: str) -> bool:
    """Whether what has this type is text."""
    return media_type.startswith("text/") or media_type == "application/json"


def note_of(attachments: Iterable[Attachment]) -> str:
    """What a conversation keeps of them: a line that says what there was; "" for nothing."""
    told = ", ".join(f"{one.name} ({one.media_type})" if one.name else one.media_type for one in attachments)
    return f"[attached: {told}]" if told else ""
