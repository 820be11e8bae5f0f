"""``/api/streams/{id}``: follow, resume and stop a stream; say something to it."""

from __future__ import annotations

from http import HTTPStatus

from streamchat.handlers.door import Door
from streamchat.handlers.following import fast_forward
from streamchat.handlers.rooms import Rooms
from streamchat.handlers.sse_response import respond_with_stream
from streamchat.handlers.views import presenter_of
from streamchat.presenting.frames import AnyFrame
from streamchat.presenting.presenter import Presenter
from streamchat.turns.reader import Reader
from streamchat.wire.sse import BadEventId, seen_frames


class StreamDoor(Door):
    """``GET`` follows or resumes, ``DELETE`` stops the work itself."""

    door_name = "streams"
    is_streaming = True

    def initialize(self, rooms: Rooms) -> None:
        super().initialize(rooms)
        if self.request.method == "DELETE":
            self.is_streaming = False

    async def get(self, stream_id: str) -> None:
        turn = self.rooms.book.find(stream_id, owner=self.caller)
        self.lang = turn.rules.view.lang
        seen = seen_frames(self._last_event_id(), stream_id)
        reader = self.open_reader(turn)
        presenter = presenter_of(self.rooms, turn, skip=seen, with_opening=False)
        first = await self._catch_up(presenter, reader, seen)
        if presenter.is_finished and not first:
            # All has been seen. 204 is also what stops an EventSource (WHATWG HTML, 9.2.3).
            self.set_status(HTTPStatus.NO_CONTENT)
            return
        await respond_with_stream(self, turn, reader, presenter, first=first, resumed=True)

    async def delete(self, stream_id: str) -> None:
        turn = self.rooms.book.find(stream_id, owner=self.caller)
        state = await turn.cancel()
        self.write_payload({"success": True, "state": state.state, "worker": state.worker, "stream_id": turn.id})

    async def _catch_up(self, presenter: Presenter, reader: Reader, seen: int) -> list[AnyFrame]:
        first = await fast_forward(reader, presenter, seen)
        if presenter.number < seen:
            self.rooms.metrics.resumed("impossible")
            raise BadEventId("that frame has not been sent yet")
        self.rooms.metrics.resumed("complete" if presenter.is_finished and not first else "resumed")
        return first

    def _last_event_id(self) -> str:
        header = self.request.headers.get("Last-Event-ID")
        if header is not None:
            return header
        return self.get_query_argument("last_event_id", "") or self.get_query_argument("lastEventId", "")
