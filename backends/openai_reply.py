"""What the chunks of one streamed answer come to: text, tool calls, usage, finish reason. Knows no socket.

The dialect: https://platform.openai.com/docs/api-reference/chat-streaming; where servers differ from it, the code says
how.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic_core import from_json

from streamchat.backends.openai_template import TextTemplate

# Of one message; past them it is no sane answer.
MAX_TOOL_CALLS: Final = 32
MAX_TOOL_CHARACTERS: Final = 200_000
MAX_REASONING_CHARACTERS: Final = 2_000_000

# vLLM, llama.cpp and DeepSeek call it the first, Ollama, OpenRouter and newer vLLM the second.
_REASONING_FIELDS = ("reasoning_content", "reasoning")


class MalformedChunk(ValueError):
    """A chunk that is not of the dialect."""


class ErrorChunk(Exception):
    """A chunk by which the server says that it has failed; ``said`` is what it says of that."""

    def __init__(self, said: object) -> None:
        super().__init__("the server says that it has failed")
        self.said = said


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens as the server counts them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
        )


@dataclass(slots=True, kw_only=True)
class ToolRequest:
    """A call that the model wants, as far as it has come; ``arguments`` is meant to be JSON."""

    id: str
    name: str = ""
    arguments: str = ""


@dataclass(slots=True, kw_only=True)
class Reply:
    """One answer of the model, chunk by chunk. Tells ``reading`` the percent it has read, and once of ``reasoning``.

    The reasoning is kept where ``keeps_reasoning`` says so: only what asks for a tool is ever given back.
    """

    reading: Callable[[float], None] = lambda percent: None
    reasoning: Callable[[], None] = lambda: None
    keeps_reasoning: bool = False
    text_parts: list[str] = field(default_factory=list)
    reasoning_parts: list[str] = field(default_factory=list)
    # What the server calls its reasoning: it must be given back under this name, even if it was empty.
    reasoning_field: str | None = None
    tool_requests: list[ToolRequest] = field(default_factory=list)
    finish_reason: str | None = None
    usage: Usage | None = None
    _template: TextTemplate = field(default_factory=lambda: TextTemplate(_says_only), repr=False, compare=False)
    _by_index: dict[object, ToolRequest] = field(default_factory=dict)
    _tool_characters: int = 0
    _reasoning_characters: int = 0

    @property
    def text(self) -> str:
        return "".join(self.text_parts)

    @property
    def has_begun(self) -> bool:
        """Whether the model has said anything, aloud or not."""
        return bool(self.text_parts or self._reasoning_characters or self.tool_requests)

    def read(self, event: bytes) -> str:
        """Add a chunk as JSON has it; the text that came with it. Raises ErrorChunk, and ValueError when it is none."""
        text = self._template.text_of(event)
        if text is not None:
            self.text_parts.append(text)
            return text
        text = self.take(from_json(event))
        if text:
            self._template.learn(event, text)
        return text

    def take(self, chunk: object) -> str:
        """Add a chunk; the text that came with it. Raises MalformedChunk and ErrorChunk."""
        try:
            return self._take(chunk)
        except (AttributeError, TypeError, KeyError) as error:
            raise MalformedChunk(f"a chunk is not as it should be: {type(error).__name__}") from None

    def forget_end(self) -> None:
        """The same is asked again: how the try before has ended, and what it took, says nothing of the next."""
        self.finish_reason = self.usage = None

    def as_message(self) -> dict[str, Any]:
        """The reply as the model's own message, for it to go on from."""
        message: dict[str, Any] = {"role": "assistant", "content": self.text or None}
        if self.reasoning_field is not None:
            message[self.reasoning_field] = "".join(self.reasoning_parts)
        message["tool_calls"] = [
            {
                "id": request.id,
                "type": "function",
                "function": {"name": request.name, "arguments": request.arguments},
            }
            for request in self.tool_requests
        ]
        return message

    def _take(self, chunk: object) -> str:
        if not isinstance(chunk, dict):
            raise TypeError
        if error := chunk.get("error"):
            raise ErrorChunk(error)
        if usage := chunk.get("usage"):
            self.usage = _usage(usage)
        if progress := chunk.get("prompt_progress"):
            self._report_reading(progress)
        text = ""
        # Only the last chunk, of usage, has no choices; Azure's first has none either.
        for choice in chunk.get("choices") or ():
            if not isinstance(choice, dict):
                raise TypeError
            self.finish_reason = choice.get("finish_reason") or self.finish_reason
            text += self._take_delta(choice.get("delta") or {})
        return text

    def _take_delta(self, delta: dict[str, Any]) -> str:
        # A refusal is what the model says instead of an answer.
        text = delta.get("content") or delta.get("refusal") or ""
        if not isinstance(text, str):
            raise TypeError
        if text:
            self.text_parts.append(text)
        for name in _REASONING_FIELDS:
            if isinstance(delta.get(name), str):
                self._take_reasoning(name, delta[name])
                break  # some servers send the same under both names
        if calls := delta.get("tool_calls"):
            for call in calls:
                self._take_call(call)
        return text

    def _take_reasoning(self, name: str, text: str) -> None:
        self.reasoning_field = name
        if text and not self._reasoning_characters:
            self.reasoning()
        self._reasoning_characters += len(text)
        if self._reasoning_characters > MAX_REASONING_CHARACTERS:
            raise MalformedChunk(f"reasoning with more than {MAX_REASONING_CHARACTERS} characters")
        if text and self.keeps_reasoning:
            self.reasoning_parts.append(text)

    def _take_call(self, piece: Mapping[str, Any]) -> None:
        request = self._request_of(piece)
        function = piece.get("function") or {}
        request.name = request.name or function.get("name") or ""
        arguments = function.get("arguments") or ""
        self._tool_characters += len(arguments) + len(request.name)
        if self._tool_characters > MAX_TOOL_CHARACTERS:
            raise MalformedChunk(f"tool calls with more than {MAX_TOOL_CHARACTERS} characters")
        request.arguments += arguments

    def _request_of(self, piece: Mapping[str, Any]) -> ToolRequest:
        """The call that the piece belongs to. Ollama and Gemini give whole calls the same index, or none."""
        index, given_id = piece.get("index"), str(piece.get("id") or "")
        known = self._by_index.get(index)
        if known is not None and given_id in ("", known.id):
            return known
        if len(self.tool_requests) == MAX_TOOL_CALLS:
            raise MalformedChunk(f"more than {MAX_TOOL_CALLS} tool calls in one message")
        request = ToolRequest(id=given_id or f"call_{len(self.tool_requests)}")
        self._by_index[index] = request
        self.tool_requests.append(request)
        return request

    def _report_reading(self, progress: Mapping[str, Any]) -> None:
        """llama.cpp's own field: how many tokens of the conversation it has read."""
        if progress.get("total"):
            self.reading(100 * progress["processed"] / progress["total"])


def _says_only(event: bytes, text: str) -> bool:
    """Whether the event adds this text to a reply, and nothing else."""
    told: list[float] = []
    reply = Reply(reading=told.append)
    try:
        reply.take(from_json(event))
    except (ValueError, ErrorChunk):
        return False
    return reply == Reply(reading=told.append, text_parts=[text]) and not told


def _usage(usage: Mapping[str, Any]) -> Usage:
    counts = (max(0, int(usage.get(name) or 0)) for name in ("prompt_tokens", "completion_tokens"))
    prompt_tokens, completion_tokens = counts
    return Usage(prompt_tokens=prompt_tokens, completion_tokens=completion_tokens)
