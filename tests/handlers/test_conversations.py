"""The caller's own conversations and the profiles to talk to."""

import asyncio
from datetime import datetime
from urllib.parse import quote

import pytest

from tests.handlers.house import BOB, PROFILE, Gate, House, saying, with_server


def test_a_conversation_can_be_read_back() -> None:
    async def scenario(house: House) -> None:
        stream_id = (await house.ask(message="first", conversation_id="chat_1")).headers["x-stream-id"]
        await house.ask(message="second", conversation_id="chat_1")
        body = (await house.get("/api/conversations/chat_1")).json
        assert (body["success"], body["conversation_id"]) == (True, "chat_1")
        first, second = body["exchanges"]
        assert datetime.fromisoformat(first.pop("created_at")).tzinfo is not None
        assert first == {
            "stream_id": stream_id,
            "profile": PROFILE,
            "message": "first",
            "answer": "hello",
            "status": "complete",
        }
        assert second["message"] == "second"

    with_server(saying("hello"), scenario)


def test_the_latest_conversation_is_listed_first() -> None:
    async def scenario(house: House) -> None:
        for name in ("chat_1", "chat_2", "chat_1"):
            await house.ask(message=f"about {name}", conversation_id=name)
        for name in ("chat_1", "chat_2"):
            await house.get(f"/api/conversations/{name}")
        listed = (await house.get("/api/conversations")).json["conversations"]
        assert [(row["conversation_id"], row["exchanges"]) for row in listed] == [("chat_1", 2), ("chat_2", 1)]
        assert listed[0]["title"] == "about chat_1"
        only = (await house.get("/api/conversations?limit=1")).json["conversations"]
        assert [row["conversation_id"] for row in only] == ["chat_1"]

    with_server(saying("hello"), scenario)


@pytest.mark.parametrize("limit", ["0", "-1", "201", "x", "", "1.5", "9" * 5_000, "１"])
def test_an_impossible_limit_is_named(limit: str) -> None:
    async def scenario(house: House) -> None:
        response = await house.request("GET", f"/api/conversations?limit={quote(limit)}")
        assert (response.status, response.json["field"]) == (400, "limit")

    with_server(saying("hello"), scenario)


def test_a_removed_conversation_is_gone() -> None:
    async def scenario(house: House) -> None:
        await house.ask(conversation_id="chat_1")
        removed = await house.request("DELETE", "/api/conversations/chat_1")
        assert (removed.status, removed.json) == (200, {"success": True, "conversation_id": "chat_1"})
        for method in ("GET", "DELETE"):
            response = await house.request(method, "/api/conversations/chat_1")
            assert (response.status, response.json["code"]) == (404, "conversation_not_found")

    with_server(saying("hello"), scenario)


def test_a_conversation_of_someone_else_does_not_exist() -> None:
    async def scenario(house: House) -> None:
        await house.ask(conversation_id="chat_1")
        for method in ("GET", "DELETE"):
            response = await house.request(method, "/api/conversations/chat_1", token=BOB)
            assert (response.status, response.json["code"]) == (404, "conversation_not_found")
        assert (await house.get("/api/conversations", token=BOB)).json["conversations"] == []
        assert (await house.get("/api/conversations/chat_1")).status == 200

    with_server(saying("hello"), scenario)


def test_each_caller_reads_and_removes_its_own_of_the_same_id() -> None:
    async def scenario(house: House) -> None:
        await house.ask(message="alice's", conversation_id="chat_1")
        await house.ask(message="bob's", conversation_id="chat_1", token=BOB)
        await house.request("DELETE", "/api/conversations/chat_1")
        (exchange,) = (await house.get("/api/conversations/chat_1", token=BOB)).json["exchanges"]
        assert exchange["message"] == "bob's"

    with_server(saying("hello"), scenario)


def test_an_id_that_needs_encoding_is_found_again() -> None:
    async def scenario(house: House) -> None:
        encoded = (await house.ask(conversation_id="聊天 1/2?")).headers["x-conversation-id"]
        response = await house.get(f"/api/conversations/{encoded.replace('/', '%2F')}")
        assert response.json["conversation_id"] == "聊天 1/2?"

    with_server(saying("hello"), scenario)


@pytest.mark.parametrize("name", ["%00", "%FF", "%ED%A0%BD", "x" * 5_000, "%0a"])
def test_an_impossible_id_is_not_found(name: str) -> None:
    async def scenario(house: House) -> None:
        for method in ("GET", "DELETE"):
            assert (await house.request(method, f"/api/conversations/{name}")).status in (400, 404)

    with_server(saying("hello"), scenario)


def test_what_became_of_a_question_is_kept_too() -> None:
    gate = Gate()

    def process_query(message: str) -> str:
        if message == "raise":
            raise RuntimeError
        return gate(message)

    async def scenario(house: House) -> None:
        await house.ask(message="raise", conversation_id="chat_1")
        await house.ask(message="hang", timeout=0.05, conversation_id="chat_1")
        exchanges = (await house.get("/api/conversations/chat_1")).json["exchanges"]
        assert [(row["status"], row["answer"]) for row in exchanges] == [("error", ""), ("timeout", "")]
        gate.opened.set()

    with_server(process_query, scenario)


def test_the_profiles_are_those_of_the_samples() -> None:
    async def scenario(house: House) -> None:
        body = (await house.get("/api/profiles")).json
        vitalik = next(profile for profile in body["profiles"] if profile["username"] == PROFILE)
        assert set(vitalik) == {"username", "display_name", "suggestions", "settings"}
        assert vitalik["suggestions"]
        assert b"system_prompt" not in (await house.get("/api/profiles")).body

    with_server(saying("hello"), scenario)


def test_questions_at_once_in_one_conversation_are_all_kept() -> None:
    async def scenario(house: House) -> None:
        await asyncio.gather(*(house.ask(message=f"{n}", conversation_id="chat_1") for n in range(5)))
        exchanges = (await house.get("/api/conversations/chat_1")).json["exchanges"]
        assert sorted(row["message"] for row in exchanges) == ["0", "1", "2", "3", "4"]

    with_server(saying("hello"), scenario)
