import pytest

from streamchat.turns.events import (
    Answer,
    Ended,
    Fact,
    Media,
    Started,
    ToolCall,
    ToolResult,
    Usage,
    Withdrawn,
    said_in,
    size_of,
)


def test_two_facts_that_say_the_same_are_equal() -> None:
    assert Answer(text="a") == Answer(text="a") != Answer(text="b")
    assert Started() == Started() != Withdrawn(cause="cancelled", code="cancelled")


def test_a_fact_never_changes() -> None:
    with pytest.raises(AttributeError):
        Answer(text="a").text = "b"  # type: ignore[misc]


def test_the_answer_is_what_is_said_in_its_facts() -> None:
    facts: list[Fact] = [Started(), "Well, ", ToolCall(call_id="c", name="search", arguments={}), "", "yes."]
    assert "".join(map(said_in, facts)) == "Well, yes."
    assert said_in(Answer(text="Yes.")) == "Yes."


@pytest.mark.parametrize(
    ("fact", "size"),
    [
        (Answer(text="你好"), 2),
        ("😀", 1),
        (Media(media_type="image/png", content="QUJD"), 4),
        (Media(media_type="image/png", url="data:,x", alt="four"), 11),
        (ToolCall(call_id="c", name="search", arguments={"a": 1}), len("csearch{'a': 1}")),
        (ToolResult(call_id="c", name="search", result="ok"), len("csearch'ok'")),
        (Started(), 0),
        (Usage(prompt_tokens=12, completion_tokens=40), 0),
        (Ended(cause="complete", code="complete"), 0),
        (Withdrawn(cause="cancelled", code="cancelled"), 0),
    ],
)
def test_a_fact_weighs_what_it_carries(fact: Fact, size: int) -> None:
    assert size_of(fact) == size
