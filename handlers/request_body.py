"""A request's body on its way in: how long it may be, how slowly it may come, and the room it takes. Knows no JSON."""

from __future__ import annotations

import sys
from typing import Any

from tornado.httputil import HTTPServerRequest

from streamchat.handlers.errors import Refused, bad_field, too_large
from streamchat.handlers.large_bodies import LargeBodies, reading_seconds

# Of a body that is over the limit so many times --max-body-bytes are read and dropped, so that a client that sends
# before it listens still gets its 413.
_DRAINED_LIMITS = 7
_MAX_LENGTH_DIGITS = 18


class RequestBody:
    """One request's. ``usual_bytes`` is --max-body-bytes, ``max_bytes`` what this one may have.

    One that is longer than usual takes room: as much as its headers say, or as has come where they don't.
    ``received_bytes`` counts what was dropped, too.
    """

    __slots__ = (
        "_announced_bytes",
        "_caller",
        "_data",
        "_large",
        "_max_bytes",
        "_request",
        "_room_taken",
        "_usual_bytes",
        "received_bytes",
    )

    def __init__(self, request: HTTPServerRequest, large: LargeBodies, *, usual_bytes: int, max_bytes: int) -> None:
        self.received_bytes = 0
        self._caller = ""
        self._announced_bytes = 0
        self._data = bytearray()
        self._request = request
        self._large = large
        self._usual_bytes = usual_bytes
        self._max_bytes = max_bytes
        self._room_taken = 0

    def check_headers(self, caller: str) -> None:
        """Before any of it is read: ``caller`` is whose it is. Raises Refused."""
        self._caller = caller
        connection: Any = self._request.connection
        # Tornado's own limit answers with a bare 400; ours is kept here and in ``add``.
        connection.set_max_body_size(sys.maxsize)
        announced = self._request.headers.get("Content-Length", "0")
        if not (announced.isascii() and announced.isdigit()):
            raise bad_field("Content-Length", "must be a number of bytes")
        if len(announced) > _MAX_LENGTH_DIGITS or int(announced) > self._drained_bytes:
            raise too_large(self._max_bytes)
        self._announced_bytes = int(announced)
        connection.set_body_timeout(reading_seconds(self._max_bytes))
        kind = self._request.headers.get("Content-Type", "application/json").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise Refused("unsupported_media_type")

    def add(self, chunk: bytes) -> None:
        """Raises Refused when there is too much of it even to be dropped, or no room."""
        self.received_bytes += len(chunk)
        if self.received_bytes > self._drained_bytes:
            raise too_large(self._max_bytes)
        if self.received_bytes <= self._max_bytes:
            if self.received_bytes > self._usual_bytes:
                self._take_room()
            self._data += chunk

    def pass_over(self, chunk: bytes) -> None:
        """The request is answered already."""
        self.received_bytes += len(chunk)

    def take(self) -> bytes:
        """All of it, once. Raises Refused when there was more than is taken."""
        if self.received_bytes > self._max_bytes:
            raise too_large(self._max_bytes)
        data = bytes(self._data)
        self.drop()
        return data

    def drop(self) -> None:
        """Nobody wants it any more."""
        self._data = bytearray()
        self.leave_room()

    def leave_room(self) -> None:
        """Nothing more will come; what has come is kept: whoever has sent all may close their half and listen."""
        self._large.leave(self._caller, self._room_taken)
        self._room_taken = 0

    @property
    def is_unread(self) -> bool:
        """Whether there is more of it to come."""
        announced = self._request.headers.get("Content-Length", "")
        if announced.isascii() and announced.isdigit():
            return self.received_bytes < int(announced[:_MAX_LENGTH_DIGITS])
        return "Transfer-Encoding" in self._request.headers and not self.received_bytes

    @property
    def _drained_bytes(self) -> int:
        return self._max_bytes + _DRAINED_LIMITS * self._usual_bytes

    def _take_room(self) -> None:
        """A long body shares its room with all others: it is refused before more of it comes, not when all has."""
        needed = min(max(self._announced_bytes, self.received_bytes), self._max_bytes)
        if needed > self._room_taken:
            self._large.enter(self._caller, needed - self._room_taken)
            self._room_taken = needed
