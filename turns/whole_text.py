"""What a function says, as every wire can carry it."""

from __future__ import annotations

import json
from typing import Any


class NotText(TypeError):
    """The function returned or yielded something that is no text."""

    def __init__(self, how: str, what: object) -> None:
        super().__init__(f"process_query {how} {type(what).__name__}, not text")


def whole_text(text: str) -> str:
    """Text without lone surrogates, which no wire can carry: pairs are joined, the rest becomes U+FFFD."""
    # Twice, because str() gives what __str__ does, which may be of a class of somebody's own.
    text = str.__str__(str(text))
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The value as JSON has it; TypeError or ValueError, in the function that gave it, when JSON has no such thing."""
    return json.loads(whole_text(json.dumps(value, allow_nan=False, ensure_ascii=False)))
