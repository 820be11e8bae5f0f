"""The AI SDK's requests as bodies, and its stream as parts, read strictly: as no SDK does that forgives."""

from __future__ import annotations

import json
from typing import Any

from tests.handlers.house import ALICE, JSON, PROFILE, authorized, to_bytes
from tests.handlers.raw_client import Connection, Response

API = "/api/ui_message_stream"
DONE = {"type": "[DONE]"}


def user(*texts: str, **more: Any) -> dict[str, Any]:
    """A message of the user's."""
    return {"id": "m", "role": "user", "parts": [{"type": "text", "text": text} for text in texts], **more}


def assistant(*texts: str) -> dict[str, Any]:
    """An answer as a page keeps it, with thoughts between its texts that are no part of it."""
    parts: list[dict[str, Any]] = [{"type": "step-start"}]
    for text in texts:
        parts += [{"type": "text", "text": text, "state": "done"}, {"type": "reasoning", "text": "hm"}]
    return {"id": "m", "role": "assistant", "metadata": {"stream_id": "st"}, "parts": parts}


def posted(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """What the SDK's transport posts; None leaves a field out."""
    body = {
        "username": PROFILE,
        "id": "chat_1",
        "messages": list(messages) or [user("hello")],
        "trigger": "submit-message",
        "messageId": None,
    }
    return {name: value for name, value in (body | fields).items() if value is not None}


def parts_in(body: bytes) -> list[dict[str, Any]]:
    """The parts of whole blocks, comments left out; the mark of the end is a part of its own."""
    *blocks, rest = body.split(b"\n\n")
    assert rest == b"", rest
    return [_part(block) for block in blocks if not block.startswith(b":")]


def parts_of(response: Response) -> list[dict[str, Any]]:
    """The parts of a whole stream, which ends with the mark and has it nowhere else."""
    assert response.status == 200
    *parts, done = parts_in(response.body)
    assert done == DONE
    assert DONE not in parts
    return parts


def kinds(parts: list[dict[str, Any]]) -> list[str]:
    return [part["type"] for part in parts]


def answer_in(parts: list[dict[str, Any]]) -> str:
    return "".join(part["delta"] for part in parts if part["type"] == "text-delta")


def kept(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What stays in the message."""
    return [part for part in parts if not part.get("transient")]


async def begin(connection: Connection, *messages: dict[str, Any], token: str = ALICE, **fields: Any) -> str:
    """Post on an open connection, read no more than the head, and give the stream's id."""
    body = to_bytes(posted(*messages, **fields))
    await connection.send("POST", API, headers=authorized(token) | JSON, body=body)
    return (await connection.read_head()).headers.get("x-stream-id", "")


async def read_until(connection: Connection, kind: str) -> list[dict[str, Any]]:
    """The parts so far, up to one of this kind; it must not be the mark of the end."""
    body = b""
    while not body.endswith(b"\n\n") or kind not in kinds(parts_in(body)):
        piece = await connection.read_piece()
        assert piece, f"the stream ended without {kind}"
        body += piece
    return parts_in(body)


def _part(block: bytes) -> dict[str, Any]:
    assert block.startswith(b"data: "), block
    assert b"\n" not in block, block
    data = block.removeprefix(b"data: ")
    part: dict[str, Any] = DONE if data == b"[DONE]" else json.loads(data)
    return part
