"""JSON as every wire writes it: one line, readable, and nothing in it that a client's line reader splits at."""

from __future__ import annotations

from typing import Any

import ujson

# httpx, requests and Python's splitlines() end a line at these; JSON allows them raw (RFC 8259, section 7).
_LINE_ENDS = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def to_json(value: Any) -> str:  # noqa: ANN401
    """``value`` on one line. Chinese stays as it is; U+0085, U+2028 and U+2029 are escaped.

    OverflowError for NaN, infinities and nesting beyond 1,024.
    """
    text: str = ujson.dumps(value, ensure_ascii=False, escape_forward_slashes=False, allow_nan=False)
    return only_json_line_ends(text)


def only_json_line_ends(text: str) -> str:
    """JSON text with the ends of lines of other alphabets escaped; they stand in strings only."""
    if text.isascii() or not ("\x85" in text or "\u2028" in text or "\u2029" in text):
        return text
    return text.translate(_LINE_ENDS)
