"""What a WebSocket's opening request says: where it comes from, and whose token it brings. Knows no connection."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from streamchat.handlers.errors import Refused, bad_field

# A browser can set no header; what it can name is subprotocols. The server answers with the first of these.
PROTOCOL = "streamchat.v1"
BEARER_PREFIX = "streamchat.bearer."
ANY_ORIGIN = "*"

_HEADER = "Sec-WebSocket-Protocol"


def check_upgrade(headers: Mapping[str, str]) -> None:
    """Refuse what is no opening handshake (RFC 6455, section 4.2.1). Raises Refused, naming the header."""
    if headers.get("Upgrade", "").lower() != "websocket":
        raise bad_field("Upgrade", "must be websocket")
    if "upgrade" not in [option.strip().lower() for option in headers.get("Connection", "").split(",")]:
        raise bad_field("Connection", "must be Upgrade")
    if not headers.get("Sec-WebSocket-Key"):
        raise bad_field("Sec-WebSocket-Key", "is missing")


def check_origin(headers: Mapping[str, str], allowed: Collection[str]) -> None:
    """Refuse a page of another site, unless its origin is ``allowed``; who has no Origin is no page.

    A proxy may have changed Host; that the page is of the same origin is then told by the browser itself.
    """
    origin = headers.get("Origin")
    if origin is None or ANY_ORIGIN in allowed or origin.lower() in allowed:
        return
    if headers.get("Sec-Fetch-Site") == "same-origin" or _host_of(origin) == headers.get("Host", "").lower():
        return
    raise Refused("origin_not_allowed")


def offered(headers: Mapping[str, str]) -> list[str]:
    """The subprotocols that the client offers."""
    return [name.strip() for name in headers.get(_HEADER, "").split(",") if name.strip()]


def token_in(subprotocols: Collection[str]) -> str | None:
    """The token in the subprotocol that carries one, as base64url without padding; None without such a subprotocol."""
    coded = next((name.removeprefix(BEARER_PREFIX) for name in subprotocols if name.startswith(BEARER_PREFIX)), None)
    if coded is None:
        return None
    if PROTOCOL not in subprotocols:
        raise bad_field(_HEADER, f"must offer {PROTOCOL} beside the token")
    try:
        return urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode()
    except ValueError:
        raise bad_field(_HEADER, "must have the token in UTF-8 as base64url") from None


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None
