"""``/api/ui_message_stream``: the AI SDK's doors. A chat is a conversation, and a message is the stream of one turn."""

from __future__ import annotations

from asyncio import Future
from http import HTTPStatus

from streamchat.handlers.chat import ask_for, read_question
from streamchat.handlers.door import Door
from streamchat.handlers.errors import Refused
from streamchat.handlers.showing import catch_up
from streamchat.handlers.sse_response import respond_with_stream
from streamchat.handlers.ui_messages_request import UiMessageRequest, question_in
from streamchat.handlers.views import presenter_of
from streamchat.presenting.frames import Payload
from streamchat.presenting.styles import UI_MESSAGES
from streamchat.turns.turn import Turn
from streamchat.wire.ui_messages import VERSION_HEADER, UiMessageWire


class _UiMessageDoor(Door):
    """What the dialect's doors share."""

    def write_refusal(self, payload: Payload) -> Future[None]:
        """Answer with the sentence alone: the SDK makes an Error of the body, and pages show its text."""
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        return self.finish(payload["error"])

    def dialect(self, turn: Turn) -> UiMessageWire:
        """The wire for ``turn``; the header that goes with it is set."""
        self.set_header(*VERSION_HEADER)
        return UiMessageWire(turn.id, {"stream_id": turn.id, "conversation_id": turn.query.conversation_id})


class UiMessagesDoor(_UiMessageDoor):
    """``POST``: what ``DefaultChatTransport`` sends, answered with a UI message stream."""

    door_name = "ui_messages"
    takes_body = takes_attachments = True

    async def post(self) -> None:
        asked = read_question(self, UiMessageRequest)
        request, history = question_in(asked)
        turn, reader = await ask_for(self, request, UI_MESSAGES, history=history)
        respond_with_stream(self, turn, reader, presenter_of(self.rooms, turn), wire=self.dialect(turn))


class UiMessageStreamDoor(_UiMessageDoor):
    """``GET …/{chat_id}/stream``: the chat's running stream from its beginning, as the SDK resumes."""

    door_name = "streams"

    async def get(self, chat_id: str) -> None:
        turn = self._turn(chat_id)
        if turn is None:
            self.set_status(HTTPStatus.NO_CONTENT)
            return
        self.lang = turn.rules.view.lang
        reader = self.open_reader(turn)
        presenter = presenter_of(self.rooms, turn)
        first = await catch_up(self.rooms, presenter, reader, 0)
        respond_with_stream(self, turn, reader, presenter, first=first, resumed=True, wire=self.dialect(turn))

    def _turn(self, chat_id: str) -> Turn | None:
        """The turn that is named, running or not; else the one that runs."""
        stream_id = self.get_query_argument("stream_id", None)
        if stream_id is None:
            return self.rooms.book.running_in(chat_id, owner=self.caller)
        turn = self.rooms.book.find(stream_id, owner=self.caller)
        if turn.query.conversation_id != chat_id:
            raise Refused("stream_not_found")
        return turn
