"""A question of the backend, put to whoever sits at the terminal. Knows no stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from streamchat.client.exits import CannotGoOn, Exit
from streamchat.client.happenings import Asked
from streamchat.client.safe_text import one_line, safe
from streamchat.client.schema_answers import Field, NotAnAnswer, fields_of, hint_of, value_of

ReadLine = Callable[[str], str]


class NobodyToAsk(CannotGoOn):
    """The backend asks something, and there is no terminal to ask it on."""

    def __init__(self, question: str) -> None:
        super().__init__(
            f"the backend asks, and nobody can answer (standard input is no terminal): {one_line(question)}",
            Exit.NEEDS_ANSWER,
        )


class Answers(Protocol):
    """Where answers to the backend's questions come from."""

    def answer(self, asked: Asked) -> Any:  # noqa: ANN401 - any JSON value
        """The answer; NobodyToAsk when there is nobody."""


class NoAnswers:
    """Nobody sits there."""

    def answer(self, asked: Asked) -> Any:  # noqa: ANN401
        raise NobodyToAsk(asked.question)


class TypedAnswers:
    """Asks with ``read_line``, field by field, again while what is typed cannot be right; ``say`` prints a line."""

    def __init__(self, read_line: ReadLine, say: Callable[[str], None]) -> None:
        self._read_line = read_line
        self._say = say

    def answer(self, asked: Asked) -> Any:  # noqa: ANN401
        limit = "" if asked.expires_in is None else f" (open for {asked.expires_in:.0f} s)"
        self._say(f"? {safe(asked.question)}{limit}")
        fields = fields_of(asked.schema)
        if not fields[0].name:
            return self._value(fields[0])
        values = {field.name: self._value(field) for field in fields}
        return {name: value for name, value in values.items() if value is not None}

    def _value(self, field: Field) -> Any:  # noqa: ANN401
        """The value; None for one that may be left out, and was."""
        hint = safe(hint_of(field.schema))
        prompt = " ".join(filter(None, (one_line(field.name), hint and f"[{one_line(hint)}]", "> ")))
        while True:
            text = self._read_line(prompt)
            if not text and not field.is_required:
                return None
            try:
                return value_of(text, field.schema)
            except NotAnAnswer as reason:
                self._say(f"please type {safe(str(reason))}")
