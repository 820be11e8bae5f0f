from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from streamchat.client.command import main
from tests.client.scripted_server import Scene, ScriptedServer, answer, chat, running, sse


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with running() as scripted:
        yield scripted


def talk(server: ScriptedServer, *lines: str, questions: int = 1, options: tuple[str, ...] = ()) -> Result:
    """A chat in which these lines are typed; each of so many questions is answered."""
    server.scenes += [
        Scene(headers={"X-Conversation-Id": f"c{number}"}, pieces=[sse(chat([f"answer {number}\n"]))])
        for number in range(questions)
    ]
    arguments = ["VitalikButerin", "--token", "secret", "--url", server.url, *options]
    return CliRunner().invoke(main, arguments, input="".join(f"{line}\n" for line in lines))


def bodies(server: ScriptedServer) -> list[Any]:
    return [asked.json() for asked in server.requests("POST")]


def test_the_options_hold_for_every_question(server: ScriptedServer) -> None:
    talk(server, "one", "two", questions=2, options=("--pace", "none", "--door", "basic"))
    assert [body["pace"] for body in bodies(server)] == ["none", "none"]
    assert {asked.path for asked in server.asked} == {"/api/stream_chat"}


def test_what_is_chosen_holds_from_then_on(server: ScriptedServer) -> None:
    talk(server, "/door advanced", "/lang en", "/pace none", "/prompt Be brief.", "one", "/prompt", "two", questions=2)
    first, second = bodies(server)
    assert server.asked[0].path == "/api/stream_chat_advanced"
    assert (first["lang"], first["pace"], first["prompt"]) == ("en", "none", "Be brief.")
    assert "prompt" not in second


@pytest.mark.parametrize("line", ["/door back", "/lang fr", "/pace fast", "/nonsense", "/"])
def test_what_cannot_be_chosen_changes_nothing_and_says_what_can(server: ScriptedServer, line: str) -> None:
    shown = talk(server, line, "one").stderr
    assert bodies(server) == [{"username": "VitalikButerin", "message": "one"}]
    assert "there are" in shown or "is none of /help" in shown


def test_retry_asks_the_last_question_again_with_its_files(server: ScriptedServer, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    talk(server, "/retry", f"/attach {tmp_path}/a.txt", "one", "/retry", "two", questions=3)
    first, again, second = bodies(server)
    assert [body["message"] for body in (first, again, second)] == ["one", "one", "two"]
    assert (
        first["attachments"]
        == again["attachments"]
        == [{"media_type": "text/plain", "name": "a.txt", "content": "eA=="}]
    )
    assert "attachments" not in second


def test_a_file_that_cannot_be_attached_is_told(server: ScriptedServer) -> None:
    assert "cannot attach /none.txt" in talk(server, "/attach /none.txt", questions=0).stderr


def test_new_forgets_the_conversation_and_open_goes_on_with_another(server: ScriptedServer) -> None:
    exchanges = {"exchanges": [{"message": "earlier\x1b", "answer": "said"}, {"message": "cut", "status": "error"}]}
    server.scenes = [answer(exchanges)]
    shown = talk(server, "/open c7/8", "one", "/new", "two", questions=2).stderr
    assert server.requests("GET")[0].path == "/api/conversations/c7%2F8"
    assert [body.get("conversation_id") for body in bodies(server)] == ["c7/8", None]
    assert "> earlier�\nsaid\n> cut\n(error)\n" in shown


def test_the_conversations_are_listed_with_their_first_words(server: ScriptedServer) -> None:
    server.conversations = answer(
        {"conversations": [{"conversation_id": "c1", "profile": "A", "title": "t", "new": 1}]}
    )
    assert "c1  A  t\n" in talk(server, "/conversations", questions=0).stderr


def test_another_profile_means_another_conversation(server: ScriptedServer) -> None:
    server.profiles = answer({"profiles": [{"username": "B", "suggestions": ["why?"]}]})
    shown = talk(server, "one", "/profile", "/profile Nobody", "two", "/profile B", "three", questions=3).stderr
    assert [(body["username"], body.get("conversation_id")) for body in bodies(server)] == [
        ("VitalikButerin", None),
        ("VitalikButerin", "c0"),
        ("B", None),
    ]
    assert "There is no profile Nobody" in shown
    assert "try: why?" in shown


def test_a_list_that_cannot_be_had_is_told_and_the_chat_goes_on(server: ScriptedServer) -> None:
    server.scenes = [answer({"error": "gone", "code": "conversation_not_found"}, 404)]
    result = talk(server, "/open c1", "one")
    assert "HTTP 404: gone" in result.stderr
    assert "answer 0" in result.stdout


def test_the_last_answer_can_be_saved(server: ScriptedServer, tmp_path: Path) -> None:
    lines = (f"/save {tmp_path}/early", "one", f"/save {tmp_path}/a b.md", "/save", f"/save {tmp_path}/no/where")
    shown = talk(server, *lines).stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a b.md"]
    assert (tmp_path / "a b.md").read_text() == "answer 0\n"
    assert shown.count("once there is an answer") == 2
    assert "cannot save to" in shown


def test_two_slashes_are_a_question(server: ScriptedServer) -> None:
    talk(server, "//etc?")
    assert bodies(server)[0]["message"] == "/etc?"


def test_help_lists_the_commands_and_quit_leaves(server: ScriptedServer) -> None:
    shown = talk(server, "/help", "/quit", "never", questions=0).stderr
    assert "/retry" in shown
    assert not server.asked


def test_a_chat_ends_when_the_token_is_not_valid(server: ScriptedServer) -> None:
    server.scenes = [Scene(status=401, content_type="text/html")]
    assert talk(server, "one", "two", questions=0).exit_code == 6
    assert len(server.asked) == 1
