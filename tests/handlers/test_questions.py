"""From a request to a running turn: what the function is given, and Idempotency-Key."""

import asyncio
from dataclasses import asdict
from typing import Any

import pytest

from streamchat.stores.profiles import Profile, ProfileSettings
from tests.handlers.house import (
    BASIC,
    BOB,
    CHAT_DOORS,
    PROFILE,
    SMART,
    Gate,
    House,
    answer_in,
    durable,
    question,
    with_server,
)


class Listener:
    """A function that keeps what it was given, and answers with the message in capitals."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []

    def __call__(
        self,
        message: str,
        username: str,
        prompt: str,
        prompt_mode: str,
        system_prompt: str,
        conversation_id: str,
        history: list[dict[str, str]],
        use_history: bool,
        profile: dict[str, Any],
        user: str,
        request_id: str,
    ) -> str:
        self.heard.append({name: value for name, value in locals().items() if name != "self"})
        return message.upper()


async def with_profile(house: House) -> None:
    await house.server.rooms.profiles.put(
        Profile(username="Ada", display_name="Ada L.", system_prompt="You are Ada.", posts=("first", "second"))
    )


def test_a_function_is_given_everything_it_names() -> None:
    listener = Listener()

    async def scenario(house: House) -> None:
        await with_profile(house)
        asked = question(username="Ada", message="hi", prompt="Be brief.", conversation_id="chat_1")
        await house.post(SMART, asked, headers={"X-Request-Id": "r-7"})
        (heard,) = listener.heard
        profile = heard.pop("profile")
        assert heard == {
            "message": "hi",
            "username": "Ada",
            "prompt": "Be brief.",
            "prompt_mode": "append",
            "system_prompt": "You are Ada.\n\nBe brief.",
            "conversation_id": "chat_1",
            "history": [],
            "use_history": False,
            "user": "alice",
            "request_id": "r-7",
        }
        assert (profile["display_name"], profile["posts"]) == ("Ada L.", ["first", "second"])

    with_server(listener, scenario)


def test_what_a_function_does_to_its_profile_is_not_seen_by_the_next() -> None:
    seen = []

    def spoiling(message: str, profile: dict[str, Any]) -> str:
        seen.append((profile["posts"][:], profile["settings"].copy(), sorted(profile)))
        profile["posts"].append("spoiled")
        profile["settings"]["lang"] = "xx"
        del profile["display_name"]
        return "done"

    async def scenario(house: House) -> None:
        await with_profile(house)
        for _ in range(2):
            await house.ask(username="Ada")
        assert seen[0] == seen[1]
        assert seen[0][:2] == (["first", "second"], asdict(ProfileSettings()))

    with_server(spoiling, scenario)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "You are Ada."),
        ({"prompt": ""}, "You are Ada."),
        ({"prompt": "More."}, "You are Ada.\n\nMore."),
        ({"prompt": "More.", "prompt_mode": "append"}, "You are Ada.\n\nMore."),
        ({"prompt": "Less.", "prompt_mode": "replace"}, "Less."),
        ({"prompt_mode": "replace"}, "You are Ada."),
    ],
)
def test_the_prompt_is_added_to_the_profiles_own_or_put_in_its_place(fields: dict[str, str], expected: str) -> None:
    listener = Listener()

    async def scenario(house: House) -> None:
        await with_profile(house)
        await house.ask(username="Ada", **fields)
        assert listener.heard[0]["system_prompt"] == expected

    with_server(listener, scenario)


def test_a_function_written_for_the_predecessor_runs_unchanged() -> None:
    def process_query(
        message: str, use_history: bool = False, system_prompt: str | None = None, conversation_id: str | None = None
    ) -> str:
        return f"{message} {use_history} {bool(system_prompt)} {conversation_id}"

    async def scenario(house: House) -> None:
        frames = (await house.ask(message="hi", conversation_id="c")).frames
        assert answer_in(frames) == "hi False True c"
        assert answer_in((await house.ask(message="hi", conversation_id="c")).frames) == "hi True True c"

    with_server(process_query, scenario)


def test_the_next_question_of_a_conversation_brings_its_history() -> None:
    listener = Listener()

    async def scenario(house: House) -> None:
        for number, door in enumerate(CHAT_DOORS):
            await house.ask(door, message=f"question {number}", conversation_id="chat_1")
        assert [heard["use_history"] for heard in listener.heard] == [False, True, True, True]
        assert listener.heard[2]["history"] == [
            {"role": "user", "content": "question 0"},
            {"role": "assistant", "content": "QUESTION 0"},
            {"role": "user", "content": "question 1"},
            {"role": "assistant", "content": "QUESTION 1"},
        ]

    with_server(listener, scenario)


def test_a_conversation_without_an_id_is_given_a_new_one() -> None:
    listener = Listener()

    async def scenario(house: House) -> None:
        ids = [(await house.ask()).headers["x-conversation-id"] for _ in range(2)]
        assert ids == [heard["conversation_id"] for heard in listener.heard]
        assert ids[0] != ids[1]
        assert all(one.startswith("chat_") for one in ids)
        assert listener.heard[1]["history"] == []
        await house.ask(conversation_id=ids[0])
        assert len(listener.heard[2]["history"]) == 2

    with_server(listener, scenario)


def test_two_callers_may_use_the_same_conversation_id_and_never_meet() -> None:
    listener = Listener()

    async def scenario(house: House) -> None:
        await house.ask(message="alice's secret", conversation_id="chat_1")
        await house.ask(message="hello", conversation_id="chat_1", token=BOB)
        assert (listener.heard[1]["user"], listener.heard[1]["history"]) == ("bob", [])
        await house.ask(message="again", conversation_id="chat_1", token=BOB)
        assert [said["content"] for said in listener.heard[2]["history"]] == ["hello", "HELLO"]

    with_server(listener, scenario)


def test_a_conversation_id_that_is_not_ascii_is_percent_encoded_in_the_header() -> None:
    async def scenario(house: House) -> None:
        response = await house.ask(conversation_id="聊天 1")
        assert response.headers["x-conversation-id"] == "%E8%81%8A%E5%A4%A9%201"

    with_server(Listener(), scenario)


def test_a_request_without_an_id_gives_the_function_the_one_that_it_gets_itself() -> None:
    listener = Listener()

    async def scenario(house: House) -> None:
        response = await house.ask()
        assert listener.heard[0]["request_id"] == response.headers["x-request-id"] != ""

    with_server(listener, scenario)


# Idempotency-Key.


async def ask_with_key(house: House, key: str, path: str = SMART, token: str = "secret-a", **fields: Any) -> Any:
    return await house.post(path, question(**fields), token=token, headers={"Idempotency-Key": key})


@pytest.mark.parametrize("door", CHAT_DOORS)
def test_a_repeated_post_attaches_to_the_stream_that_the_first_one_started(door: str) -> None:
    gate = Gate("only once")

    async def scenario(house: House) -> None:
        first, second = (asyncio.create_task(ask_with_key(house, "key-1", door)) for _ in range(2))
        await gate.has_begun()
        gate.opened.set()
        responses = [await first, await second, await ask_with_key(house, "key-1", door)]
        assert gate.calls == 1
        assert len({response.headers["x-stream-id"] for response in responses}) == 1
        if door != "/api/chat":
            shown = [durable(response.frames) for response in responses]
            assert shown[0] == shown[1] == shown[2]
        assert house.turns_opened == 1

    with_server(gate, scenario)


def test_the_same_key_for_another_question_is_refused_and_names_the_header() -> None:
    gate = Gate()
    gate.opened.set()

    async def scenario(house: House) -> None:
        await ask_with_key(house, "key-1")
        for path, fields in ((SMART, {"message": "other"}), (SMART, {"lang": "en"}), (BASIC, {})):
            response = await ask_with_key(house, "key-1", path, **fields)
            assert (response.status, response.frames[0].payload["field"]) == (400, "Idempotency-Key")
        assert gate.calls == 1

    with_server(gate, scenario)


def test_a_key_belongs_to_its_caller() -> None:
    gate = Gate()
    gate.opened.set()

    async def scenario(house: House) -> None:
        alices = await ask_with_key(house, "key-1")
        bobs = await ask_with_key(house, "key-1", token=BOB, message="something else")
        assert alices.headers["x-stream-id"] != bobs.headers["x-stream-id"]
        assert gate.calls == 2

    with_server(gate, scenario)


def test_a_key_whose_stream_is_forgotten_never_runs_again() -> None:
    gate = Gate()
    gate.opened.set()

    async def scenario(house: House) -> None:
        await ask_with_key(house, "key-1")
        response = await ask_with_key(house, "key-1")
        assert (response.status, response.frames[0].payload["code"]) == (410, "stream_gone")
        assert gate.calls == 1

    with_server(gate, scenario, remember=0.0)


@pytest.mark.parametrize("key", ["", "x" * 256, "bell\x07", "tab\tkey"])
def test_an_impossible_key_is_refused(key: str) -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        response = await ask_with_key(house, key)
        assert response.status == 400
        assert gate.calls == 0

    with_server(gate, scenario)


def test_a_refused_question_leaves_its_key_unused() -> None:
    gate = Gate()
    gate.opened.set()

    async def scenario(house: House) -> None:
        assert (await ask_with_key(house, "key-1", username="Nobody")).status == 404
        assert (await ask_with_key(house, "key-1")).status == 200

    with_server(gate, scenario)


def test_a_profile_that_is_removed_is_not_found_any_more() -> None:
    async def scenario(house: House) -> None:
        assert (await house.ask()).status == 200
        await house.server.rooms.profiles.remove(PROFILE)
        assert (await house.ask()).status == 404

    with_server(Listener(), scenario)
