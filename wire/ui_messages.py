"""The UI message stream of the AI SDK, protocol v1: the frames of one turn as the parts of one message.

Nothing is sent that is not in the schemas of every version of ``ai`` since 5.0.92: some are strict, and a part with a
field more ends the stream there. Source: ai-sdk.dev/docs/ai-sdk-ui/stream-protocol, and ``uiMessageChunkSchema``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from json.encoder import encode_basestring
from typing import Any

from streamchat.presenting.frames import AnyFrame, Chunk, Frame, Payload
from streamchat.wire.json_text import only_json_line_ends, to_json
from streamchat.wire.sse import KEEPALIVE

VERSION_HEADER = ("x-vercel-ai-ui-message-stream", "v1")

# What the dialect says in its own way; the rest of a payload is handed on under our own names.
_SAID_OTHERWISE = ("success", "data", "status", "is_complete")
_DONE = "data: [DONE]\n\n"
_NO_NEWS = ("connecting", "initializing")  # the message's start has said it
_PROGRESS = ("processing", "processing_complete")
_ANSWERS = {"input_received": "answered", "input_expired": "expired"}


class UiMessageWire:
    """Encodes what is shown of one turn, from its start to ``[DONE]``.

    ``message_id`` is the message's, the same whenever the turn is shown: a client puts a message that it knows in its
    place. ``metadata`` is told of it at the start, and the figures of its end are added then.
    """

    __slots__ = (
        "_called",
        "_figures",
        "_has_begun",
        "_message_id",
        "_metadata",
        "_pieces",
        "_questions",
        "_text_id",
        "_texts",
    )

    def __init__(self, message_id: str, metadata: Mapping[str, Any]) -> None:
        self._message_id = message_id
        self._metadata = metadata
        self._figures: Payload = {}  # that are told at the end
        self._has_begun = False
        self._texts = 0
        self._text_id = ""  # of the text that is being said; "" between texts
        self._called: set[str] = set()
        self._pieces: list[str] = []  # of a media content that is not whole yet
        self._questions: dict[str, Payload] = {}

    def encode(self, frames: Iterable[AnyFrame]) -> bytes:
        """The bytes of these frames, in order; the first call begins the message, even without a frame."""
        blocks = []
        if not self._has_begun:
            self._has_begun = True
            blocks += [_part("start", messageId=self._message_id, messageMetadata=self._metadata), _part("start-step")]
        for frame in frames:
            blocks.append(self._chunk(frame) if isinstance(frame, Chunk) else self._block(frame))
        # Outside of JSON there is nothing but ASCII: what is escaped is escaped inside of it.
        return only_json_line_ends("".join(blocks)).encode()

    def _chunk(self, chunk: Chunk) -> str:
        start = ""
        if not self._text_id:
            self._texts += 1
            self._text_id = f"text_{self._texts}"
            start = _part("text-start", id=self._text_id)
        delta = encode_basestring(chunk.text)
        return f'{start}data: {{"type":"text-delta","id":"{self._text_id}","delta":{delta}}}\n\n'

    def _block(self, frame: Frame) -> str:
        payload, status = frame.payload, frame.payload.get("status", "")
        if frame.is_keepalive:
            return KEEPALIVE
        if frame.is_terminal:
            return self._end_text() + self._end(payload)
        if status in _NO_NEWS:
            return ""
        if status in _PROGRESS:
            return self._progress(payload)
        if status in ("tool_call", "tool_result"):
            return self._end_text() + self._tool(payload)
        if status == "media":
            return self._end_text() + self._media(payload)
        if status == "input_required" or payload.get("request_id") in self._questions:
            return self._end_text() + self._question(payload)
        return _data(status, payload)

    def _end_text(self) -> str:
        text_id, self._text_id = self._text_id, ""
        return _part("text-end", id=text_id) if text_id else ""

    def _progress(self, payload: Payload) -> str:
        seconds = payload.get("total_processing_time")
        if seconds is not None:
            self._figures["total_processing_time"] = seconds
        return _data("progress", payload)

    def _tool(self, payload: Payload) -> str:
        call = {"toolCallId": payload["call_id"]}
        # The work is done here: a client that has tools of its own must not take this one for one of them.
        here = {"providerExecuted": True, "dynamic": True}
        known = payload["call_id"] in self._called
        self._called.add(payload["call_id"])
        if payload["status"] == "tool_call":
            return _part("tool-input-available", **call, toolName=payload["name"], input=payload["arguments"], **here)
        # The SDK takes no result of a call that it has not seen, and a function may report one.
        first = "" if known else _part("tool-input-available", **call, toolName=payload["name"], input=None, **here)
        result = payload["result"]
        if not payload["is_error"]:
            return first + _part("tool-output-available", **call, output=result, **here)
        error = result if isinstance(result, str) else to_json(result)
        return first + _part("tool-output-error", **call, errorText=error, **here)

    def _media(self, payload: Payload) -> str:
        url, media_type = payload.get("url"), payload["media_type"]
        if url is None:
            self._pieces.append(payload["content"])
            if payload["part"] < payload["parts"]:
                return ""
            url, self._pieces = f"data:{media_type};base64,{''.join(self._pieces)}", []
        alt = {} if payload["alt"] is None else {"providerMetadata": {"streamchat": {"alt": payload["alt"]}}}
        return _part("file", url=url, mediaType=media_type, **alt)

    def _question(self, payload: Payload) -> str:
        """A part that stays in the message; what becomes of the question takes its place."""
        request_id = payload["request_id"]
        question = self._questions.setdefault(request_id, _ours(payload))
        question["status"] = _ANSWERS.get(payload["status"], "open")
        return _part("data-question", id=request_id, data=question)

    def _end(self, payload: Payload) -> str:
        figures = self._figures | {name: value for name, value in _ours(payload).items() if name != "error"}
        step = _part("finish-step")
        if payload["status"] == "complete":
            return step + _part("finish", finishReason="stop", messageMetadata=figures) + _DONE
        # A client that reads no further than the error knows its code and the figures before it.
        told = step + _part("message-metadata", messageMetadata=figures)
        if payload["status"] == "cancelled":
            return told + _part("abort") + _DONE
        return told + _part("error", errorText=payload["error"]) + _part("finish", finishReason="error") + _DONE


def _ours(payload: Payload) -> Payload:
    return {name: value for name, value in payload.items() if name not in _SAID_OTHERWISE}


def _data(status: str, payload: Payload) -> str:
    """News for the moment: the SDK hands it on, and keeps it in no message."""
    return _part(f"data-{status.replace('_', '-')}", data=_ours(payload), transient=True)


def _part(kind: str, **fields: Any) -> str:  # noqa: ANN401
    return f"data: {to_json({'type': kind, **fields})}\n\n"
