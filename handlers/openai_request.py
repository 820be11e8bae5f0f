"""The body of ``POST /v1/chat/completions``: the model that validates it, and what it asks in the house's own words.

Knows which of OpenAI's parameters (platform.openai.com/docs/api-reference/chat) any function at all can keep. A wish
about how the text is made (temperature, max_tokens, seed …) is nobody's to grant here and is ignored. What would make
the answer another than the client can read is refused: better no answer than one that looks right.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from streamchat.handlers.chat_request import Asking, ChatRequest, ConversationId, Required, question
from streamchat.handlers.errors import bad_field
from streamchat.handlers.openai_parts import Lenient, Message, attachments_in, with_note
from streamchat.handlers.questions import History
from streamchat.turns.query import OnBusy, OnDisconnect

_INSTRUCTING = ("system", "developer")
_TALKING = ("user", "assistant")
_OWN_TOOLS = "must be auto or none: a profile uses tools of its own only"


class StreamOptions(Lenient):
    """What a stream is to tell beside the answer."""

    include_usage: bool | None = None


class ResponseFormat(Lenient):
    """The form that the answer is to have."""

    type: str


class CompletionRequest(Asking):
    """What a client of OpenAI's API asks; ``lang``, and from ``store`` on also others, are the house's own."""

    model: Required
    messages: Annotated[list[Message], Field(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = None
    stop: Any = None
    tool_choice: Any = None
    function_call: Any = None
    response_format: ResponseFormat | None = None
    logprobs: bool | None = None
    modalities: list[str] | None = None
    store: bool | None = None
    conversation_id: ConversationId | None = None
    prompt_mode: Literal["append", "replace"] | None = None
    timeout: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    on_disconnect: OnDisconnect | None = None
    on_busy: OnBusy | None = None

    @property
    def attached_characters(self) -> int:
        """How much of the body is attached to messages; clients send what was attached before again and again."""
        return sum(len(part.data) for message in self.messages for part in message.parts)


def question_of(request: CompletionRequest) -> ChatRequest:
    """The request as the other doors know it. Raises Refused for what can't be kept, naming the parameter.

    A client of this API that leaves wants no answer any more: it can't come back for it.
    """
    _check_promises(request)
    at, asked = _question(request)
    if not asked.text.strip():
        raise bad_field(f"messages.{at}.content", "must have a text that is not empty")
    instructions = [_instruction(i, said) for i, said in enumerate(request.messages) if said.role in _INSTRUCTING]
    return question(
        username=request.model,
        message=asked.text,
        prompt="\n\n".join(filter(None, instructions)),
        prompt_mode=request.prompt_mode,
        conversation_id=request.conversation_id,
        lang=request.lang,
        pace="none",
        timeout=request.timeout,
        on_disconnect=request.on_disconnect or "cancel",
        on_busy=request.on_busy,
        attachments=attachments_in(asked, f"messages.{at}"),
    )


def history_of(request: CompletionRequest) -> History:
    """What was said before the question, as the client remembers it; calls of tools and their results are left out."""
    at, _ = _question(request)
    before = ((i, said) for i, said in enumerate(request.messages[:at]) if said.role in _TALKING)
    told = [{"role": said.role, "content": with_note(said, f"messages.{i}")} for i, said in before]
    return [message for message in told if message["content"]]


def _question(request: CompletionRequest) -> tuple[int, Message]:
    """The last message that is no instruction, and its place."""
    last = [(i, said) for i, said in enumerate(request.messages) if said.role not in _INSTRUCTING][-1:]
    if not last or last[0][1].role != "user":
        raise bad_field("messages", "must end with a question: a message of the user")
    return last[0]


def _instruction(at: int, said: Message) -> str:
    if attachments_in(said, f"messages.{at}"):
        raise bad_field(f"messages.{at}.content", "must be text: nothing can be attached to an instruction")
    return said.text


def _check_promises(request: CompletionRequest) -> None:
    broken = {
        "n": (request.n not in (None, 1), "must be 1: a profile gives one answer"),
        "stop": (bool(request.stop), "is not supported: an answer is given whole"),
        "response_format": (_form(request) != "text", "must be of the type text: no other form can be promised"),
        "tool_choice": (request.tool_choice not in (None, "auto", "none"), _OWN_TOOLS),
        "function_call": (request.function_call not in (None, "auto", "none"), _OWN_TOOLS),
        "logprobs": (bool(request.logprobs), "is not supported"),
        "modalities": ("text" not in (request.modalities or ["text"]), "must have text in it"),
    }
    for field, (is_broken, problem) in broken.items():
        if is_broken:
            raise bad_field(field, problem)


def _form(request: CompletionRequest) -> str:
    return "text" if request.response_format is None else request.response_format.type
