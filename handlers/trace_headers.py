"""The headers by which a request says what trace it belongs to (W3C Trace Context). Reads nothing in them."""

from __future__ import annotations

from collections.abc import Mapping

_NAMES = ("traceparent", "tracestate")
# What a tracestate must be let through with (W3C Trace Context, 3.3.1.5); a turn keeps it as long as it is remembered.
MAX_CHARACTERS = 512


def trace_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Those that are there and not too long."""
    found = {name: headers[name] for name in _NAMES if name in headers}
    return {name: value for name, value in found.items() if len(value) <= MAX_CHARACTERS}
