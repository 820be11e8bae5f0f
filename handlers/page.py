"""The test page and the files it loads."""

from __future__ import annotations

from pathlib import Path

from streamchat.handlers.door import Door
from streamchat.handlers.errors import Refused

WEB = Path(__file__).resolve().parent.parent / "web"

_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


class PageDoor(Door):
    """``GET /`` and the files of web/ by name. No folder below it, so no path to climb."""

    door_name = "page"
    needs_token = False

    def get(self, name: str = "") -> None:
        file = WEB / (name or "streaming_test.html")
        kind = _TYPES.get(file.suffix)
        if kind is None or not file.is_file():
            raise Refused("not_found")
        self.set_header("Content-Type", f"{kind}; charset=utf-8")
        self.set_header("Cache-Control", "no-cache")
        self.set_header("Content-Security-Policy", "default-src 'self'; connect-src *; frame-ancestors 'none'")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.finish(file.read_bytes())
