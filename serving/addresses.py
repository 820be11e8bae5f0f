"""Where a server listens: the doors' address, and that of the metrics when they have one of their own."""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial

from tornado.netutil import bind_sockets
from tornado.web import Application

from streamchat.handlers.open_sockets import OpenSockets
from streamchat.handlers.open_streams import OpenStreams
from streamchat.handlers.rooms import Rooms
from streamchat.handlers.routes import application, metrics_application
from streamchat.metrics.house_collector import ConnectionStatistics
from streamchat.openapi.document import described
from streamchat.openapi.facts import facts_of
from streamchat.serving.bounded_server import BoundedHTTPServer
from streamchat.serving.settings import CannotStart, Settings, host_and_port

# Of those who ask for metrics; they are few, and must get through when the streams have taken all other connections.
_METRICS_CONNECTIONS = 32


# The kernel gives up so much later than the stall limit, which can tell a client that is stuck from one that has left.
_LATER_SECONDS = 5.0


class Addresses:
    """Takes connections from ``listen`` to ``close``; those that have become a WebSocket, or stream, are counted too.

    ``port`` and ``metrics_address`` are the settings' until ``listen``, and then the real ones.
    """

    def __init__(self, settings: Settings, websockets: OpenSockets, streams: OpenStreams) -> None:
        self.port = settings.port
        self.metrics_address: tuple[str, int] | None = None
        self._settings = settings
        self._websockets = websockets
        self._streams = streams
        self._doors: BoundedHTTPServer | None = None
        self._metrics: BoundedHTTPServer | None = None

    def listen(self, rooms: Rooms) -> None:
        """Raises CannotStart; ``close`` is due all the same."""
        settings = self._settings
        with_metrics = settings.metrics_address is None
        describe = partial(described, facts_of(rooms, with_metrics=with_metrics))
        doors = application(rooms, describe, with_metrics=with_metrics)
        self._doors, self.port = self._serve(
            doors,
            settings.host,
            settings.port,
            settings.max_connections,
            lambda: len(self._websockets) + len(self._streams),
        )
        self._websockets.borrow_from(self._doors)
        self._streams.borrow_from(self._doors)
        if settings.metrics_address is not None:
            host, port = host_and_port(settings.metrics_address)
            self._metrics, port = self._serve(metrics_application(rooms), host, port, _METRICS_CONNECTIONS, lambda: 0)
            self.metrics_address = host, port

    def close_doors(self) -> None:
        """Take no new connections but for the metrics; the open ones stay."""
        if self._doors is not None:
            self._doors.stop()

    async def close(self) -> None:
        """End every connection that waits for a request, or for an answer that is no stream."""
        for http in (self._doors, self._metrics):
            if http is not None:
                http.stop()
                await http.close_all_connections()

    def connections(self) -> ConnectionStatistics:
        """Connections to the doors now, and refused since the start."""
        websockets, doors = len(self._websockets), self._doors
        if doors is None:
            return ConnectionStatistics(open=0, refused=0, websockets=websockets)
        return ConnectionStatistics(
            open=doors.open_connections, refused=doors.refused_connections, websockets=websockets
        )

    def _serve(
        self, doors: Application, host: str, port: int, max_connections: int, others_open: Callable[[], int]
    ) -> tuple[BoundedHTTPServer, int]:
        """A server on an address, and its real port. Raises CannotStart."""
        try:
            sockets = bind_sockets(port, host, backlog=1_024)
        except OSError as error:
            raise CannotStart(f"{host}:{port}: {error.strerror}") from error
        for listening in sockets:
            _find_dead_peers(listening, self._settings.stall)
        http = BoundedHTTPServer(
            doors,
            max_connections=max_connections,
            others_open=others_open,
            idle_connection_timeout=75.0,
            body_timeout=60.0,
            max_body_size=self._settings.max_body_bytes,
            decompress_request=False,
        )
        http.add_sockets(sockets)
        return http, sockets[0].getsockname()[1]


def _find_dead_peers(listening: socket.socket, seconds: float) -> None:
    """Let the kernel notice peers that are gone without a word; accepted sockets inherit this (Linux, tcp(7))."""
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    options = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
    options |= {"TCP_USER_TIMEOUT": int((seconds + _LATER_SECONDS) * 1000), "TCP_NOTSENT_LOWAT": 16_384}
    for name, value in options.items():
        if hasattr(socket, name):
            listening.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
