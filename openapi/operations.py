"""The table of all operations, in the order in which they are shown. A test holds it against the routes."""

from __future__ import annotations

from streamchat.openapi.operation import Operation
from streamchat.openapi.operations_dialects import DIALECTS
from streamchat.openapi.operations_server import KEPT, PAGES, WATCHING
from streamchat.openapi.operations_turns import ASKING, STREAMS

# The tags, and what they say.
TAGS = {
    "Asking": "Four doors that take the same question; three of them stream.",
    "Streams": "A stream outlives its connection: follow, resume, stop, answer what the function asks.",
    "History": "What the server keeps for its callers, and the profiles there are.",
    "OpenAI dialect": "What clients of OpenAI's chat completions speak. Profiles are models.",
    "AI SDK dialect": "What `useChat` of the AI SDK speaks. A chat is a conversation.",
    "Watching": "How the server does.",
    "Pages": "For people.",
}

OPERATIONS: tuple[Operation, ...] = (*ASKING, *STREAMS, *KEPT, *DIALECTS, *WATCHING, *PAGES)
