"""Profiles and conversations, as the server lists them, in lines that are safe to print."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from streamchat.client.frames import Frame, text_in
from streamchat.client.safe_text import one_line, safe
from streamchat.client.server import Server


def profiles(server: Server) -> list[Frame]:
    """The profiles there are to talk to; NoAnswer when the server does not say."""
    return _objects(server.get("/api/profiles").get("profiles"))


def profile_line(profile: Frame, *, with_suggestions: bool = True) -> str:
    """Name, display name and suggestions, separated by tabs."""
    fields = [text_in(profile, "username"), text_in(profile, "display_name")]
    fields += [" | ".join(suggestions_of(profile))] if with_suggestions else []
    return "\t".join(one_line(field) for field in fields).rstrip("\t")


def suggestions_of(profile: Frame) -> list[str]:
    """Questions to start with."""
    suggestions = profile.get("suggestions")
    return [one_line(text) for text in suggestions if isinstance(text, str)] if isinstance(suggestions, list) else []


def conversation_lines(server: Server) -> list[str]:
    """The caller's conversations, the latest first."""
    kept = _objects(server.get("/api/conversations").get("conversations"))
    names = ("conversation_id", "profile", "title")
    return ["  ".join(one_line(text_in(summary, name)) for name in names) for summary in kept]


def exchange_lines(server: Server, conversation_id: str) -> Iterator[str]:
    """What was said in one conversation; a generator that has asked the server once it is begun."""
    path = f"/api/conversations/{quote(conversation_id, safe='')}"
    for exchange in _objects(server.get(path).get("exchanges")):
        yield f"> {safe(text_in(exchange, 'message'))}"
        yield safe(text_in(exchange, "answer")) or f"({one_line(text_in(exchange, 'status'))})"


def _objects(value: Any) -> list[Frame]:  # noqa: ANN401 - any JSON value
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
