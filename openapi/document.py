"""The OpenAPI document (3.1, spec.openapis.org) of one server: pure, and the same for the same facts.

What a request may say is of the models that validate it; what is answered is of the shapes in this room.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from streamchat.openapi.bodies import EVENTS, JSON, event_schema, reference
from streamchat.openapi.errors import error_responses, error_table
from streamchat.openapi.facts import ServerFacts
from streamchat.openapi.operation import Answer, Operation, Section
from streamchat.openapi.parameters import ALWAYS, HEADERS, PARAMETERS
from streamchat.openapi.schemas import name_of, schemas
from streamchat.openapi.sections import OPERATIONS, SECTIONS
from streamchat.openapi.watching import METRICS_PATH
from streamchat.presenting.frames import Payload
from streamchat.wire.json_text import to_json

_ABOUT = """\
Turns a slow function into a chat API: progress at once, answers streamed, stopped, resumed, measured.

Every response carries `X-Request-Id`; CORS is open. An error has its HTTP status and a JSON body; on a streaming door
the body is one frame. After the first frame of a stream an error is its last frame. Any address may be asked with
`OPTIONS`; another method than its own is a 405, and an address that is nobody's a 404.

{errors}
"""

_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A token of this server."},
    "ticket": {
        "type": "apiKey",
        "in": "query",
        "name": "ticket",
        "description": "For one follower of one stream: `POST /api/streams/{stream_id}/ticket` gives it.",
    },
}


@lru_cache(maxsize=8)
def described(facts: ServerFacts) -> bytes:
    """The document as JSON; made once for a server."""
    return to_json(document(facts)).encode()


def document(facts: ServerFacts) -> Payload:
    """The whole of it."""
    responses: dict[str, Payload] = {}
    paths: dict[str, Payload] = {}
    for section, operation in _offered(facts):
        paths.setdefault(operation.path, {})[operation.method] = _operation(section, operation, responses)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "streamchat",
            "version": facts.version,
            "description": _ABOUT.format(errors=error_table()),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": section.name, "description": section.about} for section in SECTIONS],
        "paths": paths,
        "components": {
            "schemas": schemas(OPERATIONS, facts.strategies),
            "responses": responses,
            "parameters": PARAMETERS,
            "headers": HEADERS,
            "securitySchemes": _SECURITY,
        },
    }


def _offered(facts: ServerFacts) -> Iterator[tuple[Section, Operation]]:
    """The operations at this address; who may read the metrics is the server's to say."""
    for section in SECTIONS:
        for operation in section.operations:
            if operation.path != METRICS_PATH:
                yield section, operation
            elif facts.metrics != "elsewhere":
                yield section, replace(operation, admits=("bearer" if facts.metrics == "bearer" else "nobody",))


def _operation(section: Section, operation: Operation, responses: dict[str, Payload]) -> Payload:
    """One operation; the error responses that it refers to are added to ``responses``."""
    answers: dict[str, Payload] = {}
    for answer in operation.gives:
        _add_answer(answers, answer)
    for status, named in error_responses(operation.errors, section.says_errors(operation)).items():
        responses |= named
        answers[status] = reference(next(iter(named)), "responses")
    about = {"description": operation.about} if operation.about else {}
    parameters = (*operation.in_path, *operation.parameters, *ALWAYS)
    return {
        "operationId": operation.name,
        "tags": [section.name],
        "summary": operation.summary,
        **about,
        "security": [{} if who == "nobody" else {who: []} for who in operation.admitted],
        "parameters": [reference(name, "parameters") for name in parameters],
        **_body(operation),
        "responses": answers,
    }


def _body(operation: Operation) -> Payload:
    if operation.takes is None:
        return {}
    content = {"schema": reference(operation.takes.__name__), "examples": {"a question": {"value": operation.asked}}}
    return {"requestBody": {"required": True, "content": {JSON: content}}}


def _add_answer(answers: dict[str, Payload], answer: Answer) -> None:
    """Two answers may have one status: then they differ in their media types."""
    told = answers.setdefault(str(answer.status), {"description": answer.about})
    told["headers"] = {name: reference(name, "headers") for name in ("X-Request-Id", *answer.headers)}
    if answer.media_type is not None:
        told.setdefault("content", {})[answer.media_type] = _content(answer)


def _content(answer: Answer) -> Payload:
    schema: Payload = {"type": "object" if answer.media_type == JSON else "string"}
    if answer.shape is not None:
        schema = reference(name_of(answer.shape))
    if answer.media_type == EVENTS:
        schema = event_schema(schema)
    return {"schema": schema} | ({"example": answer.example()} if answer.example else {})
