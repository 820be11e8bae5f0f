"""One server's life: opened, listening, drained and closed. Knows no command line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from streamchat.handlers.open_sockets import OpenSockets
from streamchat.handlers.open_streams import OpenStreams
from streamchat.handlers.public_addresses import Address, is_public
from streamchat.handlers.rooms import Rooms
from streamchat.metrics.house_collector import ConnectionStatistics
from streamchat.serving.addresses import Addresses
from streamchat.serving.settings import Settings
from streamchat.serving.wiring import Wiring
from streamchat.stores.database import Database
from streamchat.turns.process_query import BoundFunction

# How long terminal frames may take to reach their clients once the drain is over.
_GOODBYE_SECONDS = 2.0


class Server:
    """One server: ``open`` it on a running loop, ``listen``, ``drain`` and ``close`` it.

    ``load_function`` must be picklable for ``workers="processes"``. ``may_fetch_from`` is there for tests, whose
    servers are on loopback.
    """

    def __init__(
        self,
        settings: Settings,
        load_function: Callable[[], BoundFunction],
        *,
        may_fetch_from: Callable[[Address], bool] = is_public,
    ) -> None:
        self.settings = settings
        self.bound = load_function()
        self.rooms: Rooms
        self._wiring = Wiring(settings, self.bound, load_function, may_fetch_from)
        self._sockets = OpenSockets()
        self._streams = OpenStreams()
        self._addresses = Addresses(settings, self._sockets, self._streams)

    async def open(self) -> None:
        """Open the stores and wire the rooms together. Raises CannotStart, and nothing is left open then."""
        self.rooms = await self._wiring.open(self._sockets, self._streams, self._addresses.connections)

    def listen(self) -> None:
        """Take connections on the settings' addresses; ``port`` and ``metrics_address`` are then the real ones.

        Raises CannotStart.
        """
        self._addresses.listen(self.rooms)

    async def drain(self) -> None:
        """Take no new turns, let the running ones finish within the drain limit, and end the rest with a frame.

        An address of its own goes on giving metrics all the while, so that it can be watched.
        """
        loop, book = asyncio.get_running_loop(), self.rooms.book
        book.drain()
        self._addresses.close_doors()
        await book.settle(loop.time() + self.settings.drain)
        book.shut_down()
        await book.settle(loop.time() + _GOODBYE_SECONDS)
        book.dismiss()
        await book.settle(loop.time() + _GOODBYE_SECONDS)
        await self._sockets.close(_GOODBYE_SECONDS)

    async def close(self) -> bool:
        """Let go of everything; True when no function is still running in a thread."""
        self._streams.drop()
        await self._addresses.close()
        self._sockets.drop()
        return await self._wiring.close()

    @property
    def database(self) -> Database:
        """Where everything is stored."""
        return self._wiring.database

    @property
    def generated_token(self) -> str:
        """The token that was made for this run; "" when one is configured."""
        return self._wiring.generated_token

    @property
    def sample_username(self) -> str:
        """A profile to try the server with."""
        return self._wiring.sample_username

    @property
    def port(self) -> int:
        """Where the doors are."""
        return self._addresses.port

    @property
    def metrics_address(self) -> tuple[str, int] | None:
        """Where the metrics are, when they have an address of their own."""
        return self._addresses.metrics_address

    def connections(self) -> ConnectionStatistics:
        """Connections now, and refused since the start."""
        return self._addresses.connections()
