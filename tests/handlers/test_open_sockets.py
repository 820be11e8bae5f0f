"""Open WebSockets: each is a connection that the HTTP server counts no more."""

import pytest

from streamchat.handlers.open_sockets import GOING_AWAY, OpenSockets
from tests.fakes.connections import KeepingLender


class OneSocket:
    """Is closed at once when it is told to."""

    waiting_bytes = 7

    def __init__(self, sockets: OpenSockets) -> None:
        self._sockets = sockets
        self.codes: list[int | None] = []

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        self.codes.append(code)
        self._sockets.remove(self)

    def drop(self) -> None:
        self._sockets.remove(self)


@pytest.mark.gen_test
async def test_each_is_lent_counted_and_told_when_the_server_goes() -> None:
    lender, sockets = KeepingLender(), OpenSockets()
    sockets.borrow_from(lender)
    one, other = OneSocket(sockets), OneSocket(sockets)
    sockets.add(one, "a connection")
    sockets.add(other, "another")
    assert (lender.lent, len(sockets), sockets.waiting_bytes) == (["a connection", "another"], 2, 14)
    await sockets.close(60.0)
    assert (one.codes, other.codes, len(sockets)) == ([GOING_AWAY], [GOING_AWAY], 0)
