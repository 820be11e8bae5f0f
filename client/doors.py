"""The streaming doors and their addresses."""

DOORS = {
    "smart": "/api/stream_chat_smart",
    "basic": "/api/stream_chat",
    "advanced": "/api/stream_chat_advanced",
}
ALL = "all"
