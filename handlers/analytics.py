"""``GET /api/analytics``: how much was asked, how long people waited, how it ended; never what was said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import get_args

from streamchat.handlers.door import Door
from streamchat.handlers.errors import bad_field
from streamchat.stores.analytics import By

DEFAULT_DAYS = 30
MAX_DAYS = 366

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# RFC 3339, section 5.6: a moment without its offset is none.
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})", re.ASCII)
_BYS: Mapping[str, By] = {by: by for by in get_args(By)}


class AnalyticsDoor(Door):
    """Figures of the caller's own turns; of all callers', if the caller is an admin."""

    door_name = "analytics"

    async def get(self) -> None:
        by = _BYS.get(self.get_query_argument("by", "day"))
        if by is None:
            raise bad_field("by", f"must be one of {', '.join(_BYS)}")
        since, until = period(self._argument("from"), self._argument("to"), datetime.now(UTC))
        caller = None if self.is_admin else self.caller
        report = await self.rooms.analytics.report(since, until, by, caller)
        self.write_payload(
            {
                "success": True,
                "from": since.isoformat(),
                "to": until.isoformat(),
                "by": by,
                "scope": "all" if self.is_admin else "own",
                "kept_days": self.rooms.limits.analytics_days,
                "totals": asdict(report.totals) | {"errors": report.errors},
                "groups": [{"group": name, **asdict(figures)} for name, figures in report.groups.items()],
                "is_cut": report.is_cut,
            }
        )

    def _argument(self, name: str) -> str | None:
        return self.get_query_argument(name, None)


def period(since: str | None, until: str | None, now: datetime) -> tuple[datetime, datetime]:
    """From when on, and before when, in UTC; refused when that is no period of at most MAX_DAYS.

    A day given as the end belongs to the period. Without an end it goes on till now, without a begin it has
    DEFAULT_DAYS, the last of which is that of the end.
    """
    end = now if until is None else _moment("to", until, days_after=1)
    begin = _first_day(end) if since is None else _moment("from", since)
    if begin >= end:
        raise bad_field("from", "must be before the end of to")
    if end - begin > timedelta(days=MAX_DAYS):
        raise bad_field("from", f"must be at most {MAX_DAYS} days before the end of to")
    return begin, end


def _moment(name: str, text: str, days_after: int = 0) -> datetime:
    try:
        if _DAY.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=UTC) + timedelta(days=days_after)
        if _MOMENT.fullmatch(text.upper()):
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise bad_field(
        name, "must be a day (2026-11-02) or a moment with its offset (2026-11-02T08:00:00Z; write + as %2B)"
    )


def _first_day(end: datetime) -> datetime:
    try:
        last_day = (end - timedelta(microseconds=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return last_day - timedelta(days=DEFAULT_DAYS - 1)
    except OverflowError:
        raise bad_field("to", "is too early") from None
