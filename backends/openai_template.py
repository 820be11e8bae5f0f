"""What is the same in the events of one answer: nearly all of them differ in their text alone.

Of an event that fits, the text is read without the rest. Knows of JSON only how a string is written (RFC 8259, 7).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

_KEYS: Final = (b'"content":"', b'"content": "')
# As numbers: Python takes longer to find a byte that is given as bytes.
_QUOTE: Final = 0x22
_BACKSLASH: Final = 0x5C
# Texts to try a template with. Two, because one may be the text that it was made of.
_TRIALS: Final = ("a", "b")


class TextTemplate:
    """What stood before and after the text of two events. ``says_only`` tells whether an event says a text alone."""

    __slots__ = ("_after", "_before", "_fits", "_is_tried", "_says_only")

    def __init__(self, says_only: Callable[[bytes, str], bool]) -> None:
        self._says_only = says_only
        self._before = self._after = b""
        self._is_tried = False
        self._fits = False  # whether any text between the two is all that the event says

    def text_of(self, event: bytes) -> str | None:
        """All that the event says; None when that is not known without reading it. Raises UnicodeDecodeError."""
        before, after = self._before, self._after
        if not (self._fits and event.startswith(before) and event.endswith(after)):
            return None
        raw = event[len(before) : -len(after)]
        # Where there is an escape, or a control character, which is an error, the event is to be read.
        if len(event) <= len(before) + len(after) or _BACKSLASH in raw or _QUOTE in raw:
            return None
        text = raw.decode()
        return text if text.isprintable() else None

    def learn(self, event: bytes, text: str) -> None:
        """``event`` was read, and has said ``text``."""
        for key in _KEYS:
            before, found, after = event.partition(key + text.encode() + b'"')
            if found:
                self._look_at(before + key, b'"' + after)
                return

    def _look_at(self, before: bytes, after: bytes) -> None:
        if before != self._before or after != self._after:
            self._before, self._after = before, after
            self._is_tried = self._fits = False
        elif not self._is_tried:
            # Once: a server whose chunks have more to say would be tried with each of them.
            self._is_tried = True
            self._fits = all(self._says_only(before + trial.encode() + after, trial) for trial in _TRIALS)
