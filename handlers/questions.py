"""From a chat request to a running turn: profile, prompt, history, rules. Knows no frames."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import partial
from time import monotonic
from typing import Any

from streamchat.handlers.chat_request import ChatRequest
from streamchat.handlers.errors import Refused, bad_field
from streamchat.handlers.rooms import Rooms
from streamchat.handlers.views import view_of
from streamchat.presenting.sentences import Language
from streamchat.presenting.styles import StreamStyle
from streamchat.stores.profiles import Profile, ProfileSettings
from streamchat.turns.query import Query, TurnRules
from streamchat.turns.turn import Turn

MAX_KEY_CHARACTERS = 255
# What a function is given of a long conversation: more than a model's context takes.
MAX_HISTORY_CHARACTERS = 400_000
# Their clients see nothing before the end, so nobody there can answer what a function asks.
_MUTE_DOORS = ("chat",)

_PROFILE_FIELDS = tuple(field.name for field in fields(Profile))
_SETTING_FIELDS = tuple(field.name for field in fields(ProfileSettings))


async def open_turn(
    rooms: Rooms,
    request: ChatRequest,
    *,
    style: StreamStyle,
    door: str,
    caller: str,
    lang: Language,
    key: str | None,
    request_id: str,
    trace_headers: Mapping[str, str],
    received_at: float,
) -> Turn:
    """The turn that answers ``request``: a new one, or the one that the same ``key`` opened before.

    Raises Refused and the book's conditions; then nothing has happened.
    """
    _check_key(key)
    fingerprint = _fingerprint(request, style) if key else ""
    known = rooms.book.opened_with(key, owner=caller, fingerprint=fingerprint) if key else None
    if known is not None:
        return known
    profile = await rooms.profiles.get(request.username)
    if profile is None:
        raise Refused("profile_not_found")
    query = await _query(rooms, request, profile, caller, request_id)
    rules = TurnRules(
        timeout_seconds=min(
            request.timeout or rooms.limits.process_timeout_seconds, rooms.limits.process_timeout_seconds
        ),
        on_disconnect=request.on_disconnect or profile.settings.on_disconnect or "grace",
        on_busy=request.on_busy or rooms.limits.on_busy,
        view=view_of(request, style, request.lang or profile.settings.lang or lang, rooms.strategies),
        door=door,
        request_id=request_id,
        accepting_seconds=monotonic() - received_at,
        trace_headers=trace_headers,
        can_answer=door not in _MUTE_DOORS,
    )
    # The same key may have been used again while this request was waiting for the store.
    known = rooms.book.opened_with(key, owner=caller, fingerprint=fingerprint) if key else None
    if known is not None:
        return known
    renew = partial(_renewed, rooms, query) if request.conversation_id is not None and rooms.wants_history else None
    return rooms.book.open(query, owner=caller, rules=rules, key=key, fingerprint=fingerprint, renew=renew)


async def _query(rooms: Rooms, request: ChatRequest, profile: Profile, caller: str, request_id: str) -> Query:
    conversation_id = request.conversation_id or f"chat_{secrets.token_urlsafe(12)}"
    history: list[dict[str, str]] = []
    if request.conversation_id is not None and rooms.wants_history:
        history = await _history(rooms, caller, conversation_id)
    return Query(
        message=request.message,
        username=request.username,
        prompt=request.prompt or "",
        prompt_mode=request.prompt_mode or "append",
        system_prompt=_system_prompt(profile, request),
        conversation_id=conversation_id,
        history=history,
        use_history=bool(history),
        profile=_plain(profile),
        user=caller,
        request_id=request_id,
    )


async def _renewed(rooms: Rooms, query: Query) -> Query:
    """The query of a turn that has waited for an earlier one: the history has that one's answer now."""
    history = await _history(rooms, query.user, query.conversation_id)
    return replace(query, history=history, use_history=bool(history))


async def _history(rooms: Rooms, caller: str, conversation_id: str) -> list[dict[str, str]]:
    await rooms.recorder.settled(caller, conversation_id)
    return _latest(await rooms.conversations.history(caller, conversation_id))


def _latest(history: list[dict[str, str]]) -> list[dict[str, str]]:
    """The end of the history that is no longer than MAX_HISTORY_CHARACTERS."""
    kept, characters = 0, 0
    for message in reversed(history):
        characters += len(message["content"])
        if characters > MAX_HISTORY_CHARACTERS:
            break
        kept += 1
    return history[len(history) - kept :]


def _system_prompt(profile: Profile, request: ChatRequest) -> str:
    prompt = request.prompt or ""
    if request.prompt_mode == "replace" and prompt:
        return prompt
    return "\n\n".join(part for part in (profile.system_prompt, prompt) if part)


def _plain(profile: Profile) -> dict[str, Any]:
    """The profile as a function gets it: made anew for each question, which may change what it is given."""
    document: dict[str, Any] = {name: getattr(profile, name) for name in _PROFILE_FIELDS}
    document["posts"], document["suggestions"] = list(profile.posts), list(profile.suggestions)
    document["settings"] = {name: getattr(profile.settings, name) for name in _SETTING_FIELDS}
    return document


def _fingerprint(request: ChatRequest, style: StreamStyle) -> str:
    return hashlib.sha256(f"{style.name} {request.model_dump_json()}".encode()).hexdigest()


def _check_key(key: str | None) -> None:
    if key is not None and not (0 < len(key) <= MAX_KEY_CHARACTERS and key.isprintable()):
        raise bad_field("Idempotency-Key", f"must be 1 to {MAX_KEY_CHARACTERS} printable characters")
