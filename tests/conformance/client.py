"""What a client is to the matrix: a column, with a way to send it on an errand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

from tests.conformance.seen import Errand, Seen

Dialect = Literal["events", "openai", "ui_messages"]


class Missing(Exception):
    """What a client needs of the machine is not there: the message says what."""


class Client(Protocol):
    """Somebody else's client, as its documentation says it is to be used."""

    @property
    def key(self) -> str:
        """Its own among all clients."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def dialect(self) -> Dialect: ...

    @property
    def cannot(self) -> Mapping[str, str]:
        """Why a scenario is not for this client, by the scenario's name; the reason is for the docs."""

    def version(self) -> str:
        """The version that runs; raises Missing."""

    async def run(self, errand: Errand) -> Seen:
        """Do what is asked to its end."""
