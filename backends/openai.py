"""Ask any OpenAI-compatible server: vLLM, llama.cpp, Ollama, OpenAI, DeepSeek. docs/backends.md has the settings.

The one module here that does something when it is imported: it reads the environment, so that a server whose settings
are impossible says so and does not start.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any, Final

from streamchat.backends.openai_answer import Reports, ToolCall, ToolResult, answering, messages_for
from streamchat.backends.openai_attachments import Attachment, content_of, types_of
from streamchat.backends.openai_upstream import upstream_from
from streamchat.backends.tool_runner import ToolRunner
from streamchat.backends.tools import load_tools

UPSTREAM: Final = upstream_from(os.environ)
RUNNER: Final = ToolRunner(load_tools(UPSTREAM.tools), UPSTREAM.tool_seconds)


async def process_query(
    message: str,
    system_prompt: str,
    history: Sequence[Mapping[str, str]],
    profile: Mapping[str, Any],
    request_id: str,
    attachments: Sequence[Attachment],
    deadline: float,
    progress: Callable[[str, float | None], None],
    tool_call: ToolCall,
    tool_result: ToolResult,
    usage: Callable[[int, int], None],
) -> AsyncGenerator[str, None]:
    """The answer as the model says it, in pieces. ``deadline`` in seconds of time.monotonic().

    Raises UpstreamFailed, each kind of failure as a class of its own, and TimeoutError.
    """
    reports = Reports(progress=progress, tool_call=tool_call, tool_result=tool_result, usage=usage)
    asked = answering(
        UPSTREAM.for_profile(profile), RUNNER, reports, message=message, deadline=deadline, request_id=request_id
    )
    # Off the loop, which may be the server's own: to write a photo in base64 takes a while.
    content = (
        await asyncio.to_thread(content_of, message, attachments, UPSTREAM.attachments) if attachments else message
    )
    return asked.answer(messages_for(content, system_prompt, history))


# All it does is awaited. Tools that are async are somebody's own, and may block the loop that they run on.
process_query.never_blocks = not any(tool.is_async for tool in RUNNER.tools)  # type: ignore[attr-defined]
# So that what the model can't take is refused at the door.
process_query.attachment_types = types_of(UPSTREAM.attachments)  # type: ignore[attr-defined]
