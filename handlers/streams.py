"""``/api/streams/{id}``: follow, resume and stop a stream; say something to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus

from streamchat.handlers.delivery import CLEAN_ENDS
from streamchat.handlers.door import Door
from streamchat.handlers.errors import Refused
from streamchat.handlers.rooms import Rooms
from streamchat.handlers.showing import catch_up
from streamchat.handlers.sse_response import respond_with_stream
from streamchat.handlers.stopping import stop
from streamchat.handlers.tickets import Ticket, TicketTaken
from streamchat.handlers.views import presenter_of
from streamchat.stores.tokens import Caller
from streamchat.turns.observer import Leaving
from streamchat.turns.reader import Reader
from streamchat.turns.turn import Turn
from streamchat.wire.event_id import seen_frames
from streamchat.wire.place_first import PlaceFirst
from streamchat.wire.sse import SseWire
from streamchat.wire.wire import Wire


class StreamDoor(Door):
    """``GET`` follows or resumes, with a token or a ticket; ``DELETE`` stops the work itself."""

    door_name = "streams"
    is_streaming = True

    def initialize(self, rooms: Rooms) -> None:
        super().initialize(rooms)
        self._ticket: Ticket | None = None
        if self.request.method == "DELETE":
            self.is_streaming = False

    async def authenticated(self) -> Caller:
        secret = self.get_query_argument("ticket", None) if self.request.method == "GET" else None
        if secret is None or self.bearer() is not None:
            return await super().authenticated()
        self._ticket = self.rooms.tickets.find(secret, self.path_args[0])
        if self._ticket is None:
            raise Refused("unauthorized")
        return Caller(name=self._ticket.owner)

    async def get(self, stream_id: str) -> None:
        turn = self.rooms.book.find(stream_id, owner=self.caller)
        self.lang = turn.rules.view.lang
        seen = seen_frames(self._last_event_id(), stream_id)
        reader = self.open_reader(turn)
        if self._ticket is None:
            await self._show(turn, reader, seen, SseWire(turn.id))
        else:
            await self._show_for(self._ticket, turn, reader, seen)

    async def _show_for(self, ticket: Ticket, turn: Turn, reader: Reader, seen: int) -> None:
        """Show the stream to the ticket's follower, an EventSource, which has its place before the first frame."""
        comes_back = bool(self.request.headers.get("Last-Event-ID"))
        wire = PlaceFirst(SseWire(turn.id), turn.id, seen)
        end: asyncio.Future[Leaving] = asyncio.get_running_loop().create_future()
        try:
            with self.rooms.tickets.follow(ticket, reader, comes_back=comes_back):
                await self._show(turn, reader, seen, wire, end.set_result)
                if await end in CLEAN_ENDS:
                    ticket.is_spent = True
        except TicketTaken:
            raise Refused("unauthorized") from None

    async def _show(
        self, turn: Turn, reader: Reader, seen: int, wire: Wire, on_end: Callable[[Leaving], None] | None = None
    ) -> None:
        presenter = presenter_of(self.rooms, turn, skip=seen, with_opening=False)
        first = await catch_up(self.rooms, presenter, reader, seen)
        if presenter.is_finished and not first:
            # All has been seen. 204 is also what stops an EventSource (WHATWG HTML, 9.2.3).
            self.set_status(HTTPStatus.NO_CONTENT)
            if on_end is not None:
                on_end("finished")
            return
        respond_with_stream(self, turn, reader, presenter, first=first, resumed=True, wire=wire, on_end=on_end)

    async def delete(self, stream_id: str) -> None:
        turn = self.rooms.book.find(stream_id, owner=self.caller)
        state = await stop(self.rooms, turn)
        self.write_payload({"success": True, "state": state.state, "worker": state.worker, "stream_id": turn.id})

    def _last_event_id(self) -> str:
        header = self.request.headers.get("Last-Event-ID")
        if header is not None:
            return header
        return self.get_query_argument("last_event_id", "") or self.get_query_argument("lastEventId", "")
