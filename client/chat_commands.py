"""What may be typed in a chat beside questions. Pure: a line in, a command out."""

from __future__ import annotations

from typing import NamedTuple

COMMANDS = {
    "/help": "these lines",
    "/profile": "[NAME]  who there is, or talk to somebody else, in a new conversation",
    "/door": "[smart|basic|advanced]  the door, or another one",
    "/lang": "[zh|en]  language of progress and errors",
    "/pace": "[natural|none]  how the answer is shown",
    "/prompt": "[TEXT]  your own instructions; alone: none any more",
    "/attach": "FILE  send a file along with the next question",
    "/retry": "ask the last question again",
    "/save": "FILE  write the last answer, or what came of it, to a file",
    "/new": "begin a new conversation",
    "/history": "this conversation so far, as the server keeps it",
    "/conversations": "your conversations",
    "/open": "ID  go on with one of them",
    "/quit": "leave; so does Ctrl-D",
}


class Command(NamedTuple):
    """A command and the rest of its line."""

    name: str
    argument: str


def command_in(line: str) -> Command | None:
    """The command; None for a question. Two slashes begin a question that starts with one."""
    line = line.strip()
    if not line.startswith("/") or line.startswith("//"):
        return None
    name, _, argument = line.partition(" ")
    return Command(name.lower(), argument.strip())


def question_in(line: str) -> str:
    """The question that a line without a command is."""
    line = line.strip()
    return line[1:] if line.startswith("//") else line


def help_lines() -> list[str]:
    """One line a command."""
    return [f"{name:<15} {words}" for name, words in COMMANDS.items()]
