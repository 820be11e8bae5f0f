"""Tickets: a secret that lets its holder read one stream, for clients that can send no header. Knows no HTTP.

A ticket is for one follower. Whoever comes first takes it up, within seconds; from then on it only lets that follower
come back: with a sign of what it has seen, which an EventSource sends by itself when it connects again with the same
address. Coming back ends the connection before, so there is never more than one; and when the follower has stayed away
for as long as a ticket waits to be taken up, it is void.

A connection that breaks before all was sent gives the ticket back, to whoever comes first: the follower may never have
got the beginning, and then it has no sign to show. What a server has sent tells nothing of what has arrived.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf

from streamchat.turns.reader import Reader

MAX_TICKETS = 20_000
MAX_OF_A_STREAM = 8
# Below this many nobody looks for those that are void.
_FEW = 64


class TooManyTickets(Exception):
    """There are as many as may be; some will be void soon."""


class TicketTaken(Exception):
    """Somebody follows with the ticket, or has followed to the end, and who comes now shows no sign to be that one."""


@dataclass(slots=True, eq=False)
class Ticket:
    """What is known of a ticket; its secret is not. ``expires_at`` is far away while somebody follows.

    Whoever shows the stream sets ``is_spent`` when a follower has been sent all of it.
    """

    digest: bytes
    stream_id: str
    owner: str
    expires_at: float
    is_spent: bool = False
    follower: Reader | None = None


class Tickets:
    """All tickets that are not void. ``clock`` is in seconds."""

    def __init__(self, clock: Callable[[], float], seconds: float) -> None:
        self.seconds = seconds
        self._clock = clock
        self._tickets: dict[bytes, Ticket] = {}
        self._of_stream: dict[str, list[Ticket]] = {}
        self._look_at = _FEW

    def __len__(self) -> int:
        return len(self._tickets)

    def issue(self, stream_id: str, owner: str) -> str:
        """A new secret for the stream. The oldest of a stream's tickets goes when it has too many."""
        self._forget_void()
        if len(self._tickets) >= MAX_TICKETS:
            raise TooManyTickets
        secret = secrets.token_urlsafe(32)
        ticket = Ticket(_digest(secret), stream_id, owner, self._clock() + self.seconds)
        self._tickets[ticket.digest] = ticket
        of_stream = self._of_stream.setdefault(stream_id, [])
        of_stream.append(ticket)
        if len(of_stream) > MAX_OF_A_STREAM:
            self._forget(of_stream[0])
        return secret

    def find(self, secret: str, stream_id: str) -> Ticket | None:
        """The ticket, if ``secret`` is one of this stream's that is not void; None otherwise, whatever the reason."""
        # What is looked up is a digest: how long that takes says nothing of the secret.
        digest = _digest(secret)
        ticket = self._tickets.get(digest)
        if ticket is None or not hmac.compare_digest(ticket.digest, digest) or ticket.stream_id != stream_id:
            return None
        if ticket.expires_at <= self._clock():
            self._forget(ticket)
            return None
        return ticket

    @contextmanager
    def follow(self, ticket: Ticket, reader: Reader, *, comes_back: bool) -> Iterator[None]:
        """``reader`` is the ticket's follower for so long, and the only one: the one before it is closed.

        ``comes_back`` says that it has shown what it has seen; without that it may be TicketTaken.
        """
        before = ticket.follower
        if not comes_back and (before is not None or ticket.is_spent):
            raise TicketTaken
        ticket.follower, ticket.expires_at = reader, inf
        if before is not None:
            before.close()
        try:
            yield
        finally:
            if ticket.follower is reader:
                # Who comes back must do so in time.
                ticket.follower = None
                ticket.expires_at = self._clock() + self.seconds

    def _forget_void(self) -> None:
        """Look through all of them, but not before they have doubled since the last time."""
        if len(self._tickets) < min(self._look_at, MAX_TICKETS):
            return
        now = self._clock()
        for ticket in [ticket for ticket in self._tickets.values() if ticket.expires_at <= now]:
            self._forget(ticket)
        self._look_at = max(_FEW, 2 * len(self._tickets))

    def _forget(self, ticket: Ticket) -> None:
        if self._tickets.pop(ticket.digest, None) is None:
            return
        of_stream = self._of_stream[ticket.stream_id]
        of_stream.remove(ticket)
        if not of_stream:
            del self._of_stream[ticket.stream_id]


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
