"""The connections that stream: out of the hands of Tornado's HTTP for so long, counted, and given back at the end.

A request that Tornado has answered for minutes would hold its parsers, tasks and headers all the while: a third of the
memory of a stream.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tornado.iostream import IOStream

# Takes a connection and its peer's address, as TCPServer.handle_stream does.
Serve = Callable[[IOStream, Any], None]


class OpenStreams:
    """Whoever streams adds its connection, and removes it before the last word or gives it back after it."""

    def __init__(self) -> None:
        self._streams: set[IOStream] = set()
        self._serve: Serve = _close

    def __len__(self) -> int:
        return len(self._streams)

    def serve_with(self, serve: Serve) -> None:
        """``serve`` takes connections that are given back."""
        self._serve = serve

    def add(self, stream: IOStream) -> None:
        self._streams.add(stream)

    def remove(self, stream: IOStream) -> None:
        self._streams.discard(stream)

    def give_back(self, stream: IOStream) -> None:
        """The stream is over and the connection still open: it may have another request."""
        self.remove(stream)
        try:
            address = stream.socket.getpeername()
        except OSError:
            # The client has left in this moment.
            stream.close()
            return
        # As Tornado leaves it between requests.
        stream.set_nodelay(False)
        self._serve(stream, address)

    def drop(self) -> None:
        """End the connections that are left."""
        for stream in list(self._streams):
            stream.close()


def _close(stream: IOStream, _: Any) -> None:  # noqa: ANN401 - as Tornado has it
    """Nobody takes them."""
    stream.close()
