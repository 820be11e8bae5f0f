"""The body that the AI SDK's chat transport posts, and the question in it.

The SDK knows two ways to tell what was said before. ``messages`` is the chat as the page shows it: the last one is the
question, those before it are the history, so that a page can edit and ask again. ``message`` is the question alone:
then the history is what the stored conversation knows.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from streamchat.handlers.chat_request import AttachmentField, ChatRequest, ConversationId, Wishes, question
from streamchat.handlers.data_urls import attachment_at
from streamchat.handlers.errors import bad_field
from streamchat.handlers.questions import History


class UiPart(BaseModel):
    """A part of a message: a text, a file, or what a page shows and a function is told nothing of.

    A chat that was kept in between may have null for what is not there.
    """

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    type: str
    text: str | None = None
    url: str | None = Field(default=None, repr=False)
    media_type: str | None = Field(default=None, alias="mediaType")
    filename: str | None = None


class UiMessage(BaseModel):
    """A message as the page has it."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    role: Literal["system", "user", "assistant"]
    parts: list[UiPart]

    @property
    def text(self) -> str:
        """What it says. An answer that was interrupted by tools is one answer; a user's texts stand apart."""
        texts = [part.text or "" for part in self.parts if part.type == "text"]
        return ("" if self.role == "assistant" else "\n").join(texts)

    @property
    def files(self) -> list[UiPart]:
        """The files in it."""
        return [part for part in self.parts if part.type == "file"]


class UiMessageRequest(Wishes):
    """A question in the AI SDK's words; ``id`` is the chat's."""

    id: ConversationId | None = None
    messages: list[UiMessage] | None = None
    message: UiMessage | None = None
    trigger: Literal["submit-message", "regenerate-message"] | None = None

    @property
    def attached_characters(self) -> int:
        """How much of the body is content of files: a page sends those of earlier questions, too."""
        said = [*(self.messages or ()), *filter(None, [self.message])]
        return super().attached_characters + sum(len(file.url or "") for message in said for file in message.files)


def question_in(request: UiMessageRequest) -> tuple[ChatRequest, History | None]:
    """The question in our own words, and what was said before it; None when the stored conversation knows that.

    Raises Refused, naming the field that has no question in it.
    """
    field, said = ("messages", request.messages) if request.message is None else ("message", [request.message])
    if field == "message" and request.trigger == "regenerate-message":
        raise bad_field("message", "is not enough to ask again: send messages, without the answer")
    if not said or said[-1].role != "user":
        raise bad_field(field, "must end with a message of the user")
    *earlier, last = said
    if not last.text.strip():
        raise bad_field(field, "must end with a message that has text")
    wishes = {name: getattr(request, name) for name in Wishes.model_fields}
    wishes["prompt"] = _prompt(said, request.prompt)
    wishes["attachments"] = (*(request.attachments or ()), *(_attachment(field, file) for file in last.files))
    # Pages of the SDK show text as it comes.
    wishes["pace"] = request.pace or "none"
    asked = question(**wishes, message=last.text, conversation_id=request.id)
    return asked, None if field == "message" else _history(earlier)


def _attachment(field: str, file: UiPart) -> AttachmentField:
    return attachment_at(field, file.url or "", media_type=file.media_type, name=file.filename)


def _prompt(said: list[UiMessage], prompt: str | None) -> str | None:
    """What the page instructs, in messages of the system or as other clients do."""
    instructions = [message.text for message in said if message.role == "system"]
    return "\n\n".join(filter(None, [*instructions, prompt])) or None


def _history(earlier: list[UiMessage]) -> History:
    return [
        {"role": message.role, "content": message.text}
        for message in earlier
        if message.role != "system" and message.text
    ]
