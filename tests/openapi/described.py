"""What the description of the API says, asked of real answers: is there a shape for it, and nothing in it beside that?

Clients must ignore fields that they do not know, so the document allows them; here none may go undescribed.
"""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from tests.handlers.raw_client import Response

Schema = dict[str, Any]


class Description:
    """A server's document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._strict = deepcopy(document["components"])
        for name, schema in self._strict["schemas"].items():
            if schema.get("type") == "object" and name not in _COMPOSED:
                schema.setdefault("additionalProperties", False)

    @property
    def schemas(self) -> dict[str, Schema]:
        return dict(self.document["components"]["schemas"])

    @property
    def operations(self) -> dict[str, dict[str, Any]]:
        """By their names."""
        return {
            operation["operationId"]: operation
            for methods in self.document["paths"].values()
            for operation in methods.values()
        }

    def check(self, schema: Schema, value: Any) -> None:
        """Fail unless the value has the schema, and no field beside it."""
        _check(schema, self._strict, value)

    def check_socket_frame(self, message: dict[str, Any]) -> None:
        """As `check`, for a frame that says whose it is."""
        _check(of("SocketFrame"), self.document["components"], message)
        self.check_frame({name: value for name, value in message.items() if name not in ("stream_id", "id")})

    def check_frame(self, payload: dict[str, Any]) -> None:
        self.check(of("Frame"), payload)

    def resolved(self, schema: Schema) -> Schema:
        """What a reference refers to."""
        if "$ref" not in schema:
            return schema
        _, _, room, name = schema["$ref"].split("/")
        return dict(self.document["components"][room][name])

    def check_response(self, name: str, response: Response) -> None:
        """See that the operation's description knows the status, the headers, the media type and the body."""
        described = self.resolved(self.operations[name]["responses"][str(response.status)])
        assert {header.lower() for header in described["headers"]} <= response.headers.keys()
        if "content" not in described:
            assert response.body == b""
            return
        media_type = response.headers["content-type"].partition(";")[0]
        self.check_body(described["content"][media_type]["schema"], media_type, response.body.decode())

    def check_body(self, schema: Schema, media_type: str, body: str) -> None:
        """See that the body has the schema; of an event stream, that the data of each event has it."""
        if media_type == "application/json":
            self.check(schema, json.loads(body))
        elif media_type == "text/event-stream":
            for data in data_in(body):
                self.check(schema["contentSchema"], data)
        else:
            assert schema == {"type": "string"}


def of(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def data_in(stream: str) -> list[Any]:
    """The JSON in an event stream, without the word that ends a dialect's."""
    told = [block.split("\n")[0].removeprefix("data: ") for block in stream.split("\n\n") if block.startswith("data: ")]
    return [json.loads(data) for data in told if data != "[DONE]"]


def _check(schema: Schema, components: Schema, value: Any) -> None:
    error = best_match(Draft202012Validator({**schema, "components": components}).iter_errors(value))
    assert error is None, f"{error.json_path}: {error.message:.300}"


# Parts of a whole that has more fields, and parts of another protocol, of which only some are described.
_COMPOSED = ("AuthMessage", "ChatRequest", "Envelope", "InputMessage", "QueryOptions", "ResumeMessage", "StreamMessage")
_COMPOSED += ("UiMessagePart",)
