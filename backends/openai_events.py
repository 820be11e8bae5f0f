"""The data of server-sent events, out of bytes that may be cut anywhere. Knows no connection and no JSON.

Format: WHATWG HTML, 9.2.6 "Interpreting an event stream". Of an event the data alone is told: the dialect uses nothing
else. The client library's own reader takes longer for a token than all else that is done for it.
"""

from __future__ import annotations

from typing import Final

# Of one event. Past them it is no chunk of an answer, and reading on would only fill the memory.
MAX_EVENT_BYTES: Final = 4_000_000


class EventTooLong(ValueError):
    """An event with more than MAX_EVENT_BYTES."""


class EventReader:
    """``take`` bytes; it gives the data of each event that is complete with them, in order."""

    __slots__ = ("_data", "_data_bytes", "_rest")

    def __init__(self) -> None:
        self._rest = b""  # of a line that has not ended
        self._data: list[bytes] = []  # of an event that has not ended
        self._data_bytes = 0

    def take(self, received: bytes) -> list[bytes]:
        """Raises EventTooLong."""
        events = []
        for line in self._lines(received):
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
                self._data_bytes += len(line)
            elif not line and self._data:
                events.append(b"\n".join(self._data))
                self._data, self._data_bytes = [], 0
        if self._data_bytes + len(self._rest) > MAX_EVENT_BYTES:
            raise EventTooLong(f"an event of more than {MAX_EVENT_BYTES} bytes")
        return events

    def _lines(self, received: bytes) -> list[bytes]:
        text = self._rest + received
        if b"\r" in text:
            # A line may end with CR LF, and its LF may still be on the way.
            end = len(text) - text.endswith(b"\r")
            text = text[:end].replace(b"\r\n", b"\n").replace(b"\r", b"\n") + text[end:]
        *lines, self._rest = text.split(b"\n")
        return lines
