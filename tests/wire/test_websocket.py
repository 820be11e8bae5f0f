"""The bytes of a message: RFC 6455, section 5.2, and the JSON in it."""

import json

import pytest

from streamchat.presenting.frames import Chunk, Frame, keepalive
from streamchat.presenting.styles import BASIC, SMART
from streamchat.wire.websocket import FRAGMENT_BYTES, WebSocketWire, ends_message, json_message, text_message


def payload_of(fragment: bytes) -> bytes:
    if fragment[1] < 126:
        return fragment[2:]
    assert fragment[1] == 126
    assert int.from_bytes(fragment[2:4]) == len(fragment) - 4
    return fragment[4:]


@pytest.mark.parametrize("style", [BASIC, SMART])
@pytest.mark.parametrize("total", [None, 40])
def test_a_chunk_is_its_payload_and_whose_it_is(style, total):
    chunk = Chunk('a "b"\u2028 长', 7, 6, 20, total, style.chunk_fields)
    (message,) = WebSocketWire("st_1").messages([chunk])
    assert json.loads(payload_of(message)) == chunk.payload | {"stream_id": "st_1", "id": "st_1:7"}
    assert "\\u2028" in payload_of(message).decode()


def test_any_other_frame_is_too_and_a_keepalive_is_nothing():
    frame = Frame({"success": True, "data": "", "status": "complete"}, 9, is_terminal=True)
    (message,) = WebSocketWire("st_1").messages([keepalive(8), frame])
    assert json.loads(payload_of(message)) == frame.payload | {"stream_id": "st_1", "id": "st_1:9"}


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, FRAGMENT_BYTES - 1, FRAGMENT_BYTES])
def test_a_message_up_to_a_fragments_size_is_one_final_text_frame(length):
    (fragment,) = text_message("x" * length)
    assert fragment[0] == 0x81
    assert payload_of(fragment) == b"x" * length
    assert ends_message(fragment)


@pytest.mark.parametrize("length", [FRAGMENT_BYTES + 1, 3 * FRAGMENT_BYTES, 3 * FRAGMENT_BYTES + 5])
def test_a_longer_message_is_cut_into_fragments_of_which_the_last_is_final(length):
    fragments = text_message("长" * length)
    assert [fragment[0] for fragment in fragments] == [0x01] + [0x00] * (len(fragments) - 2) + [0x80]
    assert [ends_message(fragment) for fragment in fragments] == [False] * (len(fragments) - 1) + [True]
    assert b"".join(map(payload_of, fragments)).decode() == "长" * length
    assert max(len(payload_of(fragment)) for fragment in fragments) <= FRAGMENT_BYTES


def test_what_is_no_frame_is_json_too():
    (message,) = json_message({"type": "pong", "ref": "é"})
    assert payload_of(message).decode() == '{"type":"pong","ref":"é"}'
