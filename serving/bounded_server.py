"""Tornado's HTTP server with a cap on its connections.

Past the limit on open files ``accept`` fails in a busy loop; so a connection too many is answered 503 and closed.
"""

from __future__ import annotations

import resource
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream

# Files that are no connections: listening sockets, the database, the loop, workers' pipes, the user's own.
RESERVED_FILES = 100

_REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class BoundedHTTPServer(HTTPServer):
    """Holds at most ``max_connections``, and always fewer than the process may have files."""

    max_connections: int
    refused_connections = 0
    _others_open: Callable[[], int]
    _lent: set[object]  # their serving ends soon
    _context: Context

    def initialize(  # type: ignore[override]
        self,
        *args: Any,  # noqa: ANN401 - Tornado's signature, and one argument more
        max_connections: int,
        others_open: Callable[[], int] = lambda: 0,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().initialize(*args, **kwargs)
        self._others_open = others_open
        self._lent = set()
        self._context = copy_context()
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        files = max(1, soft - RESERVED_FILES) if soft != resource.RLIM_INFINITY else max_connections
        self.max_connections = min(max_connections, files)

    @property
    def open_connections(self) -> int:
        """Connections that are open now. Those that Tornado counts no longer are among them."""
        return len(self._connections) - len(self._lent) + self._others_open()

    def handle_stream(self, stream: IOStream, address: Any) -> None:  # noqa: ANN401 - Tornado's signature
        if self.open_connections < self.max_connections:
            super().handle_stream(stream, address)
            return
        self.refused_connections += 1
        stream.write(_REFUSAL).add_done_callback(lambda done: done.exception())
        stream.close()

    def lend(self, connection: object) -> None:
        """One of these is counted among the others from now on, though it is served for a moment more."""
        if connection in self._connections:
            self._lent.add(connection)

    def take_back(self, stream: IOStream, address: Any) -> None:  # noqa: ANN401 - Tornado's signature
        """Serve further requests on a connection that was lent: it has its place.

        Their context is that of a new connection, not the one of the request before.
        """
        self._context.copy().run(super().handle_stream, stream, address)

    def on_close(self, server_conn: object) -> None:
        super().on_close(server_conn)
        self._lent.discard(server_conn)
