"""What the server keeps for its callers: conversations and figures; and the profiles there are."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from streamchat.openapi.analytics import ANALYTICS
from streamchat.openapi.examples import ANSWER, STREAM_ID
from streamchat.openapi.fields import Done, Moment, StreamId
from streamchat.openapi.operation import Answer, Operation, Section
from streamchat.presenting.sentences import Language
from streamchat.stores.conversations import Status
from streamchat.stores.profiles import Door
from streamchat.turns.query import OnDisconnect


class ConversationLine(TypedDict):
    """A conversation; `profile` and `updated_at` are those of the latest exchange."""

    conversation_id: str
    profile: str
    title: Annotated[str, Field(description="How it began.")]
    exchanges: int
    created_at: Moment
    updated_at: Moment


class Conversations(Done):
    """The caller's own, the latest first."""

    conversations: list[ConversationLine]


class ExchangeShown(TypedDict):
    """One question and what became of it."""

    stream_id: StreamId
    profile: str
    message: str
    answer: str
    status: Status
    created_at: Moment


class Conversation(Done):
    """What was said."""

    conversation_id: str
    exchanges: list[ExchangeShown]


class ConversationForgotten(Done):
    """It is forgotten."""

    conversation_id: str


class Settings(TypedDict, total=False):
    """What a conversation with the profile starts with, as far as the profile says."""

    door: Door
    lang: Language
    on_disconnect: OnDisconnect
    model: str
    temperature: float
    max_tokens: int


class ProfileShown(TypedDict):
    """A profile to talk to."""

    username: str
    display_name: str
    suggestions: Annotated[list[str], Field(description="Questions to start with.")]
    settings: Settings


class Profiles(Done):
    """The profiles the caller may talk to."""

    profiles: list[ProfileShown]


def _conversations() -> Conversations:
    line: ConversationLine = {
        "conversation_id": "chat_fZQh",
        "profile": "VitalikButerin",
        "title": "What is a rollup?",
        "exchanges": 1,
        "created_at": "2026-11-02T08:00:00+00:00",
        "updated_at": "2026-11-02T08:05:00+00:00",
    }
    return {"success": True, "conversations": [line]}


def _conversation() -> Conversation:
    exchange: ExchangeShown = {
        "stream_id": STREAM_ID,
        "profile": "VitalikButerin",
        "message": "What is a rollup?",
        "answer": ANSWER,
        "status": "complete",
        "created_at": "2026-11-02T08:00:00+00:00",
    }
    return {"success": True, "conversation_id": "chat_fZQh", "exchanges": [exchange]}


def _forgotten() -> ConversationForgotten:
    return {"success": True, "conversation_id": "chat_fZQh"}


def _profiles() -> Profiles:
    profile: ProfileShown = {
        "username": "VitalikButerin",
        "display_name": "Vitalik Buterin",
        "suggestions": ["What is a rollup?"],
        "settings": {"door": "smart", "lang": "en"},
    }
    return {"success": True, "profiles": [profile]}


HISTORY = Section(
    name="History",
    about="What the server keeps for its callers, and the profiles there are.",
    operations=(
        Operation(
            at="GET /api/conversations",
            name="list_conversations",
            summary="The caller's own conversations, the latest first",
            parameters=("limit",),
            gives=(Answer(about="The conversations.", shape=Conversations, example=_conversations),),
            codes=("invalid_request",),
        ),
        Operation(
            at="GET /api/conversations/{conversation_id}",
            name="get_conversation",
            summary="What was said in a conversation",
            gives=(Answer(about="Its exchanges.", shape=Conversation, example=_conversation),),
            codes=("conversation_not_found",),
        ),
        Operation(
            at="DELETE /api/conversations/{conversation_id}",
            name="forget_conversation",
            summary="Forget a conversation",
            gives=(Answer(about="It is forgotten.", shape=ConversationForgotten, example=_forgotten),),
            codes=("conversation_not_found",),
        ),
        Operation(
            at="GET /api/profiles",
            name="list_profiles",
            summary="The profiles the caller may talk to",
            gives=(Answer(about="The profiles.", shape=Profiles, example=_profiles),),
        ),
        ANALYTICS,
    ),
)
