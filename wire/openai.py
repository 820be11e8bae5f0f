"""OpenAI's chat completions: the chunks of a stream, the one body without a stream, and errors.

A stream has data lines and comments and nothing else: after an ``id:`` line a comment is an event to openai-python, and
a named event is a chunk without choices. The reference: platform.openai.com/docs/api-reference/chat.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from json.encoder import encode_basestring

from streamchat.presenting.frames import AnyFrame, Chunk, Frame, Payload
from streamchat.wire.json_text import only_json_line_ends, to_json
from streamchat.wire.openai_extras import Extras

PING = ": ping\n\n"
DONE = "data: [DONE]\n\n"

# Where OpenAI has a word of its own for a condition, clients look for that one.
_CODES = {"unauthorized": "invalid_api_key", "profile_not_found": "model_not_found", "not_found": "unknown_url"}
# In a body clients look for these (simonw's llm and smolagents fail without them), so 0 is what nobody has counted.
_UNCOUNTED: Payload = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
_TYPES = {
    "rate_limited": "rate_limit_error",
    **dict.fromkeys(
        ("processing_error", "internal_error", "overloaded", "shutting_down", "timeout", "cancelled"), "server_error"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What all chunks of an answer have in common. ``created`` is in seconds since 1970."""

    id: str
    model: str
    created: int

    def payload(self, kind: str, choices: list[Payload], **more: object) -> Payload:
        """The body or chunk with these choices."""
        heading = {"id": self.id, "object": kind, "created": self.created, "model": self.model}
        return {**heading, "choices": choices, **more}


class CompletionWire:
    """Encodes the frames of one stream. ``with_usage``: the client has asked for the tokens in a chunk of their own."""

    def __init__(self, completion: Completion, *, with_usage: bool = False) -> None:
        self._completion = completion
        self._with_usage = with_usage
        self._extras = Extras()
        self._has_begun = False
        # Nearly all chunks differ in their text alone, which is the last empty string of this one.
        self._before, _, self._after = self._chunk({"content": ""}).rpartition('""')

    def encode(self, frames: Iterable[AnyFrame]) -> bytes:
        # What has no word here is a sign of life all the same: the presenter counts on it.
        text = "".join([self._block(frame) for frame in frames]) or PING
        return only_json_line_ends(text).encode()

    def _block(self, frame: AnyFrame) -> str:
        if type(frame) is Chunk:
            said = f"{self._before}{encode_basestring(frame.text)}{self._after}"
            return said if self._has_begun else self._begin() + said
        if frame.is_terminal:
            return self._end(frame.payload)
        delta = self._extras.delta(frame.payload)
        return self._begin() + self._chunk(delta) if delta else ""

    def _begin(self) -> str:
        if self._has_begun:
            return ""
        self._has_begun = True
        return self._chunk({"role": "assistant", "content": ""})

    def _end(self, end: Payload) -> str:
        if end["status"] != "complete":
            return _data(error_body(end))
        usage = _usage(end)
        told = self._data([], usage=usage) if self._with_usage and usage else ""
        return self._begin() + self._chunk({}, "stop") + told + DONE

    def _chunk(self, delta: Payload, finish_reason: str | None = None) -> str:
        more = {"usage": None} if self._with_usage else {}
        return self._data([{"index": 0, "delta": delta, "finish_reason": finish_reason}], **more)

    def _data(self, choices: list[Payload], **more: object) -> str:
        return _data(self._completion.payload("chat.completion.chunk", choices, **more))


def whole_completion(completion: Completion, frames: Iterable[AnyFrame], end: Payload) -> Payload:
    """The body for a client that wants no stream: what its chunks would have said together."""
    choice = {"index": 0, "message": _message(frames), "logprobs": None, "finish_reason": "stop"}
    return completion.payload("chat.completion", [choice], usage=_usage(end) or _UNCOUNTED)


def _message(frames: Iterable[AnyFrame]) -> Payload:
    extras = Extras()
    deltas: list[Payload] = [
        extras.delta(frame.payload) if isinstance(frame, Frame) else {"content": frame.text} for frame in frames
    ]
    tools: dict[int, Payload] = {}
    for tool in (tool for delta in deltas for tool in delta.get("executed_tools", ())):
        tools.setdefault(tool["index"], {}).update(tool)
    images = [image for delta in deltas for image in delta.get("images", ())]
    return {
        "role": "assistant",
        "content": "".join([delta.get("content", "") for delta in deltas]),
        "refusal": None,
        **({"executed_tools": list(tools.values())} if tools else {}),
        **({"images": images} if images else {}),
    }


def error_body(payload: Payload) -> Payload:
    """An error frame, or an error's body, as OpenAI says it."""
    code = payload["code"]
    param = payload.get("field", "model" if code == "profile_not_found" else None)
    kind = _TYPES.get(code, "invalid_request_error")
    return {"error": {"message": payload["error"], "type": kind, "param": param, "code": _CODES.get(code, code)}}


def _usage(end: Payload) -> Payload | None:
    """The tokens that the function has counted; None when it counts none, because nobody else can."""
    counts = end.get("usage")
    if counts is None:
        return None
    prompt, completion = counts["prompt_tokens"], counts["completion_tokens"]
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _data(payload: Payload) -> str:
    return f"data: {to_json(payload)}\n\n"
