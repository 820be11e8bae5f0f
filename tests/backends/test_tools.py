from datetime import date
from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError

from streamchat.backends.tools import MAX_TOOLS, UnusableTools, load_tools, tool_of, tools_of


def weather(city: Annotated[str, Field(description="Its name")], unit: Literal["c", "f"] = "c", on: date | None = None):
    """The weather in a city.

    For today unless a date is given.
    """
    return f"{city} {unit} {on!r}"


async def later(seconds: float):
    return seconds


class Shelf:
    def find(self, title: str):
        """Find a book."""
        return title.upper()


TOOLS = [weather, later]
NO_LIST = weather


def test_the_model_is_told_name_docstring_and_arguments():
    told = tool_of(weather).as_json()
    assert told["type"] == "function"
    function = told["function"]
    assert function["name"] == "weather"
    assert function["description"] == "The weather in a city.\n\nFor today unless a date is given."
    assert function["parameters"]["required"] == ["city"]
    assert function["parameters"]["properties"]["city"] == {
        "title": "City",
        "type": "string",
        "description": "Its name",
    }
    assert function["parameters"]["properties"]["unit"]["enum"] == ["c", "f"]
    assert function["parameters"]["additionalProperties"] is False


def test_arguments_become_what_the_signature_says():
    assert tool_of(weather).call(city="Ulm", on="2026-01-02") == "Ulm c datetime.date(2026, 1, 2)"


@pytest.mark.parametrize("arguments", [{}, {"city": 5}, {"city": "Ulm", "unit": "k"}, {"city": "Ulm", "more": 1}])
def test_arguments_that_do_not_fit_are_refused_before_the_call(arguments):
    with pytest.raises(ValidationError):
        tool_of(weather).call(**arguments)


def test_an_async_function_is_known_as_one():
    assert (tool_of(later).is_async, tool_of(weather).is_async) == (True, False)


def test_a_bound_method_is_a_tool():
    tool = tool_of(Shelf().find)
    assert (tool.name, tool.description, list(tool.parameters["properties"])) == ("find", "Find a book.", ["title"])
    assert tool.call(title="emma") == "EMMA"


def positional(a: int, /):
    return a


def variadic(*numbers: int):
    return numbers


def unknown_kind(thing: Shelf):
    return thing


def unknown_name(thing: "Nowhere"):  # noqa: F821
    return thing


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (positional, "must all have names"),
        (variadic, "must all have names"),
        (unknown_kind, "the arguments of unknown_kind have no JSON schema"),
        (unknown_name, "the arguments of unknown_name have no JSON schema"),
        (lambda a: a, "no function with a name"),
        (Shelf, "no function with a name"),
        ("weather", "no function with a name"),
    ],
)
def test_what_can_not_be_a_tool_is_refused_in_one_sentence(function, told):
    with pytest.raises(UnusableTools, match=told) as refused:
        tool_of(function)
    assert "\n" not in str(refused.value)


def test_two_tools_of_one_name_are_refused():
    with pytest.raises(UnusableTools, match="two tools are named weather"):
        tools_of([weather, later, weather])


def test_more_tools_than_servers_take_are_refused():
    many = []
    for number in range(MAX_TOOLS + 1):
        exec(f"def tool_{number}(): pass", scope := {})
        many.append(scope[f"tool_{number}"])
    with pytest.raises(UnusableTools, match="at most"):
        tools_of(many)


def test_a_list_is_named_as_module_and_list(monkeypatch, tmp_path):
    (tmp_path / "shelves_of_a_test.py").write_text("def find(title: str): 'Find.'\nTOOLS = [find]\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert [tool.name for tool in load_tools("shelves_of_a_test:TOOLS")] == ["find"]


def test_no_list_is_no_tools():
    assert load_tools("") == ()


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("json", "module:list"),
        ("json:", "module:list"),
        ("no_such_module:TOOLS", "ModuleNotFoundError"),
        ("json:TOOLS", "AttributeError"),
        ("json:dumps", "must be a list of functions, not function"),
    ],
)
def test_a_list_that_is_not_there_is_told_in_one_sentence(spec, told):
    with pytest.raises(UnusableTools, match=told):
        load_tools(spec)
