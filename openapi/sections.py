"""The table of all operations by section, in the order in which they are shown. A test holds it against the routes."""

from __future__ import annotations

from streamchat.openapi.asking import ASKING
from streamchat.openapi.history import HISTORY
from streamchat.openapi.openai import OPENAI
from streamchat.openapi.operation import Operation, Section
from streamchat.openapi.pages import PAGES
from streamchat.openapi.streams import STREAMS
from streamchat.openapi.ui_messages import UI_MESSAGES
from streamchat.openapi.watching import WATCHING

SECTIONS: tuple[Section, ...] = (ASKING, STREAMS, HISTORY, OPENAI, UI_MESSAGES, WATCHING, PAGES)
OPERATIONS: tuple[Operation, ...] = tuple(operation for section in SECTIONS for operation in section.operations)
