"""The connections that stream: out of the hands of Tornado's HTTP for so long, counted, and given back at the end.

A request that Tornado has answered for minutes would hold its parsers, tasks and headers all the while: a third of the
memory of a stream.
"""

from __future__ import annotations

from tornado.iostream import IOStream

from streamchat.handlers.lender import Lender


class OpenStreams:
    """Whoever streams adds its connection, and removes it when it is closed, or gives it back."""

    def __init__(self) -> None:
        self._streams: set[IOStream] = set()
        self._lender: Lender

    def __len__(self) -> int:
        return len(self._streams)

    def borrow_from(self, lender: Lender) -> None:
        """To be called before the first stream."""
        self._lender = lender

    def add(self, stream: IOStream, connection: object) -> None:
        """``connection`` is what the lender knows it by."""
        self._lender.lend(connection)
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
        stream.set_close_callback(None)
        self._lender.take_back(stream, address)

    def drop(self) -> None:
        """End the connections that are left."""
        for stream in list(self._streams):
            stream.close()
