"""``GET /openapi.json``: this server's API in words that machines read. What they are is the document's to know."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from streamchat.handlers.api_facts import ServerFacts, facts_of
from streamchat.handlers.door import Door
from streamchat.handlers.rooms import Rooms


class DescriptionDoor(Door):
    """For everybody: a client has to know it before it has a token, and it tells of nobody."""

    door_name = "page"
    needs_token = False

    def initialize(  # type: ignore[override]
        self, rooms: Rooms, describe: Callable[[ServerFacts], bytes], *, with_metrics: bool
    ) -> None:
        super().initialize(rooms)
        self._describe = describe
        self._with_metrics = with_metrics

    async def get(self) -> None:
        # The first time that takes half a second, which no stream is to wait for.
        text = await asyncio.to_thread(self._describe, facts_of(self.rooms, with_metrics=self._with_metrics))
        self.set_header("Content-Type", "application/json; charset=utf-8")
        # To be asked for anew; who has the same ETag, which Tornado sends and compares, is answered 304.
        self.set_header("Cache-Control", "no-cache")
        self.finish(text)
