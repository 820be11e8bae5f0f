"""The pages and the files they load."""

from __future__ import annotations

from pathlib import Path

from streamchat.handlers.door import Door
from streamchat.handlers.errors import Refused
from streamchat.handlers.rooms import Rooms

WEB = Path(__file__).resolve().parent.parent / "web"

_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


class PageDoor(Door):
    """``GET /``, ``/analytics`` and the files of web/ by name. The routes name no folder to climb from."""

    door_name = "page"
    needs_token = False

    def initialize(self, rooms: Rooms, start: str = "streaming_test.html") -> None:
        super().initialize(rooms)
        self.start = start

    def get(self, name: str = "") -> None:
        file = WEB / (name or self.start)
        kind = _TYPES.get(file.suffix)
        if kind is None or not file.is_file():
            raise Refused("not_found")
        self.set_header("Content-Type", f"{kind}; charset=utf-8")
        self.set_header("Cache-Control", "no-cache")
        # The test page may be pointed at another server; a page that asks for a token for this one may not.
        others = "*" if file.name == "streaming_test.html" else "'self'"
        self.set_header("Content-Security-Policy", f"default-src 'self'; connect-src {others}; frame-ancestors 'none'")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.finish(file.read_bytes())
