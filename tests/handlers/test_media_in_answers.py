"""Images, sound and files in an answer: the same on every door, in short frames, whole after every cut."""

from base64 import b64decode, b64encode
from typing import Any

import pytest

from streamchat.presenting.payloads import MEDIA_PART_CHARACTERS
from tests.handlers.house import CHAT, SMART, STREAMING_DOORS, House, answer_in, durable, with_server
from tests.handlers.socket_client import Socket, durable_of

SOUND = bytes(range(256)) * 600  # 204,800 characters in base64: four parts


def perform(message, media):
    yield "Listen: "
    media("image/png", url="https://example.org/a.png", alt="a singer")
    media("audio/wav", content=SOUND, alt="a song")
    media("application/pdf", content="")
    yield "that was it."


def media_of(payloads: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [payload for payload in payloads if payload["status"] == "media"]


def check(payloads: list[dict[str, Any]]) -> None:
    """The media are whole, in order, and in parts that are short and can be decoded alone."""
    shown = media_of(payloads)
    assert [(one["media_type"], one["part"], one["parts"], one["alt"]) for one in shown] == [
        ("image/png", 1, 1, "a singer"),
        *(("audio/wav", part, 4, "a song") for part in range(1, 5)),
        ("application/pdf", 1, 1, None),
    ]
    assert shown[0]["url"] == "https://example.org/a.png"
    sound = [one["content"] for one in shown if one["media_type"] == "audio/wav"]
    assert all(len(part) <= MEDIA_PART_CHARACTERS for part in sound)
    assert b"".join(b64decode(part, validate=True) for part in sound) == SOUND
    assert shown[-1]["content"] == ""


@pytest.mark.parametrize("door", STREAMING_DOORS)
def test_media_are_shown_in_parts_and_the_text_around_them_is_whole(door: str) -> None:
    async def scenario(house: House) -> None:
        response = await house.ask(door)
        check([frame.payload for frame in response.frames])
        assert answer_in(response.frames) == "Listen: that was it."

    with_server(perform, scenario)


def test_a_cut_after_any_frame_loses_no_part() -> None:
    async def scenario(house: House) -> None:
        response = await house.ask(SMART)
        stream, whole = response.headers["x-stream-id"], durable(response.frames)
        for seen in range(len(whole)):
            rest = await house.get(f"/api/streams/{stream}", Last_Event_ID=f"{stream}:{seen}")
            assert durable(rest.frames) == whole[seen:]

    with_server(perform, scenario)


def test_a_websocket_shows_the_same_at_first_and_after_a_cut() -> None:
    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            stream = await socket.ask()
            whole = durable_of(await socket.read_stream(stream))
            check(whole)
        async with Socket(house) as socket:
            for seen in range(len(whole)):
                await socket.send(type="resume", stream_id=stream, last_event_id=f"{stream}:{seen}")
                assert (await socket.read())["type"] == "accepted"
                assert durable_of(await socket.read_stream(stream)) == whole[seen:]

    with_server(perform, scenario)


def test_a_whole_answer_has_them_beside_its_text() -> None:
    async def scenario(house: House) -> None:
        body = (await house.ask(CHAT)).json
        assert body["data"] == "Listen: that was it."
        assert body["media"] == [
            {"media_type": "image/png", "url": "https://example.org/a.png", "alt": "a singer"},
            {"media_type": "audio/wav", "content": b64encode(SOUND).decode(), "alt": "a song"},
            {"media_type": "application/pdf", "content": "", "alt": None},
        ]

    with_server(perform, scenario)


def test_an_answer_without_any_says_nothing_of_them() -> None:
    async def scenario(house: House) -> None:
        assert "media" not in (await house.ask(CHAT)).json

    with_server(lambda message: "plain", scenario)


def test_too_much_of_it_ends_the_turn_as_too_much_text_does() -> None:
    def flood(message, media):
        for _ in range(10):
            media("audio/wav", content=SOUND)
        return "never said"

    async def scenario(house: House) -> None:
        frames = (await house.ask(SMART, lang="en")).frames
        assert frames[-1].payload["code"] == "processing_error"
        assert "too long" in frames[-1].payload["error"]
        shown = sum(len(one["content"]) for one in media_of([frame.payload for frame in frames]))
        assert shown <= 1_000_000

    with_server(flood, scenario, max_answer_characters=1_000_000)
