"""Which text a database can hold. Knows no database.

PostgreSQL refuses U+0000, SQLite reads past it at its peril, and neither can encode a lone surrogate. A key with one
of these is a mistake; an answer with one must be kept all the same.
"""

from __future__ import annotations

import re
from typing import Final

# Two keys of four bytes a character fit into one PostgreSQL index entry (2,704 bytes).
MAX_KEY_CHARACTERS: Final = 200

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


class UnstorableText(ValueError):
    """Text that cannot be a key: empty, too long, or with U+0000 or a lone surrogate in it."""


def is_storable(text: str) -> bool:
    """Whether every supported database keeps this text as it is."""
    return _UNSTORABLE.search(text) is None


def storable(text: str) -> str:
    """The text with U+FFFD in place of what no database can hold."""
    if text.isascii() and "\x00" not in text:
        return text  # known without a look at each character
    return _UNSTORABLE.sub("\ufffd", text)


def is_key(text: str) -> bool:
    """Whether a row can have this key at all; a look-up of any other finds nothing."""
    return 0 < len(text) <= MAX_KEY_CHARACTERS and is_storable(text)


def require_key(field: str, text: str) -> None:
    """Refuse a key that could not be stored and found again, naming the field."""
    if not is_key(text):
        raise UnstorableText(
            f"{field} must have 1 to {MAX_KEY_CHARACTERS} characters, none of them U+0000 or a lone surrogate"
        )
