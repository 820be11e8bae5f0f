"""Records of turns: when, for whom, how long, how much, how it ended. Never the text, nor a way to it.

Measured values are kept to three significant digits, so a percentile (nearest rank) needs no sorting of turns: the
database counts the turns of each value and sums the counts up. Both databases can do that, and what comes out of them
is one row a group, at most MAX_GROUPS of them, however many turns there were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal, get_args
from uuid import uuid4

from sqlalchemy import ColumnElement, FromClause, Label, Select, Subquery, Text, cast, delete, func, literal, select

from streamchat.stores.database import Database
from streamchat.stores.schema import turn_records
from streamchat.stores.text import is_key, require_key

Cause = Literal["complete", "error", "timeout", "cancelled", "client_gone", "stalled", "shutdown"]
By = Literal["day", "profile", "door", "caller"]

CAUSES: Final[tuple[Cause, ...]] = get_args(Cause)
# Groups of one report: the busiest, or all days.
MAX_GROUPS: Final = 1_000
# Rows that one transaction deletes: no other writer waits for more.
DELETED_AT_ONCE: Final = 5_000
# A report may take longer than other work: SQLite needs some seconds for a million turns, and no turn waits for it.
REPORT_SECONDS: Final = 30.0

_KEYS: Final = ("door", "profile", "caller")
# What is reported as a typical and a bad value, and what as a mean.
_SPREADS: Final = ("first_answer_seconds", "characters_per_second")
_STAGES: Final = ("accepted", "queued", "processing", "streaming", "total")
_ROUNDED: Final = (*(f"{stage}_seconds" for stage in _STAGES), "first_frame_seconds", *_SPREADS)
_SIGNIFICANT_DIGITS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRecord:
    """What is kept of one turn. Times in seconds, rounded; None for what did not happen, or was not measured.

    `first_frame_seconds` and `first_answer_seconds` count from the request; `code` is that of an error, "" otherwise.
    Raises ValueError for what could not be stored and found again.
    """

    asked_at: datetime
    door: str
    profile: str
    caller: str
    lang: str
    pace: str
    cause: Cause
    code: str
    accepted_seconds: float | None
    queued_seconds: float | None
    processing_seconds: float | None
    streaming_seconds: float | None
    total_seconds: float
    first_frame_seconds: float | None
    first_answer_seconds: float | None
    characters: int
    chunks: int
    characters_per_second: float | None
    record_id: str = field(default_factory=lambda: uuid4().hex)

    def __post_init__(self) -> None:
        """Check what rows are grouped and found by, and round what was measured."""
        for name in _KEYS:
            require_key(name, getattr(self, name))
        if self.cause not in CAUSES:
            raise ValueError(f"cause must be one of {', '.join(CAUSES)}")
        if self.asked_at.tzinfo is None:
            raise ValueError("asked_at must have a time zone")
        for name in _ROUNDED:
            object.__setattr__(self, name, _rounded(getattr(self, name)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The value that half of the turns do not exceed, and that 95 of 100 do not; None where nothing was measured."""

    p50: float | None = None
    p95: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What some turns have in common: counts, sums, seconds. `ends` has every cause, `mean_seconds` every stage."""

    turns: int = 0
    callers: int = 0
    ends: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(CAUSES, 0))
    characters: int = 0
    chunks: int = 0
    first_answer_seconds: Spread = Spread()
    characters_per_second: Spread = Spread()
    mean_seconds: Mapping[str, float | None] = field(default_factory=lambda: dict.fromkeys(_STAGES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Figures of all turns asked for, how often each error code ended one, and figures by group in the report's order.

    Days come in order, anything else busiest first; `is_cut` says that there were more than MAX_GROUPS.
    """

    totals: Figures
    errors: Mapping[str, int]
    groups: Mapping[str, Figures]
    is_cut: bool


class AnalyticsStore:
    """The records in the database. Every method may raise StoreDown."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, *records: TurnRecord) -> None:
        """Keep the records, all or none; adding one again changes nothing."""
        insert = self._database.insert(turn_records).on_conflict_do_nothing(index_elements=["record_id"])
        async with self._database.writing() as connection:
            await connection.execute(insert, [_row(record) for record in records])

    async def report(self, since: datetime, until: datetime, by: By, caller: str | None = None) -> Report:
        """The figures of turns asked from `since` on and before `until`; of one caller, or None for all."""
        if caller is not None and not is_key(caller):
            return Report(totals=Figures(), errors={}, groups={}, is_cut=False)
        chosen = [turn_records.c.asked_at >= since, turn_records.c.asked_at < until]
        if caller is not None:
            chosen.append(turn_records.c.caller == caller)
        async with self._database.reading(REPORT_SECONDS) as connection:
            total = (await connection.execute(_totals(chosen))).mappings().first()
            errors = (await connection.execute(_errors(chosen))).all()
            groups = (await connection.execute(_groups(chosen, by))).mappings().all()
        return Report(
            totals=Figures() if total is None else _figures(total),
            errors={row.code: row.turns for row in errors},
            groups={str(row["group"]): _figures(row) for row in groups[:MAX_GROUPS]},
            is_cut=len(groups) > MAX_GROUPS,
        )

    async def remove_before(self, moment: datetime) -> int:
        """Delete what was asked before the moment; returns how many records that were."""
        old = select(turn_records.c.record_id).where(turn_records.c.asked_at < moment).limit(DELETED_AT_ONCE)
        removed = 0
        while True:
            async with self._database.writing() as connection:
                some = await connection.execute(delete(turn_records).where(turn_records.c.record_id.in_(old)))
            removed += some.rowcount
            if some.rowcount < DELETED_AT_ONCE:
                return removed


def _row(record: TurnRecord) -> dict[str, Any]:
    row = {name: getattr(record, name) for name in TurnRecord.__slots__}
    return row | {"day": record.asked_at.astimezone(UTC).date()}


def _totals(chosen: Sequence[ColumnElement[bool]]) -> Select[Any]:
    return _by(cast(literal("all"), Text), chosen)


def _groups(chosen: Sequence[ColumnElement[bool]], by: By) -> Select[Any]:
    query = _by(turn_records.c[by], chosen)
    turns, group = query.selected_columns["turns"], query.selected_columns["group"]
    order = [group] if by == "day" else [turns.desc(), group]
    return query.order_by(*order).limit(MAX_GROUPS + 1)


def _errors(chosen: Sequence[ColumnElement[bool]]) -> Select[Any]:
    code, turns = turn_records.c.code, func.count().label("turns")
    return select(code, turns).where(*chosen, code != "").group_by(code).order_by(turns.desc(), code).limit(MAX_GROUPS)


def _by(key: ColumnElement[Any], chosen: Sequence[ColumnElement[bool]]) -> Select[Any]:
    """One row a value of the key, with what `_figures` reads."""
    group = key.label("group")
    sums = _sums(group, chosen)
    spreads = {name: _spread(group, name, chosen) for name in _SPREADS}
    percentiles = [spread.c[p].label(f"{name}_{p}") for name, spread in spreads.items() for p in ("p50", "p95")]
    joined: FromClause = sums
    for spread in spreads.values():
        joined = joined.outerjoin(spread, sums.c.group == spread.c.group)
    return select(*sums.c, *percentiles).select_from(joined)


def _sums(group: Label[Any], chosen: Sequence[ColumnElement[bool]]) -> Subquery:
    turns = turn_records.c
    return (
        select(
            group,
            func.count().label("turns"),
            func.count(turns.caller.distinct()).label("callers"),
            func.sum(turns.characters).label("characters"),
            func.sum(turns.chunks).label("chunks"),
            *(func.count().filter(turns.cause == cause).label(f"ends_{cause}") for cause in CAUSES),
            *(func.avg(turns[f"{stage}_seconds"]).label(f"mean_{stage}") for stage in _STAGES),
        )
        .where(*chosen)
        .group_by(group)
        .subquery("sums")
    )


def _spread(group: Label[Any], name: str, chosen: Sequence[ColumnElement[bool]]) -> Subquery:
    """The smallest value that the percentage of the turns does not exceed."""
    value, turns = turn_records.c[name].label("value"), func.count().label("turns")
    counted = select(group, value, turns).where(*chosen, value.is_not(None)).group_by(group, value).subquery()
    reached = func.sum(counted.c.turns).over(partition_by=counted.c.group, order_by=counted.c.value)
    known = func.sum(counted.c.turns).over(partition_by=counted.c.group)
    ranked = select(*counted.c, reached.label("reached"), known.label("known")).subquery()
    smallest, share = func.min(ranked.c.value), ranked.c.reached * 100
    return (
        select(
            ranked.c.group,
            smallest.filter(share >= ranked.c.known * 50).label("p50"),
            smallest.filter(share >= ranked.c.known * 95).label("p95"),
        )
        .group_by(ranked.c.group)
        .subquery(f"spread_{name}")
    )


def _figures(row: Mapping[Any, Any]) -> Figures:
    spreads = {name: Spread(p50=row[f"{name}_p50"], p95=row[f"{name}_p95"]) for name in _SPREADS}
    return Figures(
        turns=row["turns"],
        callers=row["callers"],
        ends={cause: row[f"ends_{cause}"] for cause in CAUSES},
        # PostgreSQL's sum of integers is a wider integer, which some drivers give as a Decimal.
        characters=int(row["characters"]),
        chunks=int(row["chunks"]),
        mean_seconds={stage: _rounded(row[f"mean_{stage}"]) for stage in _STAGES},
        **spreads,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{_SIGNIFICANT_DIGITS}g}")
