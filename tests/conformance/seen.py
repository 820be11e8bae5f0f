"""What a client was asked to do, and what it has told of it. The same words for every client and every dialect."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

# Read to the end; stop in the client's own way once there is text; come back after a cut; leave the connection to the
# client after the end; ask for one body instead of a stream.
Act = Literal["read", "stop", "resume", "stay", "whole"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What to do, where and as whom.

    ``url`` is watched, and may be cut; ``beside`` is the same server by another way, for what is not to be watched.
    """

    act: Act
    url: str
    beside: str
    token: str
    profile: str
    message: str

    @property
    def wishes(self) -> dict[str, Any]:
        """What is asked for besides. Who stops wants the work to stop."""
        on_disconnect = "cancel" if self.act == "stop" else "grace"
        return {"username": self.profile, "lang": "en", "pace": "none", "on_disconnect": on_disconnect}

    @property
    def body(self) -> dict[str, Any]:
        """The question as our own doors take it."""
        return {**self.wishes, "message": self.message}

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}


@dataclass(slots=True, kw_only=True)
class Seen:
    """What the user of a client gets to see.

    ``end`` is complete, error, stopped (by the user), or what the client was told otherwise; "" when it was told
    nothing. ``error`` has what the client tells of ``status``, ``code`` and ``sentence``.
    """

    text: str = ""
    end: str = ""
    error: dict[str, Any] | None = None
    tools: list[dict[str, Any]] = field(default_factory=list)
    tokens: int | None = None
    # Say nothing of the answer. What is particular about the client goes into the table.
    progress: list[float] = field(default_factory=list, compare=False)
    remark: str = field(default="", compare=False)

    def fail(self, **error: Any) -> None:
        """An error, of which the client tells this much; None is what it does not tell."""
        self.end = "error"
        self.error = {name: value for name, value in error.items() if value is not None}

    def show(self, frame: dict[str, Any], http_status: int | None = None) -> None:
        """One of our own frames, as a client of them shows it; ``http_status`` if the response had one that is bad."""
        status = frame["status"]
        if status == "streaming":
            self.text += frame["data"]
        elif status == "tool_call":
            self.tools.append({"name": frame["name"], "arguments": frame["arguments"]})
        elif status == "tool_result":
            self.tools[-1]["output"] = frame["result"]
        elif status == "processing" and "progress" in frame:
            self.progress.append(frame["progress"])
        elif frame.get("is_complete") and not frame["success"]:
            self.fail(status=http_status, code=frame["code"], sentence=frame["error"])
        elif frame.get("is_complete"):
            self.end = status
        if "usage" in frame:
            self.tokens = frame["usage"]["prompt_tokens"] + frame["usage"]["completion_tokens"]

    def use_tools(self, executed: list[dict[str, Any]]) -> None:
        """Tools as the OpenAI dialect tells of them: what comes later of an index is new of the same one."""
        for tool in executed:
            if "name" in tool:
                self.tools.append({"name": tool["name"], "arguments": json.loads(tool["arguments"])})
            if "output" in tool:
                self.tools[tool["index"]]["output"] = json.loads(tool["output"])
