"""The pages and the files they load."""

from __future__ import annotations

from pathlib import Path

from streamchat.handlers.door import Door
from streamchat.handlers.errors import Refused
from streamchat.handlers.rooms import Rooms

WEB = Path(__file__).resolve().parent.parent / "web"

TEST_PAGE = "streaming_test.html"
POLICY = "default-src 'self'; connect-src 'self'; frame-ancestors 'none'"
# The test page may be pointed at another server and shows what an answer brings; a page that asks for a token for this
# one may not. Scripts and styles are this server's files, and nothing else. The page says the same in a meta tag of its
# own, for when it is opened as a file.
TEST_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src * data: blob:; media-src * data: blob:; "
    "connect-src *; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# The viewer of the API draws its icons from data: URLs.
_POLICIES = {TEST_PAGE: TEST_PAGE_POLICY, "api_docs.html": f"{POLICY}; img-src 'self' data:"}

_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


class PageDoor(Door):
    """``GET /``, ``/analytics``, ``/docs`` and the files of web/ by name. The routes name no folder to climb from."""

    door_name = "page"
    needs_token = False

    def initialize(self, rooms: Rooms, start: str = TEST_PAGE) -> None:
        super().initialize(rooms)
        self.start = start

    def get(self, name: str = "") -> None:
        file = WEB / (name or self.start)
        kind = _TYPES.get(file.suffix)
        if kind is None or not file.is_file():
            raise Refused("not_found")
        self.set_header("Content-Type", f"{kind}; charset=utf-8")
        self.set_header("Cache-Control", "no-cache")
        self.set_header("Content-Security-Policy", _POLICIES.get(file.name, POLICY))
        self.set_header("X-Content-Type-Options", "nosniff")
        self.finish(file.read_bytes())
