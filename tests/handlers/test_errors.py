"""The one table of conditions: every code has a status and a sentence in both languages."""

from http import HTTPStatus

import pytest

from streamchat.chunking.registry import BadSize, UnknownStrategy
from streamchat.handlers.errors import STATUS_OF, Refused, bad_field, refusal_of
from streamchat.presenting.sentences import has_sentence
from streamchat.stores.database import StoreDown
from streamchat.turns.book import KeyReused, ShuttingDown, TurnGone, UnknownTurn
from streamchat.turns.work_queue import TooBusy
from streamchat.wire.event_id import BadEventId

# Section 5 of the wire contract.
CONTRACT = {
    "invalid_request": 400,
    "unauthorized": 401,
    "profile_not_found": 404,
    "stream_not_found": 404,
    "conversation_not_found": 404,
    "method_not_allowed": 405,
    "body_too_large": 413,
    "unsupported_media_type": 415,
    "stream_gone": 410,
    "processing_error": 500,
    "internal_error": 500,
    "overloaded": 503,
    "shutting_down": 503,
    "timeout": 504,
}


@pytest.mark.parametrize("code", CONTRACT)
def test_every_code_has_the_status_of_the_contract(code: str) -> None:
    assert STATUS_OF[code] == CONTRACT[code]


@pytest.mark.parametrize("code", STATUS_OF)
def test_every_code_can_be_said_in_both_languages(code: str) -> None:
    refused = Refused(code, field="message", problem="is missing", limit=7, option="--some-option")

    assert has_sentence(code)
    for lang in ("zh", "en"):
        payload = refused.payload(lang)
        assert "{" not in payload["error"]
        assert list(payload)[:4] == ["success", "error", "status", "is_complete"]
        assert payload["code"] == code


@pytest.mark.parametrize(
    ("condition", "code", "retry_after"),
    [
        (TooBusy(7.2), "overloaded", 7.2),
        (TooBusy(0.0), "overloaded", 1.0),
        (ShuttingDown(), "shutting_down", 5),
        (StoreDown(), "overloaded", 5),
        (UnknownTurn("st_1"), "stream_not_found", None),
        (TurnGone("st_1"), "stream_gone", None),
    ],
)
def test_every_condition_of_another_room_has_its_code(condition: Exception, code: str, retry_after: object) -> None:
    refused = refusal_of(condition)

    assert refused is not None
    assert (refused.code, refused.retry_after) == (code, retry_after)


@pytest.mark.parametrize(
    ("condition", "field"),
    [
        (KeyReused("used"), "Idempotency-Key"),
        (BadEventId("no"), "Last-Event-ID"),
        (UnknownStrategy("no"), "chunking.strategy"),
        (BadSize("no"), "chunking.size"),
    ],
)
def test_a_condition_that_is_about_a_field_names_it(condition: Exception, field: str) -> None:
    refused = refusal_of(condition)

    assert refused is not None
    assert refused.payload("en")["field"] == field
    assert refused.status == HTTPStatus.BAD_REQUEST


def test_what_nobody_foresaw_has_no_code_of_its_own() -> None:
    assert refusal_of(RuntimeError()) is None


def test_a_refusal_passes_through() -> None:
    refused = bad_field("message", "is missing")

    assert refusal_of(refused) is refused


def test_a_problem_with_braces_in_it_is_said_as_it_is() -> None:
    assert "{x}" in bad_field("message", "has {x} in it").payload("en")["error"]
