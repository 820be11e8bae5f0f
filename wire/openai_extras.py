"""What an answer has beside its text, in a chat completion: tools that the server has used, and media.

OpenAI's API has no field for these, so what other servers of it send is sent: clients that know it show it, and the
others pass over it. `executed_tools` is Groq's (console.groq.com/docs/compound), `images` is OpenRouter's
(openrouter.ai/docs, image generation). `tool_calls` would be wrong: it asks the client to run a tool.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from streamchat.presenting.frames import Payload
from streamchat.wire.json_text import to_json

# What may stand in a markdown link; spaces and brackets would end it.
_IN_ADDRESS = "%:/?#[]@!$&'*+,;=~"
_MARKED = str.maketrans({"\\": "\\\\", "[": "\\[", "]": "\\]", "\n": " ", "\r": " "})


class Extras:
    """Makes deltas of the frames of one answer that are no text; keeps what a later frame refers to."""

    def __init__(self) -> None:
        self._tools: dict[str, Payload] = {}
        self._pieces: list[str] = []
        self._images = 0

    def delta(self, payload: Payload) -> Payload:
        """What the frame adds to the message; empty for one that is nothing in this dialect."""
        match payload.get("status"):
            case "tool_call":
                tool = self._tool(payload)
                tool["arguments"] = to_json(payload["arguments"])
                return {"executed_tools": [dict(tool)]}
            case "tool_result":
                result = payload["result"]
                output = result if isinstance(result, str) else to_json(result)
                told = {"output": output, "is_error": payload["is_error"]}
                known = self._tools.get(payload["call_id"])
                # What was told is not told again: clients join the deltas of an ``index``, texts by adding them.
                called = self._tool(payload) if known is None else {"index": known["index"], "type": known["type"]}
                return {"executed_tools": [called | told]}
            case "media":
                return self._media(payload)
        return {}

    def _tool(self, payload: Payload) -> Payload:
        """The tool of this call, at its place among them."""
        call_id = payload["call_id"]
        tool = {
            "index": len(self._tools),
            "id": call_id,
            "type": "function",
            "name": payload["name"],
            "arguments": "{}",
        }
        return self._tools.setdefault(call_id, tool)

    def _media(self, payload: Payload) -> Payload:
        is_image = payload["media_type"].startswith("image/")
        label = (payload["alt"] or payload["media_type"]).translate(_MARKED)
        url = payload.get("url")
        if url is not None and not (is_image and url.startswith("data:")):
            return {"content": f"\n\n{'!' if is_image else ''}[{label}]({quote(url, safe=_IN_ADDRESS)})\n\n"}
        if not is_image:
            return {"content": f"\n\n[{label}]\n\n"} if payload["part"] == 1 else {}
        self._pieces.append(url or payload["content"])
        if payload["part"] < payload["parts"]:
            return {}
        whole, self._pieces = "".join(self._pieces), []
        return self._image(url or f"data:{payload['media_type']};base64,{whole}")

    def _image(self, url: str) -> Payload:
        image: dict[str, Any] = {"index": self._images, "type": "image_url", "image_url": {"url": url}}
        self._images += 1
        return {"images": [image]}
