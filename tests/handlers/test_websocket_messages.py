"""What is wrong with a message is said, and the socket stays; what breaks the protocol closes it with its code.

The table of raw frames follows the case list of the Autobahn test suite, as far as it concerns a server that answers
text with its own messages: 1.* framing, 2.* pings, 3.* reserved bits, 4.* opcodes, 5.* fragmentation, 6.* UTF-8,
7.* closing, 9.* and the limits on size.
"""

import json
from struct import pack

import pytest

from tests.handlers.house import Gate, House, question, saying, with_server
from tests.handlers.socket_client import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Socket,
    answer_of,
    raw_frame,
)

PING_MESSAGE = json.dumps({"type": "ping", "ref": "é长👍"}).encode()
HALF = len(PING_MESSAGE) - 7  # within a character


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "body"),
        ("{", "body"),
        ("[]", "body"),
        ("null", "body"),
        ('"query"', "body"),
        ("{}", "type"),
        ('{"type": 1}', "type"),
        ('{"type": "shout"}', "type"),
        ('{"type": "ping", "ref": 1}', "ref"),
        ('{"type": "ping", "ref": "' + "x" * 129 + '"}', "ref"),
        ('{"type": "ping", "ref": "\\u0000"}', "ref"),
        ('{"type": "ping", "ref": "\\ud800"}', "body"),
        ('{"type": "cancel"}', "stream_id"),
        ('{"type": "cancel", "stream_id": ["a"]}', "stream_id"),
        ('{"type": "resume", "stream_id": ""}', "stream_id"),
        ('{"type": "resume", "stream_id": "a", "last_event_id": 5}', "last_event_id"),
        ('{"type": "input", "stream_id": "a"}', "input"),
        ('{"type": "query", "message": "a"}', "username"),
        ('{"type": "query", "username": "a", "message": "a", "door": "front"}', "door"),
        ('{"type": "query", "username": "a", "message": "a", "pace": 3}', "pace"),
        ("[" * 5_000, "body"),
    ],
)
def test_a_malformed_message_is_answered_with_what_is_wrong_and_the_socket_stays(text: str, field: str) -> None:
    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            await socket.send_text(text)
            error = await socket.read()
            assert (error["type"], error["code"], error["field"]) == ("error", "invalid_request", field)
            await socket.send(type="ping")
            assert (await socket.read())["type"] == "pong"
        assert house.turns_opened == 0

    with_server(saying("a"), scenario)


def test_an_error_has_the_reference_and_the_language_of_its_message() -> None:
    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            await socket.send(type="query", ref="q7", **question(username="Nobody at all", lang="en"))
            error = await socket.read()
            assert (error["ref"], error["code"]) == ("q7", "profile_not_found")
            await socket.send(type="cancel", ref="c", lang="en", stream_id="st_unknown")
            assert (await socket.read())["error"] == "No such stream"

    with_server(saying("a"), scenario)


def test_a_binary_message_is_answered_with_what_is_wrong() -> None:
    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            await socket.send_raw(raw_frame(BINARY, PING_MESSAGE))
            error = await socket.read()
            assert (error["code"], error["field"]) == ("invalid_request", "message")
            await socket.send(type="ping")
            assert (await socket.read())["type"] == "pong"

    with_server(saying("a"), scenario)


@pytest.mark.parametrize(
    ("frames", "pongs"),
    [
        ([raw_frame(TEXT, PING_MESSAGE)], []),
        ([raw_frame(TEXT, PING_MESSAGE[:HALF], is_final=False), raw_frame(CONTINUATION, PING_MESSAGE[HALF:])], []),
        (
            [
                raw_frame(TEXT, b"", is_final=False),
                raw_frame(CONTINUATION, b"", is_final=False),
                raw_frame(PING, b"between"),
                raw_frame(CONTINUATION, PING_MESSAGE),
            ],
            [b"between"],
        ),
        ([raw_frame(TEXT, PING_MESSAGE + b" " * 70_000)], []),
        ([raw_frame(PONG, b"unasked"), raw_frame(TEXT, PING_MESSAGE)], []),
        ([raw_frame(PING), raw_frame(TEXT, PING_MESSAGE)], [b""]),
        ([raw_frame(PING, b"\x00\xff" * 62), raw_frame(TEXT, PING_MESSAGE)], [b"\x00\xff" * 62]),
    ],
)
def test_frames_within_the_rules_are_understood(frames: list[bytes], pongs: list[bytes]) -> None:
    async def scenario(house: House) -> None:
        for at_once in (True, False):
            async with Socket(house) as socket:
                for piece in [b"".join(frames)] if at_once else frames:
                    await socket.send_raw(piece)
                for pong in pongs:
                    raw = await socket.read_raw()
                    assert (raw.opcode, raw.data) == (PONG, pong)
                assert (await socket.read())["ref"] == "é长👍"

    with_server(saying("a"), scenario)


def test_a_message_that_comes_byte_by_byte_is_one_message() -> None:
    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            for byte in raw_frame(TEXT, PING_MESSAGE):
                await socket.send_raw(bytes([byte]))
            assert (await socket.read())["type"] == "pong"

    with_server(saying("a"), scenario)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        *[(raw_frame(TEXT, PING_MESSAGE, flags=bits), 1002) for bits in (0x10, 0x20, 0x40, 0x70)],
        *[(raw_frame(opcode, b"x"), 1002) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)],
        (raw_frame(TEXT, PING_MESSAGE, is_masked=False), 1002),
        (raw_frame(PING, b"x" * 126), 1002),
        (raw_frame(PING, b"x", is_final=False), 1002),
        (raw_frame(CONTINUATION, b"x"), 1002),
        (raw_frame(CONTINUATION, b"x", is_final=False), 1002),
        (raw_frame(TEXT, b"x", is_final=False) + raw_frame(TEXT, b"y"), 1002),
        (raw_frame(TEXT, b"\xff"), 1007),
        (raw_frame(TEXT, b"\xed\xa0\x80"), 1007),
        (raw_frame(TEXT, b"\xce\xba", is_final=False) + raw_frame(CONTINUATION, b"\xf4\x90\x80\x80"), 1007),
        (raw_frame(TEXT, b" " * 2_001), 1009),
        (raw_frame(TEXT, b" " * 1_500, is_final=False) + raw_frame(CONTINUATION, b" " * 1_500), 1009),
        (b"\x81\xff" + pack("!Q", 1 << 62), 1009),
        (raw_frame(TEXT, b" " * 3_000_000), 1009),
    ],
)
def test_what_breaks_the_protocol_closes_the_socket_with_its_code(data: bytes, code: int) -> None:
    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            await socket.send_raw(data)
            closed = await socket.read_close()
            assert closed.close_code == code
            assert closed.close_reason
            assert await socket.is_closed_by_server()
        assert house.turns_opened == 0

    with_server(saying("a"), scenario, max_body_bytes=2_000)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", 1005),
        *[(pack(">H", code), code) for code in (1000, 1001, 1002, 1003, 1007, 1011, 3000, 4999)],
        (pack(">H", 1000) + "bye 再见".encode(), 1000),
        (pack(">H", 1000) + b"x" * 123, 1000),
        *[(pack(">H", code), 1002) for code in (0, 999, 1004, 1005, 1006, 1016, 2000, 2999, 5000, 65535)],
        (b"\x03", 1002),
        (pack(">H", 1000) + b"\xff", 1007),
        (pack(">H", 1000) + b"x" * 124, 1002),
    ],
)
def test_a_close_is_answered_and_the_connection_ends(data: bytes, code: int) -> None:
    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            await socket.send_raw(raw_frame(CLOSE, data) + raw_frame(TEXT, PING_MESSAGE))
            closed = await socket.read_raw()
            assert closed.opcode == CLOSE
            assert closed.close_code == code
            assert await socket.is_closed_by_server()

    with_server(saying("a"), scenario)


def test_a_stream_survives_the_socket_that_broke_the_rules() -> None:
    gate = Gate("still here")

    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            stream_id = await socket.ask()
            await socket.send_raw(raw_frame(3))
            assert (await socket.read_close()).close_code == 1002
        async with Socket(house) as again:
            await again.send(type="resume", stream_id=stream_id)
            await again.read()
            gate.opened.set()
            assert answer_of(await again.read_stream(stream_id)) == "still here"

    with_server(gate, scenario)


def test_a_message_is_as_long_as_a_body_may_be() -> None:
    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            frame = json.dumps({"type": "ping", "filler": ""})
            await socket.send_text(frame[:-2] + "x" * (2_000 - len(frame)) + '"}')
            assert (await socket.read())["type"] == "pong"

    with_server(saying("a"), scenario, max_body_bytes=2_000)


def test_a_stream_that_is_followed_already_is_not_followed_twice() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            stream_id = await socket.ask()
            await socket.send(type="resume", ref="again", stream_id=stream_id)
            while (message := await socket.read()).get("ref") != "again":
                pass
            assert (message["type"], message["field"]) == ("error", "stream_id")
            gate.opened.set()
            assert answer_of(await socket.read_stream(stream_id)) == "done"

    with_server(gate, scenario)


@pytest.mark.parametrize("last", ["st_other:1", "nonsense", "{id}:99"])
def test_an_impossible_last_event_id_is_refused(last: str) -> None:
    async def scenario(house: House) -> None:
        stream_id = (await house.ask()).headers["x-stream-id"]
        async with Socket(house) as socket:
            await socket.send(type="resume", stream_id=stream_id, last_event_id=last.format(id=stream_id))
            error = await socket.read()
            assert (error["code"], error["field"]) == ("invalid_request", "Last-Event-ID")
            await house.has_no_readers()
            await socket.send(type="resume", stream_id=stream_id)
            assert (await socket.read())["type"] == "accepted"

    with_server(saying("a"), scenario)


def test_a_turn_too_many_is_refused_and_there_is_room_again_when_one_has_ended() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            streams = [await socket.ask(), None]
            await socket.send(type="query", ref="2", **question())
            await socket.send(type="query", ref="3", **question())
            codes = []
            while len(codes) < 2:
                message = await socket.read()
                if message.get("ref") in ("2", "3"):
                    codes.append(message.get("code", "accepted"))
            assert codes == ["accepted", "rate_limited"]
            gate.opened.set()
            ended = 0
            while ended < 2:
                ended += bool((await socket.read()).get("is_complete"))
            await house.has_no_readers()
            assert await socket.ask() not in streams

    with_server(gate, scenario, max_socket_turns=2)


def test_more_messages_than_are_read_in_a_second_are_answered_all_the_same_but_later() -> None:
    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            for number in range(30):
                await socket.send(type="ping", ref=str(number))
            assert [(await socket.read())["ref"] for _ in range(30)] == [str(number) for number in range(30)]

    with_server(saying("a"), scenario, max_socket_messages=20)


def test_input_that_nobody_waits_for_is_refused() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with Socket(house) as socket:
            stream_id = await socket.ask()
            await gate.has_begun()
            await socket.send(type="input", ref="in", stream_id=stream_id, input="hello")
            while (message := await socket.read()).get("ref") != "in":
                pass
            assert (message["type"], message["code"]) == ("error", "no_input_expected")
            gate.opened.set()

    with_server(gate, scenario)
