"""What the tests of the OpenAI dialect ask, and how they read what comes back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.handlers.house import ALICE, JSON, PROFILE, House, authorized, to_bytes
from tests.handlers.raw_client import Connection, Frame, Response

COMPLETIONS = "/v1/chat/completions"


def saying_to(model: str = PROFILE, message: Any = "What is a rollup?", **fields: Any) -> dict[str, Any]:
    """A good body; ``fields`` over it. None leaves a field out."""
    body = {"model": model, "messages": [{"role": "user", "content": message}]} | fields
    return {name: value for name, value in body.items() if value is not None}


def of(role: str, content: Any) -> dict[str, Any]:
    """One message."""
    return {"role": role, "content": content}


async def complete(
    house: House, *, headers: dict[str, str] | None = None, token: str = ALICE, **fields: Any
) -> Response:
    """Ask, and read to the end."""
    return await house.post(COMPLETIONS, saying_to(**fields), headers=headers, token=token)


async def begin(house: House, connection: Connection, **fields: Any) -> str:
    """Ask on an open connection, read no more than the head, and give the stream's id."""
    body = to_bytes(saying_to(**({"stream": True} | fields)))
    await connection.send("POST", COMPLETIONS, headers=authorized(ALICE) | JSON, body=body)
    return (await connection.read_head()).headers.get("x-stream-id", "")


def error_of(response: Response) -> tuple[int, str, str | None, str]:
    """Status, type, parameter and code, after a look at the shape that OpenAI's clients need."""
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert list(response.json) == ["error"]
    error = response.json["error"]
    assert list(error) == ["message", "type", "param", "code"]
    assert error["message"]
    return response.status, error["type"], error["param"], error["code"]


def chunks_in(frames: Sequence[Frame]) -> list[dict[str, Any]]:
    """What the data lines say; comments are left out."""
    return [frame.payload for frame in frames if frame.payload]


def text_in(frames: Sequence[Frame]) -> str:
    """The answer, as a client puts it together."""
    choices = [choice for chunk in chunks_in(frames) for choice in chunk.get("choices", ())]
    return "".join(choice["delta"].get("content", "") for choice in choices)
