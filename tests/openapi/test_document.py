"""The document itself: whether it is one, whether it is whole, and whether its examples are examples."""

import re
from dataclasses import replace
from typing import Any

import pytest
from openapi_spec_validator import validate

from streamchat.chunking.characters import Characters
from streamchat.chunking.registry import Strategy, shipped
from streamchat.handlers.chat_request import ChatRequest
from streamchat.handlers.errors import STATUS_OF
from streamchat.handlers.openai import NoOpenAIDoor
from streamchat.handlers.page import PageDoor
from streamchat.handlers.routes import operations
from streamchat.openapi.document import described, document
from streamchat.openapi.facts import ServerFacts
from streamchat.openapi.parameters import PARAMETERS
from streamchat.openapi.request_fields import REQUEST_FIELDS, meaning_of
from streamchat.openapi.sections import OPERATIONS
from tests.openapi.described import Description

FACTS = ServerFacts(version="1.2.3", strategies=tuple(shipped()))
DOCUMENT = document(FACTS)
DESCRIPTION = Description(DOCUMENT)


def pattern_of(path: str) -> str:
    """A described path, as the routes write it."""
    return path.replace("{model}", "(.+)") if "{model}" in path else re.sub(r"\{[a-z_]+\}", "([^/]+)", path)


def responses() -> list[Any]:
    found = [
        pytest.param(DESCRIPTION.resolved(response), id=f"{name} {status}")
        for name, operation in DESCRIPTION.operations.items()
        for status, response in operation["responses"].items()
    ]
    assert len(found) > 100
    return found


def test_it_is_an_openapi_document() -> None:
    validate(DOCUMENT)
    assert DOCUMENT["openapi"] == "3.1.0"
    assert DOCUMENT["info"]["version"] == "1.2.3"


def test_every_operation_of_the_routes_is_described_and_no_other() -> None:
    # The files of the pages are no operations; nor is what answers where nobody lives.
    routes = {
        (pattern, door, method)
        for pattern, door, method in operations()
        if not (door is PageDoor and "(" in pattern) and door is not NoOpenAIDoor
    }
    assert {(pattern_of(one.path), one.door, one.method) for one in OPERATIONS} == routes


def test_an_operation_has_a_body_where_its_door_takes_one() -> None:
    for operation in OPERATIONS:
        assert (operation.takes is not None) == (operation.door.takes_body and operation.method == "post")


def test_who_may_ask_is_what_the_door_asks_for() -> None:
    for operation in OPERATIONS:
        assert ("bearer" in operation.admitted) == operation.door.needs_token


def test_every_parameter_is_of_use() -> None:
    used = {name for operation in OPERATIONS for name in (*operation.in_path, *operation.parameters)}
    assert used == PARAMETERS.keys() - {"X-Request-Id", "lang"}


def test_a_parameter_is_in_the_path_that_names_it() -> None:
    for operation in OPERATIONS:
        assert all(PARAMETERS[name]["in"] == "path" for name in operation.in_path)
        assert all(PARAMETERS[name]["in"] != "path" for name in operation.parameters)


@pytest.mark.parametrize("code", STATUS_OF)
def test_every_error_code_is_in_its_words(code: str) -> None:
    assert f"| {int(STATUS_OF[code])} | `{code}` |" in DOCUMENT["info"]["description"]


@pytest.mark.parametrize("response", responses())
def test_the_examples_of_a_response_have_its_schema(response: dict[str, Any]) -> None:
    for media_type, content in response.get("content", {}).items():
        examples = [example["value"] for example in content.get("examples", {}).values()]
        for example in [*examples, *([content["example"]] if "example" in content else [])]:
            if media_type == "application/json":
                DESCRIPTION.check(content["schema"], example)
            else:
                DESCRIPTION.check_body(content["schema"], media_type, example)


def test_an_answer_with_a_shape_has_an_example() -> None:
    # That of the health is as long as it is obvious.
    bare = [op.name for op in OPERATIONS for answer in op.gives if answer.shape is not None and answer.example is None]
    assert bare == ["health"]


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.takes], ids=lambda one: one.name)
def test_the_example_of_a_request_is_one_that_is_taken(operation: Any) -> None:
    operation.takes.model_validate(operation.asked)


def test_every_field_of_a_request_is_explained() -> None:
    asked = {operation.takes.__name__ for operation in OPERATIONS if operation.takes}
    told = {"AttachmentField", "AuthMessage", "Chunking", "Envelope", "InputMessage", "Message", "Part", "QueryOptions"}
    told |= {"ResumeMessage", "StreamMessage", "StreamOptions", "UiMessage", "UiPart"}
    for name in asked | told:
        for field, schema in DESCRIPTION.schemas[name]["properties"].items():
            assert schema["description"], (name, field)


def test_no_field_is_explained_that_there_is_not() -> None:
    fields = {(name, field) for name, schema in DESCRIPTION.schemas.items() for field in schema.get("properties", {})}
    for key in REQUEST_FIELDS:
        name, _, field = key.rpartition(".")
        assert (name, field) in fields if name else field in {field for _, field in fields}


def test_a_field_that_means_something_else_elsewhere_is_told_so() -> None:
    assert meaning_of("Message", "content") != meaning_of("AttachmentField", "content")
    assert meaning_of("Chunking", "nothing") is None


def test_what_must_not_be_blank_says_so() -> None:
    for field in ("username", "message"):
        assert DESCRIPTION.schemas[ChatRequest.__name__]["properties"][field]["pattern"] == r"\S"


def test_the_strategies_are_those_of_the_server() -> None:
    own = Strategy(name="haiku", make=Characters, default_size=17, min_size=5, max_size=99)
    chunking = document(replace(FACTS, strategies=(*FACTS.strategies, own)))["components"]["schemas"]["Chunking"]
    names = ["characters", "words", "sentences", "markdown", "lines"]
    assert chunking["properties"]["strategy"]["enum"] == [*names, "haiku"]
    assert "haiku 5 to 99 (default 17)" in chunking["properties"]["size"]["description"]
    assert DESCRIPTION.schemas["Chunking"]["properties"]["strategy"]["enum"] == names


@pytest.mark.parametrize(("metrics", "security"), [("open", [{}]), ("bearer", [{"bearer": []}])])
def test_it_says_who_may_read_the_metrics(metrics: Any, security: list[dict[str, Any]]) -> None:
    paths = document(replace(FACTS, metrics=metrics))["paths"]
    assert paths["/metrics"]["get"]["security"] == security
    assert paths["/healthz"]["get"]["security"] == [{}]


def test_metrics_that_are_read_elsewhere_are_not_described() -> None:
    assert "/metrics" not in document(replace(FACTS, metrics="elsewhere"))["paths"]


def test_it_is_made_once_for_a_server() -> None:
    assert described(FACTS) is described(replace(FACTS))
    assert described(FACTS) != described(replace(FACTS, version="2.0.0"))
