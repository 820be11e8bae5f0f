"""Answer a question through an OpenAI-compatible server, with tools when there are any. Knows no environment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from streamchat.backends.language import is_chinese
from streamchat.backends.openai_client import AnswerStream
from streamchat.backends.openai_errors import NoAnswer
from streamchat.backends.openai_reply import Reply, ToolRequest, Usage
from streamchat.backends.openai_upstream import Upstream
from streamchat.backends.tool_runner import BadArguments, Outcome, ToolRunner, arguments_of, failed

# How an answer ends that reached the limit of its length, by the language of the question.
CUT: Final = (
    "\n\n(The answer ends here: it has reached its greatest length.)",
    "\n\n（回答到此为止：已达到长度上限。）",
)

_SENTENCES = {
    "thinking": ("The model is thinking...", "模型正在思考..."),
    "reading": ("The model is reading the conversation...", "模型正在阅读对话..."),
    "waiting": ("The model is busy, asking again in {seconds} s...", "模型繁忙，{seconds} 秒后重试..."),
}


class ToolCall(Protocol):
    """Shows that a tool is used; gives the id to show its result under."""

    def __call__(self, name: str, arguments: Any = None) -> str: ...  # noqa: ANN401


class ToolResult(Protocol):
    """Shows what a tool has answered."""

    def __call__(self, call_id: str, name: str, result: Any, is_error: bool = False) -> None: ...  # noqa: ANN401


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """The functions that a process_query is given to tell what it is doing."""

    progress: Callable[[str, float | None], None]
    tool_call: ToolCall
    tool_result: ToolResult
    usage: Callable[[int, int], None]


@dataclass(slots=True, kw_only=True)
class Answering:
    """One question on its way; ``usage`` grows with each of the model's messages."""

    upstream: Upstream
    runner: ToolRunner
    reports: Reports
    # In seconds of time.monotonic().
    deadline: float
    is_chinese: bool
    request_id: str = ""
    usage: Usage = field(default_factory=Usage)

    async def answer(self, messages: list[dict[str, Any]]) -> AsyncGenerator[str, None]:
        """Yield the text as it comes, over as many of the model's messages as its tools take.

        ``messages`` is added to. Raises UpstreamFailed and TimeoutError.
        """
        has_spoken, most_rounds = False, self.upstream.tool_rounds if self.runner.tools else 0
        for asked_before in range(most_rounds + 1):
            body = self._body(messages, may_call=asked_before < most_rounds)
            reply = self._reply()
            # What the model says after its tools begins a paragraph of its own.
            gap = "\n\n" if has_spoken else ""
            async with aclosing(self._pieces(body, reply)) as pieces:
                async for piece in pieces:
                    yield gap + piece
                    has_spoken, gap = True, ""
            self._count(reply.usage)
            if reply.finish_reason == "length":
                yield CUT[self.is_chinese]
                return
            if not reply.tool_requests:
                break
            if asked_before == most_rounds:
                raise NoAnswer(f"{self._model} asked for tools more than {most_rounds} times")
            messages += await self._messages_of(reply)
        if not has_spoken:
            raise NoAnswer(f"{self._model} ended without a word")

    @property
    def _model(self) -> str:
        return f"{self.upstream.model} at {self.upstream.base_url}"

    def _body(self, messages: Sequence[Mapping[str, Any]], *, may_call: bool) -> dict[str, Any]:
        upstream = self.upstream
        # OpenAI's newer models refuse max_tokens, and not all other servers know its new name.
        limit = "max_completion_tokens" if upstream.is_openai else "max_tokens"
        body = {
            "model": upstream.model,
            "messages": messages,
            "stream_options": {"include_usage": True},
            "temperature": upstream.temperature,
            limit: upstream.max_tokens,
        }
        if self.runner.tools:
            body["tools"] = [tool.as_json() for tool in self.runner.tools]
            body["tool_choice"] = "auto" if may_call else "none"
        return {name: value for name, value in body.items() if value is not None} | dict(upstream.extra_body)

    def _reply(self) -> Reply:
        return Reply(reading=self._reading, reasoning=self._thinking, keeps_reasoning=bool(self.runner.tools))

    def _pieces(self, body: Mapping[str, Any], reply: Reply) -> AnswerStream:
        headers = {"X-Request-Id": self.request_id} if self.request_id else {}
        return AnswerStream(self.upstream, body, reply, deadline=self.deadline, headers=headers, waiting=self._waiting)

    def _count(self, usage: Usage | None) -> None:
        """Add one message's tokens; a server that counts none leaves the reader without a figure."""
        if usage is not None:
            self.usage += usage
            self.reports.usage(self.usage.prompt_tokens, self.usage.completion_tokens)

    async def _messages_of(self, reply: Reply) -> list[dict[str, Any]]:
        """The model's message and the results of the tools that it asks for, which run side by side."""
        outcomes = await asyncio.gather(*map(self._outcome_of, reply.tool_requests))
        results = (
            {"role": "tool", "tool_call_id": request.id, "content": outcome.told}
            for request, outcome in zip(reply.tool_requests, outcomes, strict=True)
        )
        return [reply.as_message(), *results]

    async def _outcome_of(self, request: ToolRequest) -> Outcome:
        """Run one tool between the two reports of it. Their id is not the model's, which may use one twice."""
        try:
            arguments = arguments_of(request.arguments)
        except BadArguments as error:
            call_id = self.reports.tool_call(request.name, request.arguments)
            outcome = failed(str(error))
        else:
            call_id = self.reports.tool_call(request.name, arguments)
            outcome = await self.runner.run(request.name, arguments)
        self.reports.tool_result(call_id, request.name, outcome.result, is_error=outcome.is_error)
        return outcome

    def _say(self, sentence: str, percent: float | None = None, **values: object) -> None:
        self.reports.progress(_SENTENCES[sentence][self.is_chinese].format(**values), percent)

    def _thinking(self) -> None:
        self._say("thinking")

    def _reading(self, percent: float) -> None:
        self._say("reading", percent)

    def _waiting(self, seconds: float) -> None:
        self._say("waiting", seconds=max(1, round(seconds)))


def messages_for(
    message: str | list[dict[str, Any]], system_prompt: str, history: Sequence[Mapping[str, str]]
) -> list[dict[str, Any]]:
    """The conversation as the model reads it; what we added to earlier answers ourselves is left out.

    ``message`` is a text, or the parts of a message with attachments.
    """
    said = ({"role": entry["role"], "content": _without_cut(entry["content"])} for entry in history)
    system = [{"role": "system", "content": system_prompt}] if system_prompt else []
    return [*system, *said, {"role": "user", "content": message}]


def answering(
    upstream: Upstream, runner: ToolRunner, reports: Reports, *, message: str, deadline: float, request_id: str = ""
) -> Answering:
    """The answering of one question, in the language of its message."""
    return Answering(
        upstream=upstream,
        runner=runner,
        reports=reports,
        deadline=deadline,
        is_chinese=is_chinese(message),
        request_id=request_id,
    )


def _without_cut(content: str) -> str:
    for cut in CUT:
        content = content.removesuffix(cut)
    return content
