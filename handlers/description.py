"""``GET /openapi.json``: this server's API in words that machines read. What they are is the room openapi's to know."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from streamchat.handlers.door import Door
from streamchat.handlers.rooms import Rooms


class DescriptionDoor(Door):
    """For everybody: a client has to know it before it has a token, and it tells of nobody."""

    door_name = "page"
    needs_token = False

    def initialize(self, rooms: Rooms, describe: Callable[[], bytes]) -> None:  # type: ignore[override]
        super().initialize(rooms)
        self._describe = describe

    async def get(self) -> None:
        # The first time that takes half a second, which no stream is to wait for.
        text = await asyncio.to_thread(self._describe)
        self.set_header("Content-Type", "application/json; charset=utf-8")
        # To be asked for anew; who has the same ETag, which Tornado sends and compares, is answered 304.
        self.set_header("Cache-Control", "no-cache")
        self.finish(text)
