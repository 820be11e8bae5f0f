"""Where the client is used: what is a terminal here, and what a pipe, decides how it shows, asks and reads."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import click
from rich.console import Console

from streamchat.client import lists
from streamchat.client.answer_file import AnswerFile
from streamchat.client.asking import Asking, Outcome
from streamchat.client.chat import Chat
from streamchat.client.chat_commands import COMMANDS
from streamchat.client.comparison import comparison_lines, comparison_table, exit_of_all
from streamchat.client.doors import DOORS
from streamchat.client.exits import Exit
from streamchat.client.frames import Frame
from streamchat.client.json_view import JsonView
from streamchat.client.media_files import MediaFiles
from streamchat.client.piped_view import PipedView
from streamchat.client.prompt_line import PipedLines, PromptLine
from streamchat.client.pursuit import Pursuit
from streamchat.client.questions import Answers, NoAnswers, TypedAnswers
from streamchat.client.server import Server
from streamchat.client.terminal_view import TerminalView
from streamchat.client.views import View

# After these the other doors would fare no better.
_HOPELESS = (Exit.INTERRUPTED, Exit.UNAUTHORIZED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How the user wants it shown and kept."""

    as_json: bool = False
    plain: bool = False
    save: Path | None = None
    media_dir: Path | None = None
    history_file: Path | None = None
    retries: int = 5


class Desk:
    """Asks a server on behalf of whoever sits here, be it a person or a script."""

    def __init__(self, server: Server, wishes: Wishes) -> None:
        self._server = server
        self._wishes = wishes
        self._out_is_terminal = sys.stdout.isatty()
        self._somebody_types = sys.stdin.isatty() and (self._out_is_terminal or sys.stderr.isatty())
        self._console = Console(highlight=False, markup=False, emoji=False)
        self._is_screen = (
            self._out_is_terminal and not self._console.is_dumb_terminal and not wishes.as_json and not wishes.plain
        )

    def ask(self, door: str, body: Frame, *, view: View | None = None, save: Path | None = None) -> Outcome:
        """One question, shown to its end."""
        view = view or self._view()
        asking = Asking(
            server=self._server,
            view=view,
            answers=self._answers(view),
            media_files=MediaFiles(self._wishes.media_dir),
            pursuit=Pursuit(path=DOORS[door], body=body, retries=self._wishes.retries),
            file=None if save is None else AnswerFile(save),
        )
        return asking.run()

    def ask_once(self, door: str, body: Frame) -> Exit:
        """The one question of the command line."""
        return self.ask(door, body, save=self._wishes.save).exit_status

    def compare(self, body: Frame) -> Exit:
        """The question at each door, one after the other so that they are not in each other's way, and a table."""
        outcomes: dict[str, Outcome] = {}
        for door in DOORS:
            view = self._view(door, with_answer=self._is_screen)
            view.say(f"— {door} —")
            outcomes[door] = self.ask(door, body, view=view, save=_of_door(self._wishes.save, door))
            if outcomes[door].exit_status in _HOPELESS:
                break
        if self._is_screen:
            self._console.print(comparison_table(outcomes))
        elif not self._wishes.as_json:
            click.echo(comparison_lines(outcomes), nl=False)
        return exit_of_all(outcomes)

    def chat(self, door: str, body: Frame) -> Exit:
        """Questions and commands until the user leaves; from a pipe, a question a line."""
        view = self._view()
        read_line = self._keyboard.read if self._somebody_types else PipedLines().read
        chat = Chat(self._server, self._ask_in_chat, read_line, view.say, door=door, body=body)
        if self._somebody_types:
            chat.greet()
        return chat.run()

    def list_profiles(self) -> Exit:
        """A profile a line: name, display name, suggestions, separated by tabs."""
        for profile in lists.profiles(self._server):
            click.echo(lists.profile_line(profile))
        return Exit.COMPLETE

    def _ask_in_chat(self, door: str, body: Frame) -> Outcome:
        return self.ask(door, body, save=self._wishes.save)

    def _view(self, door: str = "", *, with_answer: bool = True) -> View:
        if self._is_screen:
            return TerminalView(self._console)
        out = sys.stdout.buffer
        if self._wishes.as_json:
            return JsonView(out, sys.stderr, {"door": door} if door else {})
        return PipedView(out if with_answer else None, sys.stderr, is_terminal=self._out_is_terminal)

    def _answers(self, view: View) -> Answers:
        if not self._somebody_types:
            return NoAnswers()
        return TypedAnswers(lambda prompt: self._keyboard.read_aside(prompt), view.say)

    @cached_property
    def _keyboard(self) -> PromptLine:
        return PromptLine(tuple(COMMANDS), self._wishes.history_file)


def _of_door(path: Path | None, door: str) -> Path | None:
    """A file of its own for each door."""
    return None if path is None else path.with_name(f"{path.stem}.{door}{path.suffix}")
