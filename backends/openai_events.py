"""The data of server-sent events, out of bytes that may be cut anywhere. Knows no connection and no JSON.

Format: WHATWG HTML, 9.2.6 "Interpreting an event stream". Of an event the data alone is told: the dialect uses nothing
else, and says by an event when it is done.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from typing import Final

# Of one event. Past them it is no chunk of an answer, and reading on would only fill the memory.
MAX_EVENT_BYTES: Final = 4_000_000

_BEGIN: Final = b"data: "
_END: Final = b"\n\n"
_DONE: Final = b"[DONE]"
# As numbers: Python takes longer to find a byte that is given as bytes.
_LF: Final = 0x0A
_CR: Final = 0x0D


class EventTooLong(ValueError):
    """An event with more than MAX_EVENT_BYTES."""


class EventReader:
    """``take`` bytes; it gives the data of each event that is complete with them, in order.

    ``is_done`` once the event has come that says so; it is not given, nor are those after it.
    """

    __slots__ = ("_data", "_data_bytes", "_has_begun", "_rest", "is_done")

    def __init__(self) -> None:
        self.is_done = False
        self._has_begun = False
        self._rest = b""  # of a line that has not ended
        self._data: list[bytes] = []  # of an event that has not ended
        self._data_bytes = 0

    def take(self, received: bytes) -> list[bytes]:
        """Raises EventTooLong."""
        if received.startswith(_BEGIN) and received.endswith(_END) and not self._rest and not self._data:
            # Nearly always what comes is whole events of a line each, or one of them.
            plain = received[len(_BEGIN) : -len(_END)]
            events = plain.split(_END + _BEGIN) if _LF in plain else [plain]
            if _CR not in plain and not [event for event in events if _LF in event or event.startswith(_DONE)]:
                self._has_begun = True
                return events
        events = []
        for line in self._lines(received):
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
                self._data_bytes += len(line)
            elif not line and self._data:
                event = b"\n".join(self._data)
                if event.startswith(_DONE):
                    self.is_done = True
                    return events
                events.append(event)
                self._data, self._data_bytes = [], 0
        if self._data_bytes + len(self._rest) > MAX_EVENT_BYTES:
            raise EventTooLong(f"an event of more than {MAX_EVENT_BYTES} bytes")
        return events

    def _lines(self, received: bytes) -> list[bytes]:
        text = self._rest + received
        if not self._has_begun:
            if len(text) < len(BOM_UTF8) and BOM_UTF8.startswith(text):
                self._rest = text
                return []
            text, self._has_begun = text.removeprefix(BOM_UTF8), True
        if b"\r" in text:
            # A line may end with CR LF, and its LF may still be on the way.
            end = len(text) - text.endswith(b"\r")
            text = text[:end].replace(b"\r\n", b"\n").replace(b"\r", b"\n") + text[end:]
        *lines, self._rest = text.split(b"\n")
        return lines
