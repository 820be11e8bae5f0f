"""``POST /api/streams/{id}/input``: an answer to what the function asks, or a word while it works."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from streamchat.handlers.chat_request import parse
from streamchat.handlers.door import Door


class InputRequest(BaseModel):
    """What a user says; any JSON value. Unknown fields are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    input: Any
    request_id: Annotated[str, Field(min_length=1, max_length=128)] | None = None


class InputDoor(Door):
    """Only who opened the stream may say something to it."""

    door_name = "input"
    takes_body = True

    def post(self, stream_id: str) -> None:
        turn = self.rooms.book.find(stream_id, owner=self.caller)
        self.lang = turn.rules.view.lang
        request = parse(InputRequest, self.body.take())
        turn.give_input(request.input, request.request_id)
        self.write_payload({"success": True, "stream_id": turn.id})
