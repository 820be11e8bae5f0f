"""``POST /api/streams/{id}/ticket``: a secret with which an EventSource, which can send no header, may follow."""

from __future__ import annotations

from streamchat.handlers.door import Door
from streamchat.handlers.errors import Refused
from streamchat.handlers.tickets import TooManyTickets


class TicketDoor(Door):
    """Issues tickets for the caller's own streams."""

    door_name = "tickets"

    async def post(self, stream_id: str) -> None:
        turn = self.rooms.book.find(stream_id, owner=self.caller)
        tickets = self.rooms.tickets
        try:
            ticket = tickets.issue(turn.id, self.caller)
        except TooManyTickets:
            raise Refused("overloaded", retry_after=tickets.seconds) from None
        self.write_payload({"success": True, "stream_id": turn.id, "ticket": ticket, "expires_in": tickets.seconds})
