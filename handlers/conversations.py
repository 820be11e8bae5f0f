"""The caller's own conversations, and the profiles there are to talk to."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from streamchat.handlers.door import Door
from streamchat.handlers.errors import Refused, bad_field

PAGE = 50
MAX_PAGE = 200


class ProfilesDoor(Door):
    """``GET /api/profiles``."""

    door_name = "profiles"

    async def get(self) -> None:
        profiles = [
            {
                "username": profile.username,
                "display_name": profile.display_name,
                "suggestions": list(profile.suggestions),
                "settings": {name: value for name, value in asdict(profile.settings).items() if value is not None},
            }
            for profile in await self.rooms.profiles.list()
        ]
        self.write_payload({"success": True, "profiles": profiles})


class ConversationsDoor(Door):
    """``GET /api/conversations``: the latest first, ``?limit=`` of them."""

    door_name = "conversations"

    async def get(self) -> None:
        limit = self._limit()
        summaries = await self.rooms.conversations.list(self.caller, limit=limit)
        self.write_payload({"success": True, "conversations": [_plain(asdict(summary)) for summary in summaries]})

    def _limit(self) -> int:
        text = self.get_query_argument("limit", str(PAGE))
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= MAX_PAGE):
            raise bad_field("limit", f"must be a number from 1 to {MAX_PAGE}")
        return int(text)


class ConversationDoor(Door):
    """``GET`` and ``DELETE /api/conversations/{id}``."""

    door_name = "conversations"

    async def get(self, conversation_id: str) -> None:
        exchanges = await self.rooms.conversations.get(self.caller, conversation_id)
        if not exchanges:
            raise Refused("conversation_not_found")
        kept = ("stream_id", "profile", "message", "answer", "status", "created_at")
        rows = [_plain({name: getattr(exchange, name) for name in kept}) for exchange in exchanges]
        self.write_payload({"success": True, "conversation_id": conversation_id, "exchanges": rows})

    async def delete(self, conversation_id: str) -> None:
        if not await self.rooms.conversations.remove(self.caller, conversation_id):
            raise Refused("conversation_not_found")
        self.write_payload({"success": True, "conversation_id": conversation_id})


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Times as ISO 8601 with their offset."""
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}
