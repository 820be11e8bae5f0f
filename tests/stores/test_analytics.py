from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from statistics import fmean
from typing import Any

import pytest
from sqlalchemy import func, select

from streamchat.stores import analytics
from streamchat.stores.analytics import CAUSES, AnalyticsStore, Figures, Spread, TurnRecord
from streamchat.stores.database import Database, StoreDown
from streamchat.stores.schema import turn_records

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
SHANGHAI = timezone(timedelta(hours=8))
EVER = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))


def record(**fields: Any) -> TurnRecord:
    """A turn that went well; ``fields`` over it."""
    known: dict[str, Any] = {
        "asked_at": NOON,
        "door": "smart",
        "profile": "Ada",
        "caller": "alice",
        "lang": "zh",
        "pace": "natural",
        "cause": "complete",
        "code": "",
        "accepted_seconds": 0.01,
        "queued_seconds": 0.0,
        "processing_seconds": 2.0,
        "streaming_seconds": 4.0,
        "total_seconds": 6.5,
        "first_frame_seconds": 0.02,
        "first_answer_seconds": 2.1,
        "characters": 400,
        "chunks": 20,
        "characters_per_second": 100.0,
    }
    return TurnRecord(**known | fields)


@pytest.mark.gen_test
async def test_figures_are_counted_summed_and_averaged(database: Database) -> None:
    store = AnalyticsStore(database)
    await store.add(
        record(),
        record(caller="bob", processing_seconds=4.0, queued_seconds=None, characters=100, chunks=5),
        record(cause="error", code="processing_error", characters=0, chunks=0, streaming_seconds=None),
    )
    report = await store.report(*EVER, "door")
    figures = report.groups["smart"]
    assert (figures.turns, figures.callers, figures.characters, figures.chunks) == (3, 2, 500, 25)
    assert figures.ends == dict.fromkeys(CAUSES, 0) | {"complete": 2, "error": 1}
    assert figures.mean_seconds["processing"] == pytest.approx(8 / 3, rel=0.005)
    assert figures.mean_seconds["queued"] == 0.0
    assert figures.mean_seconds["streaming"] == 4.0
    assert figures.mean_seconds["total"] == 6.5
    assert report.totals == figures
    assert report.errors == {"processing_error": 1}
    assert not report.is_cut


@pytest.mark.gen_test
async def test_nothing_asked_is_a_report_of_nothing(database: Database) -> None:
    report = await AnalyticsStore(database).report(*EVER, "day")
    assert (report.totals, report.groups, report.errors, report.is_cut) == (Figures(), {}, {}, False)
    assert report.totals.first_answer_seconds == Spread(p50=None, p95=None)


@pytest.mark.gen_test
async def test_percentiles_are_those_of_the_sorted_values_and_of_each_group_alone(database: Database) -> None:
    store = AnalyticsStore(database)
    values = {"fast": [0.1 * n for n in range(1, 101)], "slow": [7.0, 3.0, 5.0], "one": [1.5]}
    for profile, seconds in values.items():
        for value in seconds:
            await store.add(record(profile=profile, first_answer_seconds=value, characters_per_second=10 * value))
    await store.add(record(profile="none", first_answer_seconds=None, characters_per_second=None))
    report = await store.report(*EVER, "profile")

    def nearest_rank(numbers: list[float], percent: int) -> float:
        return sorted(numbers)[math.ceil(len(numbers) * percent / 100) - 1]

    for profile, seconds in values.items():
        figures = report.groups[profile]
        for percent, found in ((50, figures.first_answer_seconds.p50), (95, figures.first_answer_seconds.p95)):
            assert found == pytest.approx(nearest_rank(seconds, percent), rel=0.005), (profile, percent)
        assert figures.characters_per_second.p50 == pytest.approx(10 * nearest_rank(seconds, 50), rel=0.005)
    assert report.groups["none"].first_answer_seconds == Spread()
    everything = [value for seconds in values.values() for value in seconds]
    assert report.totals.first_answer_seconds.p95 == pytest.approx(nearest_rank(everything, 95), rel=0.005)


def test_what_was_measured_is_kept_to_three_digits() -> None:
    kept = record(first_answer_seconds=12.3456, first_frame_seconds=0.00123456, characters_per_second=1234.5)
    assert (kept.first_answer_seconds, kept.first_frame_seconds, kept.characters_per_second) == (12.3, 0.00123, 1230.0)


@pytest.mark.gen_test
async def test_days_are_utc_days_in_order_whatever_the_zone_of_the_clock(database: Database) -> None:
    store = AnalyticsStore(database)
    midnight = datetime(2026, 11, 3, tzinfo=UTC)
    await store.add(
        record(asked_at=midnight.astimezone(SHANGHAI)),
        record(asked_at=(midnight - timedelta(microseconds=1)).astimezone(SHANGHAI)),
        record(asked_at=midnight + timedelta(hours=23, minutes=59)),
        record(asked_at=midnight - timedelta(days=40)),
    )
    report = await store.report(*EVER, "day")
    days = {day: figures.turns for day, figures in report.groups.items()}
    assert list(days.items()) == [("2026-09-24", 1), ("2026-11-02", 1), ("2026-11-03", 2)]


@pytest.mark.gen_test
async def test_a_period_has_its_begin_and_not_its_end(database: Database) -> None:
    store = AnalyticsStore(database)
    await store.add(*(record(asked_at=NOON + timedelta(hours=hours)) for hours in range(4)))
    since, until = NOON + timedelta(hours=1), NOON + timedelta(hours=3)
    assert (await store.report(since, until, "day")).totals.turns == 2
    assert (await store.report(since.astimezone(SHANGHAI), until.astimezone(SHANGHAI), "day")).totals.turns == 2
    assert (await store.report(since, since, "day")).totals.turns == 0


@pytest.mark.gen_test
async def test_one_callers_report_has_nothing_of_the_others(database: Database) -> None:
    store = AnalyticsStore(database)
    await store.add(record(), record(caller="bob", profile="Bob's", cause="error", code="processing_error"))
    report = await store.report(*EVER, "profile", "alice")
    assert (report.totals.turns, list(report.groups), report.errors) == (1, ["Ada"], {})
    assert list((await store.report(*EVER, "caller", "alice")).groups) == ["alice"]
    for stranger in ("carol", "", "\0", "\ud800", "x" * 1_000):
        assert (await store.report(*EVER, "caller", stranger)).totals.turns == 0


@pytest.mark.gen_test
async def test_groups_come_busiest_first_and_no_more_than_a_report_takes(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analytics, "MAX_GROUPS", 2)
    store = AnalyticsStore(database)
    await store.add(*(record(caller=caller) for caller in ("b", "c", "c", "a", "c", "a")))
    report = await store.report(*EVER, "caller")
    assert {caller: figures.turns for caller, figures in report.groups.items()} == {"c": 3, "a": 2}
    assert list(report.groups) == ["c", "a"]
    assert report.is_cut
    assert report.totals.turns == 6


@pytest.mark.gen_test
async def test_adding_a_record_again_changes_nothing(database: Database) -> None:
    store = AnalyticsStore(database)
    kept = record()
    await store.add(kept)
    await store.add(kept, record())
    assert (await store.report(*EVER, "day")).totals.turns == 2


@pytest.mark.gen_test
async def test_what_is_older_is_deleted_slice_by_slice_and_the_rest_stays(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analytics, "DELETED_AT_ONCE", 2)
    store = AnalyticsStore(database)
    await store.add(*(record(asked_at=NOON - timedelta(days=days)) for days in range(7)))
    assert await store.remove_before(NOON - timedelta(days=2)) == 4
    assert await store.remove_before(NOON - timedelta(days=2)) == 0
    assert list((await store.report(*EVER, "day")).groups) == ["2026-10-31", "2026-11-01", "2026-11-02"]


@pytest.mark.gen_test
async def test_a_database_that_is_closed_says_so(database: Database) -> None:
    await database.close()
    store = AnalyticsStore(database)
    for work in (store.add(record()), store.report(*EVER, "day"), store.remove_before(NOON)):
        with pytest.raises(StoreDown):
            await work


@pytest.mark.parametrize(
    "fields",
    [
        {"caller": ""},
        {"profile": "\0"},
        {"door": "x" * 201},
        {"cause": "tired"},
        {"asked_at": NOON.replace(tzinfo=None)},
    ],
)
def test_what_could_not_be_stored_is_refused_at_once(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(fields))):
        record(**fields)


@pytest.mark.gen_test
async def test_the_table_has_no_column_that_leads_to_a_question(database: Database) -> None:
    await AnalyticsStore(database).add(record())
    async with database.reading() as connection:
        (row,) = (await connection.execute(select(turn_records))).mappings().all()
    assert row.keys().isdisjoint({"message", "answer", "conversation_id", "stream_id", "request_id"})


@pytest.mark.gen_test(timeout=60)
async def test_many_turns_at_once_are_all_there(database: Database) -> None:
    store = AnalyticsStore(database)
    seconds = [0.05 * n for n in range(1, 1_501)]
    await store.add(*(record(first_answer_seconds=value, total_seconds=value) for value in seconds))
    totals = (await store.report(*EVER, "day")).totals
    assert totals.turns == 1_500
    assert totals.mean_seconds["total"] == pytest.approx(fmean(seconds), rel=0.005)
    async with database.reading() as connection:
        assert await connection.scalar(select(func.count()).select_from(turn_records)) == 1_500
