"""``GET /metrics``: what Prometheus reads."""

from __future__ import annotations

from typing import ClassVar

from streamchat.handlers.door import Door


class ScrapeDoor(Door):
    """The text of the metrics' own registry."""

    door_name: ClassVar[str] = "metrics"
    needs_token: ClassVar[bool] = False

    def get(self) -> None:
        text, content_type = self.rooms.metrics.exposition(self.request.headers.get("Accept", ""))
        self.set_header("Content-Type", content_type)
        self.finish(text)
