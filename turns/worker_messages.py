"""What goes over the socket between the server and a worker process: pickles, each behind its length.

The worker first says the key of its job, which is bytes alone: nothing is unpickled for whoever does not know one.
The server answers with a Begin. Then the worker sends facts and notices, an Ended last of all, and the server what the
user says.
"""

from __future__ import annotations

import asyncio
import pickle
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from streamchat.turns.events import Fact, Notice
from streamchat.turns.inputs import Given

KEY_BYTES = 16

_LENGTH = struct.Struct("!I")


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """The worker may call the function now, the ``entrances`` before it.

    ``deadline`` is in seconds of the monotonic clock, which all processes of a machine share.
    """

    deadline: float
    entrances: tuple[Callable[[], object], ...] = ()


def packed(message: Begin | Fact | Notice | Given) -> bytes:
    """The message as it is sent."""
    data = pickle.dumps(message)
    return _LENGTH.pack(len(data)) + data


async def read_message(reader: asyncio.StreamReader) -> Any:  # noqa: ANN401 - the reader knows what it is told
    """The next message; IncompleteReadError when the other end has hung up."""
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    return pickle.loads(await reader.readexactly(length))


def receive_message(connection: socket.socket) -> Any:  # noqa: ANN401
    """The same for a thread that waits; EOFError when the other end has hung up."""
    (length,) = _LENGTH.unpack(_receive(connection, _LENGTH.size))
    return pickle.loads(_receive(connection, length))


def _receive(connection: socket.socket, length: int) -> bytes:
    data = bytearray()
    while len(data) < length:
        piece = connection.recv(length - len(data))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)
