from pathlib import Path

import pytest

from streamchat.client.chat_commands import COMMANDS, Command, command_in, help_lines, question_in

DOCUMENT = (Path(__file__).parents[2] / "docs" / "client.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("/help", Command("/help", "")),
        ("  /SAVE  a file.md ", Command("/save", "a file.md")),
        ("/", Command("/", "")),
        ("What is /help?", None),
        ("//etc is a folder", None),
        ("", None),
    ],
)
def test_a_command_is_a_line_that_begins_with_one_slash(line: str, command: Command | None) -> None:
    assert command_in(line) == command


def test_two_slashes_begin_a_question_that_starts_with_one() -> None:
    assert question_in("//etc is a folder") == "/etc is a folder"
    assert question_in(" hi ") == "hi"


def test_help_has_a_line_for_every_command() -> None:
    assert [line.split()[0] for line in help_lines()] == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_documented(name: str) -> None:
    assert f"| `{name}" in DOCUMENT
