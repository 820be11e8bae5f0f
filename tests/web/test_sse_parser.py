"""The page's SSE parser in the browser it runs in, opened as a file."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.slow

PARSE = """pieces => {
    const parser = new SseParser();
    const events = pieces.flatMap((piece) => parser.feed(Uint8Array.from(piece)));
    return { events, last: parser.lastEventId };
}"""


@pytest.fixture
def parser(page: Page) -> Page:
    page.goto((Path(__file__).parents[2] / "web" / "streaming_test.html").as_uri())
    return page


def parse(parser: Page, *pieces: bytes) -> Any:
    return parser.evaluate(PARSE, [list(piece) for piece in pieces])


def data_of(parsed: Any) -> list[str]:
    return [event["data"] for event in parsed["events"]]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_a_line_ends_with_cr_lf_or_both(parser: Page, end: bytes) -> None:
    parsed = parse(parser, end.join([b"data: one", b"data: two", b"id: s:1", b"", b"data: three", b"", b""]))
    assert data_of(parsed) == ["one\ntwo", "three"]
    assert [event["id"] for event in parsed["events"]] == ["s:1", "s:1"]


def test_bytes_cut_anywhere_give_the_same_events(parser: Page) -> None:
    body = "\ufeff: hi\r\ndata: 你好👩‍🚀\u2028\r\rid: s:1\ndata:  two\r\ndata\n\n:\n\nid: s:2\r\n\r\n".encode()
    whole = parse(parser, body)
    assert data_of(whole) == ["你好👩‍🚀\u2028", " two\n"]
    assert whole["last"] == "s:2"
    assert parse(parser, *(body[at : at + 1] for at in range(len(body)))) == whole
    for cut in range(len(body)):
        assert parse(parser, body[:cut], body[cut:]) == whole, cut


def test_an_event_without_its_blank_line_is_none_and_moves_no_cursor(parser: Page) -> None:
    parsed = parse(parser, b"data: a\nid: s:1\n\ndata: b\nid: s:2\n")
    assert data_of(parsed) == ["a"]
    assert parsed["last"] == "s:1"


def test_fields_without_a_meaning_here_are_ignored(parser: Page) -> None:
    parsed = parse(parser, b"retry: 5\nnonsense\nid: a\0b\nevent: named\ndata:x\n\ndata\n\n")
    assert parsed["events"] == [{"data": "x", "name": "named", "id": ""}, {"data": "", "name": "message", "id": ""}]


def test_ten_megabytes_in_one_line_are_read_in_linear_time(parser: Page) -> None:
    # Quadratic, this would not end within the page's time limit.
    length = parser.evaluate(
        """() => {
            const parser = new SseParser();
            const piece = new Uint8Array(1000).fill(120);
            parser.feed(new TextEncoder().encode("data:"));
            for (let count = 0; count < 10_000; count += 1) parser.feed(piece);
            return parser.feed(new TextEncoder().encode("\\n\\n"))[0].data.length;
        }"""
    )
    assert length == 10_000_000
