"""``GET /metrics``: what Prometheus reads."""

from __future__ import annotations

from streamchat.handlers.door import Door


class ScrapeDoor(Door):
    """The text of the metrics' own registry."""

    door_name = "metrics"
    needs_token = False

    def get(self) -> None:
        text, content_type = self.rooms.metrics.exposition(self.request.headers.get("Accept", ""))
        self.set_header("Content-Type", content_type)
        self.finish(text)
