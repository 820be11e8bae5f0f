"""The names of the doors, of which labels are made: metrics and traces have no others. The doors name themselves.

A test holds these against the routes.
"""

from __future__ import annotations

# Where a turn may have been opened, and the address of that door.
ROUTES = {
    "basic": "/api/stream_chat",
    "advanced": "/api/stream_chat_advanced",
    "smart": "/api/stream_chat_smart",
    "chat": "/api/chat",
    "ws": "/api/ws",
    "openai": "/v1/chat/completions",
    "ui_messages": "/api/ui_message_stream",
}
OPENING_DOORS = tuple(ROUTES)
# Where a turn may be shown; by one of them in one piece.
SHOWING_DOORS = (*OPENING_DOORS, "streams")
STREAM_DOORS = tuple(door for door in SHOWING_DOORS if door != "chat")
REQUEST_DOORS = (
    *SHOWING_DOORS,
    "input",
    "tickets",
    "conversations",
    "profiles",
    "models",
    "analytics",
    "health",
    "metrics",
    "page",
    "other",
)
