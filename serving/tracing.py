"""Traces, when they are asked for: the one place where OpenTelemetry may be found missing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from streamchat.serving.settings import CannotStart

if TYPE_CHECKING:
    from streamchat.metrics.tracing import Tracing

# How long a collector may take for what is left at the end, in seconds.
FLUSH_SECONDS = 5.0

_logger = logging.getLogger("streamchat.traces")


class OpenTracing:
    """An observer that traces. ``flush`` sends its spans within so many milliseconds, and blocks."""

    def __init__(self, observer: Tracing, flush: Callable[[int], bool]) -> None:
        self.observer = observer
        self._flush = flush

    async def close(self) -> None:
        """Send what has not been sent yet; what nobody takes within FLUSH_SECONDS is lost."""
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await asyncio.to_thread(self._flush, int(FLUSH_SECONDS * 1000))
        except TimeoutError:
            _logger.warning("the last traces could not be sent within %g s", FLUSH_SECONDS)


def open_tracing(version: str, clock: Callable[[], float]) -> OpenTracing:
    """Begin to trace; ``clock`` is the turns'. Raises CannotStart."""
    try:
        from streamchat.metrics.trace_provider import open_provider
        from streamchat.metrics.tracing import Tracing
    except ImportError as error:
        raise CannotStart(f"--otel needs packages that are absent ({error}): pip install 'streamchat[otel]'") from error
    try:
        provider = open_provider(version)
    except ValueError as error:
        raise CannotStart(f"--otel: {error}") from error
    return OpenTracing(Tracing(provider.get_tracer("streamchat", version), clock), provider.force_flush)
