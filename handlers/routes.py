"""Which address is which door."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tornado.web import Application

from streamchat.handlers.analytics import AnalyticsDoor
from streamchat.handlers.api_description import DescriptionDoor
from streamchat.handlers.api_document import described
from streamchat.handlers.chat import ChatDoor, StreamChatDoor
from streamchat.handlers.conversations import ConversationDoor, ConversationsDoor, ProfilesDoor
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
    return [pattern for pattern, _, _ in _routes(with_metrics=True)]


def operations() -> list[tuple[str, type[Door], str]]:
    """Each method of every address: the pattern, the door, and the method in lower case."""
    return [(pattern, door, method) for pattern, door, _ in _routes(with_metrics=True) for method in methods_of(door)]


def application(rooms: Rooms, *, with_metrics: bool = True) -> Application:
    """The whole API on one set of rooms; without the metrics, when these have an address of their own."""
    return _application(rooms, _routes(with_metrics=with_metrics))


def metrics_application(rooms: Rooms) -> Application:
    """What an operator's machines ask: the metrics and the probes, and nothing else."""
    return _application(rooms, [_METRICS, *_PROBES])


def _routes(*, with_metrics: bool) -> list[_Route]:
    description: _Route = (r"/openapi.json", DescriptionDoor, {"describe": described, "with_metrics": with_metrics})
    return [*(route for route in _ROUTES if with_metrics or route is not _METRICS), description]


def _application(rooms: Rooms, routes: Iterable[_Route]) -> Application:
    return Application(
        [(pattern, door, {"rooms": rooms, **more}) for pattern, door, more in routes],
        default_handler_class=NoDoor,
        default_handler_args={"rooms": rooms},
        # Requests are counted and logged by the doors themselves.
        log_function=lambda _: None,
    )
