"""Which address is which door."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from tornado.web import Application

from streamchat.handlers.analytics import AnalyticsDoor
from streamchat.handlers.chat import ChatDoor, StreamChatDoor
from streamchat.handlers.conversations import ConversationDoor, ConversationsDoor, ProfilesDoor
from streamchat.handlers.description import DescriptionDoor
from streamchat.handlers.door import Door, NoDoor, methods_of
from streamchat.handlers.health import AliveDoor, HealthDoor, ReadyDoor
from streamchat.handlers.inputs import InputDoor
from streamchat.handlers.openai import CompletionsDoor, ModelDoor, ModelsDoor, NoOpenAIDoor
from streamchat.handlers.page import PageDoor
from streamchat.handlers.rooms import Rooms
from streamchat.handlers.scrape import ScrapeDoor
from streamchat.handlers.stream_ticket import TicketDoor
from streamchat.handlers.streams import StreamDoor
from streamchat.handlers.ui_messages import UiMessagesDoor, UiMessageStreamDoor
from streamchat.handlers.websocket import SocketDoor
from streamchat.presenting.styles import ADVANCED, BASIC, SMART

_Route = tuple[str, type[Door], dict[str, Any]]

# What it tells is given by who makes the application: the room openapi reads the doors.
_DESCRIPTION = (r"/openapi.json", DescriptionDoor)
_METRICS: _Route = (r"/metrics", ScrapeDoor, {})
_PROBES: tuple[_Route, ...] = ((r"/healthz", AliveDoor, {}), (r"/readyz", ReadyDoor, {}))
_ROUTES: tuple[_Route, ...] = (
    (r"/api/chat", ChatDoor, {}),
    (r"/api/stream_chat", StreamChatDoor, {"style": BASIC}),
    (r"/api/stream_chat_advanced", StreamChatDoor, {"style": ADVANCED}),
    (r"/api/stream_chat_smart", StreamChatDoor, {"style": SMART}),
    (r"/api/streams/([^/]+)", StreamDoor, {}),
    (r"/api/streams/([^/]+)/input", InputDoor, {}),
    (r"/api/streams/([^/]+)/ticket", TicketDoor, {}),
    (r"/api/ws", SocketDoor, {}),
    (r"/api/ui_message_stream", UiMessagesDoor, {}),
    (r"/api/ui_message_stream/([^/]+)/stream", UiMessageStreamDoor, {}),
    (r"/api/conversations", ConversationsDoor, {}),
    (r"/api/conversations/([^/]+)", ConversationDoor, {}),
    (r"/api/profiles", ProfilesDoor, {}),
    (r"/api/analytics", AnalyticsDoor, {}),
    (r"/api/health", HealthDoor, {}),
    (r"/v1/chat/completions", CompletionsDoor, {}),
    (r"/v1/models", ModelsDoor, {}),
    (r"/v1/models/(.+)", ModelDoor, {}),
    (r"/v1(?:/.*)?", NoOpenAIDoor, {}),
    *_PROBES,
    _METRICS,
    (r"/", PageDoor, {}),
    (r"/analytics", PageDoor, {"start": "analytics.html"}),
    (r"/docs", PageDoor, {"start": "api_docs.html"}),
    (r"/(vendor/(?:chartjs/chart\.umd|dompurify/purify|highlightjs/highlight)\.min\.js)", PageDoor, {}),
    (r"/(vendor/marked/marked\.umd\.js)", PageDoor, {}),
    (r"/(vendor/swagger-ui/swagger-ui(?:-bundle\.js|\.css))", PageDoor, {}),
    (r"/([A-Za-z0-9_]{1,64}\.(?:html|js|css|svg))", PageDoor, {}),
)


def addresses() -> list[str]:
    """The pattern of every address."""
    return [pattern for pattern, _ in _doors()]


def operations() -> list[tuple[str, type[Door], str]]:
    """Each method of every address: the pattern, the door, and the method in lower case."""
    return [(pattern, door, method) for pattern, door in _doors() for method in methods_of(door)]


def door_at(address: str) -> type[Door]:
    """Who answers there, as Tornado finds it: the first whose pattern is that of the whole address."""
    return next((door for pattern, door in _doors() if re.fullmatch(pattern, address)), NoDoor)


def application(rooms: Rooms, describe: Callable[[], bytes], *, with_metrics: bool = True) -> Application:
    """The whole API on one set of rooms; without the metrics, when these have an address of their own.

    ``describe`` makes the description of this API, in a thread.
    """
    routes = (route for route in _ROUTES if with_metrics or route is not _METRICS)
    return _application(rooms, [*routes, (*_DESCRIPTION, {"describe": describe})])


def metrics_application(rooms: Rooms) -> Application:
    """What an operator's machines ask: the metrics and the probes, and nothing else."""
    return _application(rooms, [_METRICS, *_PROBES])


def _doors() -> list[tuple[str, type[Door]]]:
    return [*((pattern, door) for pattern, door, _ in _ROUTES), _DESCRIPTION]


def _application(rooms: Rooms, routes: Iterable[_Route]) -> Application:
    return Application(
        [(pattern, door, {"rooms": rooms, **more}) for pattern, door, more in routes],
        default_handler_class=NoDoor,
        default_handler_args={"rooms": rooms},
        # Requests are counted and logged by the doors themselves.
        log_function=lambda _: None,
    )
