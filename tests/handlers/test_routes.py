"""Which door an address leads to, told without a server."""

import pytest

from streamchat.handlers.chat import ChatDoor, StreamChatDoor
from streamchat.handlers.door import Door, NoDoor
from streamchat.handlers.openai import ModelDoor, NoOpenAIDoor
from streamchat.handlers.page import PageDoor
from streamchat.handlers.routes import door_at, operations
from streamchat.handlers.streams import StreamDoor
from streamchat.metrics.doors import REQUEST_DOORS, ROUTES
from streamchat.presenting.styles import ADVANCED, BASIC, SMART


@pytest.mark.parametrize(
    ("address", "door"),
    [
        ("/api/chat", ChatDoor),
        ("/api/streams/st_2Zkz", StreamDoor),
        ("/v1/models/meta/llama", ModelDoor),
        ("/v1/files", NoOpenAIDoor),
        ("/streaming_test.html", PageDoor),
    ],
)
def test_the_first_pattern_that_takes_the_whole_address_has_it(address: str, door: type[Door]) -> None:
    assert door_at(address) is door


@pytest.mark.parametrize("address", ["/nowhere", "/api/chat/", "/x/api/chat"])
def test_an_address_that_is_nobodys_leads_to_no_door(address: str) -> None:
    assert door_at(address) is NoDoor


def test_the_metrics_know_every_door_by_its_name_and_no_other() -> None:
    # The doors of a style have its name.
    names = {door.door_name for _, door, _ in operations()} | {style.name for style in (BASIC, ADVANCED, SMART)}
    assert names == set(REQUEST_DOORS)


@pytest.mark.parametrize("name", ROUTES)
def test_a_door_that_opens_turns_is_where_the_traces_say(name: str) -> None:
    door = door_at(ROUTES[name])
    assert door is StreamChatDoor if name in ("basic", "advanced", "smart") else door.door_name == name


def test_every_door_that_takes_a_question_may_open_turns() -> None:
    taking = {pattern for pattern, door, method in operations() if door.takes_attachments and method == "post"}
    assert taking | {"/api/ws"} == set(ROUTES.values())
