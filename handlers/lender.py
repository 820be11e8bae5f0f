"""The HTTP server, as those see it who take a connection out of its hands: for a stream, or for good."""

from __future__ import annotations

from typing import Any, Protocol

from tornado.iostream import IOStream


class Lender(Protocol):
    """Each of its connections is counted once: by itself, or by whoever has it."""

    def lend(self, connection: object) -> None:
        """One of its own is not to be counted any more: whoever has it now does that."""

    def take_back(self, stream: IOStream, address: Any) -> None:  # noqa: ANN401 - as Tornado has it
        """Serve further requests on a connection that was lent; ``address`` is its peer's."""
