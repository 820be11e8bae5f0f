"""From a chat request to a running turn: profile, prompt, history, rules. Knows no frames."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from time import monotonic
from typing import Any

from streamchat.handlers.attachments import TakenIn
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

# What was said before, each message with its role and content.
History = list[dict[str, str]]

_PROFILE_FIELDS = tuple(field.name for field in fields(Profile))
_SETTING_FIELDS = tuple(field.name for field in fields(ProfileSettings))


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """How a question has come: at which door, from whom and when; not what is asked.

    ``can_answer``: the door's clients can be asked something themselves. ``lang`` is what the answer is told in if
    neither question nor profile says so. ``received_at`` is in ``time.monotonic()`` seconds.
    """

    door: str
    can_answer: bool
    caller: str
    lang: Language
    key: str | None
    request_id: str
    trace_headers: Mapping[str, str]
    received_at: float


async def open_turn(
    rooms: Rooms,
    request: ChatRequest,
    arrival: Arrival,
    *,
    style: StreamStyle,
    history: History | None = None,
    is_kept: bool = True,
) -> Turn:
    """The turn that answers ``request``: a new one, or the one that the same key opened before.

    ``history`` is what the client says was said before; without it that is what the stored conversation knows.
    ``is_kept``: the conversation keeps the question and its answer.

    Raises Refused and the book's conditions; then nothing has happened.
    """
    _check_key(arrival.key)
    fingerprint = _fingerprint(request, style, history, is_kept=is_kept) if arrival.key else ""
    known = _known(rooms, arrival, fingerprint)
    if known is not None:
        return known
    taken = await rooms.attachments.take_in(request.attachments or ())
    profile = await rooms.profiles.get(request.username)
    if profile is None:
        raise Refused("profile_not_found")
    is_stored = history is None and request.conversation_id is not None and rooms.wants_history
    query = _query(request, profile, arrival, _latest(history or []) if rooms.wants_history else [], taken)
    if is_stored:
        query = await _with_history(rooms, query)
    # The same key may have been used again while this request was waiting.
    known = _known(rooms, arrival, fingerprint)
    if known is not None:
        return known
    is_final = taken.is_whole and not is_stored
    turn = rooms.book.open(
        query,
        owner=arrival.caller,
        rules=_rules(rooms, request, profile, arrival, style, is_kept=is_kept),
        key=arrival.key,
        fingerprint=fingerprint,
        make_query=None if is_final else partial(_made, rooms, query, taken, is_stored=is_stored),
        is_whole=taken.is_whole,
        attached_bytes=rooms.attachments.room_for(taken),
    )
    rooms.attachments.count(taken)
    return turn


def _known(rooms: Rooms, arrival: Arrival, fingerprint: str) -> Turn | None:
    """The turn that the same key opened before."""
    if not arrival.key:
        return None
    return rooms.book.opened_with(arrival.key, owner=arrival.caller, fingerprint=fingerprint)


def _rules(
    rooms: Rooms, request: ChatRequest, profile: Profile, arrival: Arrival, style: StreamStyle, *, is_kept: bool
) -> TurnRules:
    longest = rooms.limits.process_timeout_seconds
    return TurnRules(
        timeout_seconds=min(request.timeout or longest, longest),
        on_disconnect=request.on_disconnect or profile.settings.on_disconnect or "grace",
        on_busy=request.on_busy or rooms.limits.on_busy,
        view=view_of(request, style, request.lang or profile.settings.lang or arrival.lang, rooms.strategies),
        door=arrival.door,
        request_id=arrival.request_id,
        accepting_seconds=monotonic() - arrival.received_at,
        trace_headers=arrival.trace_headers,
        can_answer=arrival.can_answer,
        is_kept=is_kept,
    )


def _query(request: ChatRequest, profile: Profile, arrival: Arrival, history: History, taken: TakenIn) -> Query:
    return Query(
        message=request.message,
        username=request.username,
        prompt=request.prompt or "",
        prompt_mode=request.prompt_mode or "append",
        system_prompt=_system_prompt(profile, request),
        conversation_id=request.conversation_id or f"chat_{secrets.token_urlsafe(12)}",
        history=history,
        use_history=bool(history),
        profile=_plain(profile),
        attachments=taken.ready,
        user=arrival.caller,
        request_id=arrival.request_id,
    )


async def _with_history(rooms: Rooms, query: Query) -> Query:
    """The query with what its stored conversation knows now: the answer, too, of one it has waited for."""
    history = _latest(await rooms.conversations.history(query.user, query.conversation_id))
    return replace(query, history=history, use_history=bool(history))


async def _made(rooms: Rooms, query: Query, taken: TakenIn, *, is_stored: bool) -> Query:
    """The query once its turn has come: with the answer of one it has waited for, and with all of its attachments.

    Raises NotReady when one of these can't be fetched.
    """
    if is_stored:
        # A turn that is stopped meanwhile must not break off what the store does for others too.
        query = await asyncio.shield(_with_history(rooms, query))
    return query if taken.is_whole else replace(query, attachments=await rooms.attachments.fetch(taken))


def _latest(history: History) -> History:
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


def _fingerprint(request: ChatRequest, style: StreamStyle, history: History | None, *, is_kept: bool) -> str:
    """What tells one question from another, a content by what it is: written as JSON anew it would hold up the loop."""
    contents = [(one.content or "").encode() for one in request.attachments or ()]
    told = request.model_dump_json(exclude={"attachments": {"__all__": {"content"}}})
    digests = [hashlib.sha256(content).hexdigest() for content in contents]
    return hashlib.sha256(f"{style.name} {told} {digests} {history} {is_kept}".encode()).hexdigest()


def _check_key(key: str | None) -> None:
    if key is not None and not (0 < len(key) <= MAX_KEY_CHARACTERS and key.isprintable()):
        raise bad_field("Idempotency-Key", f"must be 1 to {MAX_KEY_CHARACTERS} printable characters")
