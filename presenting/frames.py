"""What a client sees, one step before the wire: a payload and its place among the durable ones."""

from __future__ import annotations

from typing import Any, NamedTuple

Payload = dict[str, Any]


class Frame(NamedTuple):
    """One frame. ``number`` counts the durable frames so far, this one included.

    A transient frame (``is_durable`` false) repeats the number of the last durable one, 0 before the
    first: whoever resumes after it is given everything that is durable, once.
    """

    payload: Payload
    number: int
    is_durable: bool = True
    is_terminal: bool = False
    is_keepalive: bool = False


def keepalive(number: int) -> Frame:
    """A sign of life without content."""
    return Frame({}, number, is_durable=False, is_keepalive=True)
