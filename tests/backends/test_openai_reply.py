import json

import pytest

from streamchat.backends.openai_reply import (
    MAX_REASONING_CHARACTERS,
    MAX_TOOL_CALLS,
    MAX_TOOL_CHARACTERS,
    ErrorChunk,
    MalformedChunk,
    Reply,
    Usage,
)


def chunk(finish_reason=None, **delta):
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}


def call(index=None, id=None, name=None, arguments=None):
    piece = {"index": index, "id": id, "function": {"name": name, "arguments": arguments}}
    return chunk(tool_calls=[{key: value for key, value in piece.items() if value is not None}])


def taken(*chunks, **how):
    reply = Reply(**how)
    for each in chunks:
        reply.take(each)
    return reply


def test_text_is_given_as_it_comes_and_kept():
    reply = Reply()
    assert [reply.take(chunk(content=text)) for text in ("Hel", "lo")] == ["Hel", "lo"]
    assert reply.text == "Hello"


@pytest.mark.parametrize(
    "empty",
    [
        chunk(content=None),
        chunk(content=""),
        chunk(),
        {"choices": [{"index": 0, "delta": None, "finish_reason": None}]},
        {"choices": []},
        {"choices": None},
        {},
        chunk(tool_calls=None),
        chunk(tool_calls=[]),
    ],
)
def test_what_has_no_text_is_no_beginning(empty):
    reply = Reply()
    assert reply.take(empty) == ""
    assert not reply.has_begun


def test_a_refusal_is_what_the_model_says():
    assert Reply().take(chunk(refusal="I can't.")) == "I can't."


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_is_told_once_kept_and_no_part_of_the_answer(name):
    told = []
    reply = Reply(reasoning=lambda: told.append("thinking"), keeps_reasoning=True)
    assert [reply.take(chunk(**{name: text})) for text in ("", "well", ", so")] == ["", "", ""]
    assert (told, reply.text, reply.has_begun) == (["thinking"], "", True)
    assert reply.as_message()[name] == "well, so"


def test_reasoning_under_both_names_is_kept_once():
    both = chunk(reasoning="a", reasoning_content="a")
    assert taken(both, keeps_reasoning=True).reasoning_parts == ["a"]


def test_reasoning_that_nobody_will_ask_for_is_not_kept():
    reply = taken(*[chunk(reasoning="x" * 500_000)] * 2)
    assert (reply.reasoning_parts, reply.has_begun) == ([], True)


def test_empty_reasoning_is_given_back_as_empty_reasoning():
    assert taken(chunk(reasoning_content="")).as_message()["reasoning_content"] == ""


def test_usage_comes_in_a_chunk_without_choices():
    reply = taken(chunk("stop"), {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4, "more": {}}})
    assert reply.usage == Usage(prompt_tokens=3, completion_tokens=4)
    assert reply.finish_reason == "stop"


def test_usage_below_zero_is_none_at_all():
    reply = taken({"choices": [], "usage": {"prompt_tokens": -1, "completion_tokens": 4}})
    assert reply.usage == Usage(prompt_tokens=0, completion_tokens=4)


def test_usage_adds_up():
    assert Usage(prompt_tokens=1, completion_tokens=2) + Usage(prompt_tokens=10) == Usage(
        prompt_tokens=11, completion_tokens=2
    )


def test_calls_are_put_together_from_pieces_that_come_in_turns():
    reply = taken(
        call(0, "a", "f"),
        call(1, "b", "g"),
        call(0, arguments='{"x"'),
        call(1, arguments="{}"),
        call(0, arguments=": 1}"),
    )
    assert [(one.id, one.name, one.arguments) for one in reply.tool_requests] == [
        ("a", "f", '{"x": 1}'),
        ("b", "g", "{}"),
    ]


def test_whole_calls_with_the_same_index_are_told_apart_by_their_ids():
    assert [one.name for one in taken(call(0, "a", "f", "{}"), call(0, "b", "g", "{}")).tool_requests] == ["f", "g"]


def test_whole_calls_without_an_index_are_told_apart_by_their_ids():
    assert [one.name for one in taken(call(None, "a", "f", "{}"), call(None, "b", "g", "{}")).tool_requests] == [
        "f",
        "g",
    ]


def test_a_call_whose_every_piece_repeats_id_and_name_is_one_call():
    (one,) = taken(call(0, "a", "f", "{"), call(0, "a", "f", "}")).tool_requests
    assert (one.name, one.arguments) == ("f", "{}")


def test_a_call_without_an_id_is_given_one():
    assert [one.id for one in taken(call(0, None, "f"), call(1, None, "g")).tool_requests] == ["call_0", "call_1"]


def test_the_message_has_the_calls_as_the_model_made_them():
    assert taken(chunk(content="Wait."), call(0, "a", "f", "{}")).as_message() == {
        "role": "assistant",
        "content": "Wait.",
        "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    }


def test_too_many_calls_are_no_sane_answer():
    with pytest.raises(MalformedChunk, match="more than"):
        taken(*(call(n, f"id{n}", "f") for n in range(MAX_TOOL_CALLS + 1)))


def test_endless_arguments_are_no_sane_answer():
    with pytest.raises(MalformedChunk, match="characters"):
        taken(call(0, "a", "f"), *[call(0, arguments="x" * 50_000)] * (MAX_TOOL_CHARACTERS // 50_000))


def test_endless_reasoning_is_no_sane_answer():
    with pytest.raises(MalformedChunk, match="reasoning with more than"):
        taken(*[chunk(reasoning="x" * 500_000)] * (MAX_REASONING_CHARACTERS // 500_000 + 1))


def test_reading_is_told_in_percent():
    told = []
    Reply(reading=told.append).take({"choices": [], "prompt_progress": {"total": 200, "processed": 50}})
    assert told == [25.0]


@pytest.mark.parametrize(
    "broken",
    [
        None,
        5,
        [],
        "text",
        {"choices": 5},
        {"choices": [5]},
        {"choices": [{"delta": 5}]},
        chunk(content=5),
        chunk(content=["a"]),
        chunk(tool_calls=5),
        chunk(tool_calls=[5]),
        {"usage": 5},
        chunk(tool_calls=[{"index": [], "id": "a"}]),
        {"prompt_progress": {"total": 1}},
    ],
    ids=json.dumps,
)
def test_a_chunk_of_another_shape_is_malformed(broken):
    with pytest.raises(MalformedChunk):
        Reply().take(broken)


def test_an_id_that_is_a_number_is_an_id():
    reply = taken(call(0, 7, "add", "{"), call(0, 7, arguments="}"))
    (request,) = reply.tool_requests
    assert (request.id, request.arguments) == ("7", "{}")


def test_a_server_that_says_it_has_failed_is_taken_at_its_word() -> None:
    reply = Reply()
    with pytest.raises(ErrorChunk) as told:
        reply.take({"error": {"message": "out of memory"}, "choices": [{"delta": {"content": "Hel"}}]})
    assert told.value.said == {"message": "out of memory"}
    assert not reply.has_begun


@pytest.mark.parametrize("chunk", [[], "text", 5, None, {"choices": ["text"]}, {"choices": [{"delta": "text"}]}])
def test_what_is_no_object_is_no_chunk(chunk: object) -> None:
    with pytest.raises(MalformedChunk):
        Reply().take(chunk)
