"""``GET /metrics``: what Prometheus reads."""

from __future__ import annotations

from streamchat.handlers.door import Door
from streamchat.handlers.rooms import Rooms


class ScrapeDoor(Door):
    """The text of the metrics' own registry; for everybody, or for whoever has a token."""

    door_name = "metrics"

    def initialize(self, rooms: Rooms) -> None:
        super().initialize(rooms)
        self.needs_token = rooms.limits.metrics_access == "bearer"

    async def get(self) -> None:
        exposed = await self.rooms.exposition.render(self.request.headers.get("Accept", ""))
        self.set_header("Content-Type", exposed.content_type)
        self.set_header("Vary", "Accept")
        self.finish(exposed.text)
