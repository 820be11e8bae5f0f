"""The id that a client comes back with."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from streamchat.presenting.frames import Frame
from streamchat.wire.event_id import BadEventId, seen_frames
from streamchat.wire.sse import SseWire


def test_the_id_says_how_many_frames_have_been_seen() -> None:
    assert seen_frames("st_one:0", "st_one") == 0
    assert seen_frames("st_one:17", "st_one") == 17
    assert seen_frames("", "st_one") == 0


@settings(deadline=None)
@given(some.integers(0, 999_999_999))
def test_every_id_that_was_written_is_understood(number: int) -> None:
    block = SseWire("st_a-B_9").encode([Frame({}, number)]).decode()
    event_id = block.split("\nid: ")[1].rstrip("\n")
    assert seen_frames(event_id, "st_a-B_9") == number


@pytest.mark.parametrize(
    "event_id",
    [
        "st_two:3",
        "st_one",
        "st_one:",
        "st_one:-1",
        "st_one:+1",
        "st_one:1.0",
        "st_one: 1",
        "st_one:1 ",
        "st_one:1\n",
        "st_one:٣",
        "st_one:1:1",
        ":1",
        "1",
        "st_one:" + "9" * 10,
        "st_one:" + "9" * 5_000,
        "\0",
        "你好:1",
        "\ud800",
    ],
)
def test_any_other_id_is_refused(event_id: str) -> None:
    with pytest.raises(BadEventId):
        seen_frames(event_id, "st_one")
