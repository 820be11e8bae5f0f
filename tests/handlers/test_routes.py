"""Which door an address leads to, told without a server."""

import pytest

from streamchat.handlers.chat import ChatDoor
from streamchat.handlers.door import Door, NoDoor
from streamchat.handlers.openai import ModelDoor, NoOpenAIDoor
from streamchat.handlers.page import PageDoor
from streamchat.handlers.routes import door_at
from streamchat.handlers.streams import StreamDoor


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
