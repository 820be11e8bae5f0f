"""openai-python, blocking and not: both are told the same things, and stop by ``close``."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from typing import Any

import openai
from openai.types.chat import ChatCompletionChunk

from tests.conformance.client import Dialect
from tests.conformance.seen import Errand, Seen

# Of every client of this dialect.
CANNOT = {
    "resume": "chunks of this dialect have no ids, and its clients no way to come back; "
    "the same stream can be followed at `/api/streams/{id}`",
    "progress": "this dialect has no word for it",
    "stay": "only an EventSource comes back by itself",
}


class AsyncOpenAI:
    """``openai.AsyncOpenAI``."""

    key = "openai-python-async"
    name = "openai-python (async)"
    dialect: Dialect = "openai"
    cannot = CANNOT

    def version(self) -> str:
        return version("openai")

    async def run(self, errand: Errand) -> Seen:
        seen = Seen()
        async with openai.AsyncOpenAI(**_account(errand)) as client:
            try:
                answer: Any = await client.chat.completions.create(**_question(errand))
                if errand.act == "whole":
                    return _whole(answer)
                async for chunk in answer:
                    _take(chunk, seen)
                    if errand.act == "stop" and seen.text:
                        await answer.close()
                        seen.end = "stopped"
                        break
            except openai.APIError as error:
                _fail(error, seen)
        return seen


class SyncOpenAI:
    """``openai.OpenAI``."""

    key = "openai-python"
    name = "openai-python"
    dialect: Dialect = "openai"
    cannot = CANNOT

    def version(self) -> str:
        return version("openai")

    async def run(self, errand: Errand) -> Seen:
        return await asyncio.to_thread(self._run, errand)

    def _run(self, errand: Errand) -> Seen:
        seen = Seen()
        with openai.OpenAI(**_account(errand)) as client:
            try:
                answer: Any = client.chat.completions.create(**_question(errand))
                if errand.act == "whole":
                    return _whole(answer)
                for chunk in answer:
                    _take(chunk, seen)
                    if errand.act == "stop" and seen.text:
                        answer.close()
                        seen.end = "stopped"
                        break
            except openai.APIError as error:
                _fail(error, seen)
        return seen


def _account(errand: Errand) -> dict[str, Any]:
    return {"base_url": f"{errand.url}/v1", "api_key": errand.token}


def _question(errand: Errand) -> dict[str, Any]:
    question = {"model": errand.profile, "messages": [{"role": "user", "content": errand.message}]}
    if errand.act != "whole":
        question |= {"stream": True, "stream_options": {"include_usage": True}}
    return {**question, "extra_body": {"lang": "en"}}


def _take(chunk: ChatCompletionChunk, seen: Seen) -> None:
    if chunk.usage:
        seen.tokens = chunk.usage.total_tokens
    for choice in chunk.choices:
        seen.text += choice.delta.content or ""
        seen.use_tools((choice.delta.model_extra or {}).get("executed_tools", []))
        seen.end = "complete" if choice.finish_reason == "stop" else seen.end


def _whole(answer: Any) -> Seen:
    (choice,) = answer.choices
    return Seen(text=choice.message.content, end="complete" if choice.finish_reason == "stop" else "")


def _fail(error: openai.APIError, seen: Seen) -> None:
    # Its message is that of the body, where the request was refused with the status before it.
    body = error.body if isinstance(error.body, dict) else {}
    seen.fail(status=getattr(error, "status_code", None), code=error.code, sentence=body.get("message"))
