"""Deletes the records of turns that are older than they may become: at start, and then four times a day."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from streamchat.stores.analytics import AnalyticsStore
from streamchat.stores.database import StoreDown

EVERY_SECONDS = 6 * 3_600.0

_logger = logging.getLogger("streamchat.analytics")


class Retention:
    """One task, from ``open`` to ``close``. A store that is down is asked again the next time."""

    def __init__(self, analytics: AnalyticsStore, days: int) -> None:
        """``days``: 0 keeps nothing."""
        self._analytics = analytics
        self._days = days
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin; the first look is taken at once, in the background."""
        self._task = asyncio.create_task(self._keep_deleting(), name="delete old records")

    async def close(self) -> None:
        """Stop; nothing is left half deleted. Harmless when it was never opened."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _keep_deleting(self) -> None:
        while True:
            await self._delete()
            await asyncio.sleep(EVERY_SECONDS)

    async def _delete(self) -> None:
        try:
            deleted = await self._analytics.remove_before(datetime.now(UTC) - timedelta(days=self._days))
        except StoreDown as error:
            _logger.warning("old records of turns can't be deleted now: %s", error)
        except Exception:
            _logger.exception("old records of turns can't be deleted")
        else:
            if deleted:
                _logger.info("deleted %s records of turns that were older than %s days", deleted, self._days)
