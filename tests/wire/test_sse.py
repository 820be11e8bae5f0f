import json

import httpx
import pytest
from httpx_sse import EventSource
from hypothesis import given, settings
from hypothesis import strategies as some

from streamchat.presenting.frames import Frame, keepalive
from streamchat.wire.sse import CONTENT_TYPE, KEEPALIVE, SseWire, lone_event

WHOLE_TEXT = some.text(some.characters(exclude_categories=["Cs"]))


def test_a_frame_is_data_then_id_then_a_blank_line() -> None:
    frame = Frame({"success": True, "data": "你好/", "status": "streaming"}, 3)
    assert SseWire("st_one").encode([frame]) == (
        '{"success":true,"data":"你好/","status":"streaming"}'.join(["data: ", "\nid: st_one:3\n\n"]).encode()
    )


def test_a_transient_frame_repeats_the_id_it_is_given() -> None:
    frames = [Frame({"a": 1}, 0, is_durable=False), Frame({"a": 2}, 1), Frame({"a": 3}, 1, is_durable=False)]
    assert SseWire("s").encode(frames) == (
        b'data: {"a":1}\nid: s:0\n\ndata: {"a":2}\nid: s:1\n\ndata: {"a":3}\nid: s:1\n\n'
    )


def test_a_keepalive_is_a_comment_without_an_id() -> None:
    assert SseWire("s").encode([keepalive(7)]) == b": keep-alive\n\n"
    assert KEEPALIVE == ": keep-alive\n\n"


def test_nothing_is_nothing() -> None:
    assert SseWire("s").encode([]) == b""


def test_many_frames_are_the_bytes_of_each() -> None:
    wire = SseWire("s")
    frames = [Frame({"n": n}, n) for n in range(5)]
    assert wire.encode(frames) == b"".join(wire.encode([frame]) for frame in frames)


@pytest.mark.parametrize("end", ["\u0085", "\u2028", "\u2029"])
def test_ends_of_lines_that_only_some_clients_know_are_escaped(end: str) -> None:
    block = SseWire("s").encode([Frame({"data": f"a{end}b"}, 1)])
    assert f"\\u{ord(end):04x}".encode() in block
    assert len(block.decode().splitlines()) == 3


def test_a_number_that_is_none_is_refused_before_a_byte_is_written() -> None:
    with pytest.raises(OverflowError):
        SseWire("s").encode([Frame({"a": 1}, 1), Frame({"progress": float("nan")}, 2)])


@settings(deadline=None)
@given(some.lists(WHOLE_TEXT, max_size=8))
def test_a_real_client_reads_back_every_frame(texts: list[str]) -> None:
    sent = SseWire("st_one").encode(Frame({"data": text}, n) for n, text in enumerate(texts, 1))
    response = httpx.Response(200, headers={"Content-Type": CONTENT_TYPE}, content=sent)
    events = list(EventSource(response).iter_sse())
    assert [json.loads(event.data)["data"] for event in events] == texts
    assert [event.id for event in events] == [f"st_one:{n}" for n in range(1, len(texts) + 1)]


def test_an_error_before_the_first_frame_is_an_event_without_an_id() -> None:
    assert lone_event({"success": False, "error": "未授权"}) == 'data: {"success":false,"error":"未授权"}\n\n'.encode()
