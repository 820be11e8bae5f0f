from collections.abc import Callable
from typing import Any

import pytest

from streamchat.client.exits import Exit
from streamchat.client.happenings import Asked
from streamchat.client.questions import NoAnswers, NobodyToAsk, TypedAnswers


def typing(*lines: str) -> tuple[Callable[[str], str], list[str]]:
    """A keyboard on which these lines are typed, and the prompts that it saw."""
    left, prompts = list(lines), list[str]()

    def read_line(prompt: str) -> str:
        prompts.append(prompt)
        return left.pop(0)

    return read_line, prompts


def asked(schema: Any = None, expires_in: float | None = None) -> Asked:
    return Asked(request_id="r", question="Which\x1b?", schema=schema, expires_in=expires_in)


def test_a_question_is_put_with_the_time_it_stays_open_and_nothing_that_steers_the_terminal() -> None:
    read_line, prompts = typing("2024")
    said: list[str] = []
    assert TypedAnswers(read_line, said.append).answer(asked(expires_in=59.6)) == "2024"
    assert said == ["? Which�? (open for 60 s)"]
    assert prompts == ["> "]


def test_it_is_asked_again_while_what_is_typed_cannot_be_right() -> None:
    read_line, prompts = typing("x", "5")
    said: list[str] = []
    assert TypedAnswers(read_line, said.append).answer(asked({"type": "integer"})) == 5
    assert said[1:] == ["please type a whole number"]
    assert prompts == ["[a whole number] > "] * 2


def test_a_form_is_asked_field_by_field_and_what_may_be_left_out_can_be() -> None:
    read_line, prompts = typing("小明", "", "y")
    properties = {"name": {"type": "string"}, "age": {"type": "integer"}, "ok": {"type": "boolean"}}
    schema = {"type": "object", "properties": properties, "required": ["name", "ok"]}
    assert TypedAnswers(read_line, lambda _line: None).answer(asked(schema)) == {"name": "小明", "ok": True}
    assert prompts == ["name > ", "age [a whole number] > ", "ok [yes or no] > "]


def test_without_a_terminal_there_is_nobody_to_ask() -> None:
    with pytest.raises(NobodyToAsk, match="Which") as nobody:
        NoAnswers().answer(asked())
    assert nobody.value.exit_status is Exit.NEEDS_ANSWER
