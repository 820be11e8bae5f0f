import pickle
from dataclasses import FrozenInstanceError, fields

import pytest

from streamchat.turns.attachment import Attachment
from streamchat.turns.process_query import GIVEN
from streamchat.turns.query import Query, TurnLimits, TurnRules


def test_a_query_goes_to_another_process_whole() -> None:
    query = Query(
        message="你好 😀",
        username="ada",
        history=[{"role": "user", "content": "hi"}],
        use_history=True,
        profile={"posts": ["one"]},
        attachments=(Attachment(media_type="image/png", name="cat.png", content=b"\x89PNG"),),
    )
    assert pickle.loads(pickle.dumps(query)) == query


def test_a_query_has_only_what_a_function_may_name() -> None:
    assert {field.name for field in fields(Query)} <= set(GIVEN)


def test_two_queries_do_not_share_their_history() -> None:
    one, other = Query(message="a", username="ada"), Query(message="a", username="ada")
    one.history.append({"role": "user", "content": "hi"})
    assert other.history == []


def test_rules_never_change_and_a_client_that_leaves_has_a_grace_period() -> None:
    rules = TurnRules(timeout_seconds=150.0)
    assert rules.on_disconnect == "grace"
    with pytest.raises(FrozenInstanceError):
        rules.timeout_seconds = 1.0  # type: ignore[misc]


def test_every_turn_is_bounded() -> None:
    limits = TurnLimits()
    assert limits.linger_seconds == 30.0
    assert limits.max_answer_characters == 4_000_000
    assert limits.max_facts == 500_000
    assert limits.cancel_grace_seconds <= 0.5
