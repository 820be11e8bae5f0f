"""Bodies in the document's words: their media types, and the schemas of what is in them."""

from __future__ import annotations

from streamchat.presenting.frames import Payload

JSON = "application/json"
EVENTS = "text/event-stream"
TEXT = "text/plain"
PAGE = "text/html"


def reference(name: str, room: str = "schemas") -> Payload:
    """A reference to one of the document's components."""
    return {"$ref": f"#/components/{room}/{name}"}


def event_schema(of_data: Payload) -> Payload:
    """The schema of an event stream: a text, in which the data of each event is JSON with the schema ``of_data``.

    ``contentSchema`` is what JSON Schema 2020-12 has for it (Validation, section 8.5); it is told, not enforced.
    """
    return {"type": "string", "contentMediaType": EVENTS, "contentSchema": of_data}
