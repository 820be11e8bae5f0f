"""The clients that run in Node, each by a script of this folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tests.conformance import openai_python, sse_python
from tests.conformance.client import Dialect, Missing
from tests.conformance.node_packages import NoNode, install_packages, run_script, version_of
from tests.conformance.seen import Errand, Seen

# Of whatever is an EventSource.
EVENT_SOURCE_CANNOT = {
    "before": "fetch asks the question, and has the answer to it; an EventSource only follows",
    "whole": "reads events only",
}
_AI_CANNOT = {
    "stay": "only an EventSource comes back by itself",
    "whole": "reads streams only",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeClient:
    """A package whose script prints what was seen in our words."""

    name: str
    package: str
    script: str
    dialect: Dialect
    cannot: Mapping[str, str]

    @property
    def key(self) -> str:
        return self.package

    def version(self) -> str:
        _need_node()
        return version_of(self.package)

    async def run(self, errand: Errand) -> Seen:
        told = await run_script(self.script, {**asdict(errand), "body": errand.body, "package": self.package})
        seen = Seen(**{name: value for name, value in told.items() if name not in ("error", "executed")})
        seen.use_tools(told.get("executed", []))
        if told["error"] is not None:
            seen.fail(**told["error"])
        return seen


@dataclass(frozen=True, slots=True, kw_only=True)
class AiSdk:
    """A version of the AI SDK: its own chat with its ``DefaultChatTransport``, by the scenes of the other tests."""

    package: str
    dialect: Dialect = "ui_messages"
    cannot: Mapping[str, str]

    @property
    def key(self) -> str:
        return self.package

    @property
    def name(self) -> str:
        return "ai"

    def version(self) -> str:
        _need_node()
        return version_of(self.package)

    async def run(self, errand: Errand) -> Seen:
        scene = {"stop": "leave", "resume": "cutOff"}.get(errand.act, "send")
        told = {"sdk": self.package, "scene": scene, "api": f"{errand.url}/api/ui_message_stream", "chat": "chat_1"}
        told |= {"token": errand.token, "text": errand.message, "body": errand.wishes}
        return _seen(await run_script("ai_chat.mjs", told))


def _seen(report: dict[str, Any]) -> Seen:
    answer = next((message for message in report["messages"] if message["role"] == "assistant"), {"parts": []})
    parts, finish = answer["parts"], report["finish"] or {}
    seen = Seen(text="".join(part["text"] for part in parts if part["type"] == "text"))
    tools = [part for part in parts if part["type"] == "dynamic-tool"]
    seen.tools = [{"name": tool["toolName"], "arguments": tool["input"], "output": tool["output"]} for tool in tools]
    shown = [part["data"] for part in report["data"] if part["type"] == "data-progress"]
    seen.progress = [data["progress"] for data in shown if "progress" in data]
    metadata = answer.get("metadata", {})
    if usage := metadata.get("usage"):
        seen.tokens = usage["prompt_tokens"] + usage["completion_tokens"]
    if report["error"] is not None:
        seen.fail(code=metadata.get("code"), sentence=report["error"])
    elif finish.get("isAbort"):
        seen.end = "stopped"
    elif "total_time" in metadata:
        seen.end = "complete"
    return seen


def _need_node() -> None:
    try:
        install_packages()
    except NoNode as reason:
        raise Missing(str(reason)) from None


NODE_CLIENTS = (
    NodeClient(
        name="eventsource-parser",
        package="eventsource-parser",
        script="event_source_parser.mjs",
        dialect="events",
        cannot=sse_python.CANNOT,
    ),
    NodeClient(
        name="eventsource",
        package="eventsource",
        script="event_source.mjs",
        dialect="events",
        cannot=EVENT_SOURCE_CANNOT,
    ),
)
OPENAI_NODE = tuple(
    NodeClient(
        name="openai-node", package=package, script="openai_node.mjs", dialect="openai", cannot=openai_python.CANNOT
    )
    for package in ("openai-7", "openai-6")
)
AI_SDKS = tuple(AiSdk(package=package, cannot=_AI_CANNOT) for package in ("ai-7", "ai-6", "ai-5", "ai-5-oldest"))
