"""A conversation at the terminal: questions and commands by turns, each question after the last one's end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from streamchat.client import lists
from streamchat.client.asking import Outcome
from streamchat.client.attachments import attachment
from streamchat.client.chat_commands import COMMANDS, Command, command_in, help_lines, question_in
from streamchat.client.doors import DOORS
from streamchat.client.exits import Exit
from streamchat.client.frames import Frame
from streamchat.client.questions import ReadLine
from streamchat.client.server import NoAnswer, Server

Ask = Callable[[str, Frame], Outcome]


class Chat:
    """``ask`` puts a body to a door and shows the answer; ``say`` prints a line. ``body`` is all but the message.

    A Ctrl-C at the prompt forgets the line; while an answer comes it stops that answer; twice it ends the program.
    """

    def __init__(
        self, server: Server, ask: Ask, read_line: ReadLine, say: Callable[[str], None], *, door: str, body: Frame
    ):
        self._server = server
        self._ask = ask
        self._read_line = read_line
        self._say = say
        self._door = door
        self._body = body
        self._last_question: Frame | None = None
        self._last: Outcome | None = None

    def greet(self) -> None:
        """Who is there, and what to begin with; NoAnswer when the server does not know the caller."""
        self._say(f"You talk to {self._body['username']} at the {self._door} door. /help says what else can be typed.")
        for profile in lists.profiles(self._server):
            if profile.get("username") == self._body["username"]:
                self._say_all(f"  try: {suggestion}" for suggestion in lists.suggestions_of(profile))

    def run(self) -> Exit:
        """Until the user leaves; the exit status of the last question."""
        while (line := self._line()) is not None:
            command = command_in(line)
            if command is not None and command.name == "/quit":
                break
            if command is not None:
                self._obey(command)
            elif line.strip():
                self._put(self._body | {"message": question_in(line)})
            if self._exit_status is Exit.UNAUTHORIZED:
                break
        return self._exit_status

    @property
    def _exit_status(self) -> Exit:
        return Exit.COMPLETE if self._last is None else self._last.exit_status

    def _line(self) -> str | None:
        """What was typed; None when the user has left."""
        try:
            return self._read_line(f"{self._body['username']}> ")
        except KeyboardInterrupt:
            return ""
        except EOFError:
            return None

    def _put(self, question: Frame) -> None:
        self._body.pop("attachments", None)
        self._last_question = question
        self._last = self._ask(self._door, question)
        if self._last.conversation_id is not None:
            self._body["conversation_id"] = self._last.conversation_id

    def _obey(self, command: Command) -> None:
        try:
            self._act(command)
        except NoAnswer as reason:
            self._say(str(reason))

    def _act(self, command: Command) -> None:
        match command:
            case ("/help", _):
                self._say_all(help_lines())
            case ("/profile", name):
                self._profile(name)
            case ("/door", name):
                self._choose_door(name)
            case ("/lang", value):
                self._choose("lang", value, ("zh", "en"))
            case ("/pace", value):
                self._choose("pace", value, ("natural", "none"))
            case ("/prompt", text):
                self._prompt(text)
            case ("/attach", name):
                self._attach(name)
            case ("/retry", _):
                self._retry()
            case ("/save", name):
                self._save(name)
            case _:
                self._about_conversations(command)

    def _about_conversations(self, command: Command) -> None:
        match command:
            case ("/new", _):
                self._body.pop("conversation_id", None)
                self._say("A new conversation.")
            case ("/history", _):
                self._history()
            case ("/conversations", _):
                self._say_all(lists.conversation_lines(self._server) or ["none yet"])
            case ("/open", ""):
                self._say("/open ID: /conversations lists them.")
            case ("/open", conversation_id):
                self._body["conversation_id"] = conversation_id
                self._history()
            case (name, _):
                self._say(f"{name} is none of {' '.join(COMMANDS)}; begin with // to ask a question like this.")

    def _profile(self, name: str) -> None:
        known = lists.profiles(self._server)
        if not name:
            self._say_all(lists.profile_line(profile, with_suggestions=False) for profile in known)
        elif name in [profile.get("username") for profile in known]:
            self._body["username"] = name
            self._body.pop("conversation_id", None)
            self.greet()
        else:
            self._say(f"There is no profile {name}; /profile lists them.")

    def _choose_door(self, name: str) -> None:
        if name in DOORS:
            self._door = name
        self._say(f"The door is {self._door}; there are {', '.join(DOORS)}.")

    def _choose(self, field: str, value: str, values: tuple[str, ...]) -> None:
        if value in values:
            self._body[field] = value
        self._say(f"{field} is {self._body.get(field, 'the default')}; there are {', '.join(values)}.")

    def _prompt(self, text: str) -> None:
        self._body.pop("prompt", None)
        self._body |= {"prompt": text} if text else {}
        self._say("Your instructions go with every question." if text else "No instructions any more.")

    def _attach(self, name: str) -> None:
        try:
            attached = attachment(Path(name).expanduser())
        except OSError as error:
            self._say(f"cannot attach {name or 'nothing'}: {error.strerror}")
            return
        self._body["attachments"] = [*self._body.get("attachments", ()), attached]
        self._say(f"{attached['name']} ({attached['media_type']}) goes with the next question.")

    def _retry(self) -> None:
        if self._last_question is None:
            self._say("There is no question yet.")
        else:
            message = self._last_question["message"]
            kept = {name: self._last_question[name] for name in ("attachments",) if name in self._last_question}
            self._put(self._body | kept | {"message": message})

    def _save(self, name: str) -> None:
        answer = "" if self._last is None else self._last.reading.answer
        if not name or not answer:
            self._say("/save FILE, once there is an answer.")
            return
        try:
            Path(name).expanduser().write_bytes(answer.encode(errors="replace"))
        except OSError as error:
            self._say(f"cannot save to {name}: {error.strerror}")
        else:
            self._say(f"saved {len(answer)} characters to {name}")

    def _history(self) -> None:
        if "conversation_id" in self._body:
            self._say_all(lists.exchange_lines(self._server, self._body["conversation_id"]))
        else:
            self._say("Nothing has been said yet.")

    def _say_all(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._say(line)
