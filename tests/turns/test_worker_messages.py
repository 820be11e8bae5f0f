import asyncio
import pickle
import socket
from asyncio import IncompleteReadError

import pytest

from streamchat.turns.events import Ended
from streamchat.turns.inputs import Reply
from streamchat.turns.worker_messages import Begin, packed, read_message, receive_message

MESSAGES = [
    Begin(deadline=17.0, entrances=(ascii,)),
    "好" * 50_000,
    Reply(request_id="1", value={"a": [1, None]}),
    Ended(cause="complete", code="ok"),
]


def reader_of(data: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return reader


@pytest.mark.gen_test
async def test_messages_arrive_on_the_loop_as_they_were_sent():
    reader = reader_of(b"".join(packed(message) for message in MESSAGES))
    assert [await read_message(reader) for _ in MESSAGES] == MESSAGES


def test_messages_arrive_in_a_thread_as_they_were_sent():
    there, here = socket.socketpair()
    with there, here:
        for message in MESSAGES:
            # More than a buffer holds comes in pieces.
            sender = memoryview(packed(message))
            while sender:
                sender = sender[there.send(sender[:10_000]) :]
        assert [receive_message(here) for _ in MESSAGES] == MESSAGES


@pytest.mark.gen_test
@pytest.mark.parametrize("length", [0, 2, 4, 20])
async def test_what_breaks_off_is_no_message(length):
    data = packed(MESSAGES[2])[:length]
    with pytest.raises(IncompleteReadError):
        await read_message(reader_of(data))
    there, here = socket.socketpair()
    with here:
        there.sendall(data)
        there.close()
        with pytest.raises(EOFError):
            receive_message(here)


def test_the_length_counts_the_pickle_alone():
    data = packed(MESSAGES[2])
    assert int.from_bytes(data[:4], "big") == len(data[4:]) == len(pickle.dumps(MESSAGES[2]))
