"""The OpenAI dialect: profiles are models, a question is a chat completion. Errors, too, are in OpenAI's shape."""

from __future__ import annotations

from asyncio import Future
from time import time

from streamchat.handlers.chat import ask_for, read_question
from streamchat.handlers.door import EXPOSED, Door
from streamchat.handlers.errors import Refused
from streamchat.handlers.openai_request import CompletionRequest, history_of, question_of
from streamchat.handlers.sse_response import respond_with_stream
from streamchat.handlers.views import presenter_of
from streamchat.handlers.whole_answer import gather
from streamchat.presenting.frames import Payload, keepalive
from streamchat.presenting.styles import QUIET
from streamchat.stores.profiles import Profile
from streamchat.wire.openai import Completion, CompletionWire, error_body, whole_completion

# The function has run, and OpenAI's clients would have it run again: they repeat whatever has a status of 409 or 5xx,
# unless this header says otherwise.
_NOT_TO_BE_RETRIED = ("processing_error", "timeout", "cancelled")


class OpenAIDoor(Door):
    """What all addresses under ``/v1`` have: errors as OpenAI's clients read them."""

    def write_refusal(self, payload: Payload) -> Future[None]:
        if payload["code"] in _NOT_TO_BE_RETRIED:
            self.set_header("x-should-retry", "false")
            self.set_header("Access-Control-Expose-Headers", f"{EXPOSED}, x-should-retry")
        return self.write_payload(error_body(payload))


class CompletionsDoor(OpenAIDoor):
    """``POST /v1/chat/completions``: a stream, or one body."""

    door_name = "openai"
    # Its clients know no questions.
    can_answer = False
    takes_body = takes_attachments = True

    async def post(self) -> None:
        request = read_question(self, CompletionRequest)
        question, history = question_of(request), history_of(request)
        turn, reader = await ask_for(self, question, QUIET, history=history, is_kept=bool(request.store))
        completion = Completion(id=f"chatcmpl-{turn.id}", model=request.model, created=int(time()))
        if request.stream:
            options = request.stream_options
            wire = CompletionWire(completion, with_usage=options is not None and bool(options.include_usage))
            # The first sign of life goes out with the headers, before any work.
            respond_with_stream(self, turn, reader, presenter_of(self.rooms, turn), first=[keepalive(0)], wire=wire)
            return
        whole = await gather(self, turn, reader)
        if whole is not None:
            self.write_payload(whole_completion(completion, whole.frames, whole.end))


class ModelsDoor(OpenAIDoor):
    """``GET /v1/models``."""

    door_name = "models"

    async def get(self) -> None:
        profiles = await self.rooms.profiles.list()
        self.write_payload({"object": "list", "data": [_model(profile) for profile in profiles]})


class ModelDoor(OpenAIDoor):
    """``GET /v1/models/{id}``."""

    door_name = "models"

    async def get(self, username: str) -> None:
        profile = await self.rooms.profiles.get(username)
        if profile is None:
            raise Refused("profile_not_found")
        self.write_payload(_model(profile))


class NoOpenAIDoor(OpenAIDoor):
    """Every other address under ``/v1``."""

    needs_token = False

    async def admit(self) -> None:
        await super().admit()
        if self.request.method != "OPTIONS":
            raise Refused("not_found")


def _model(profile: Profile) -> Payload:
    """A profile as a model; nobody remembers when it was made."""
    known = {"id": profile.username, "object": "model", "created": 0, "owned_by": "streamchat"}
    return {**known, "name": profile.display_name}
