from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy.dialects import sqlite

from streamchat.stores.schema import UtcDateTime

COLUMN = UtcDateTime()
DIALECT = sqlite.dialect()
NOON = datetime(2026, 11, 2, 12, 0, 0, 123456, tzinfo=UTC)
SHANGHAI = timezone(timedelta(hours=8))


def test_times_go_in_as_utc() -> None:
    stored = COLUMN.process_bind_param(NOON.astimezone(SHANGHAI), DIALECT)
    assert stored == NOON
    assert stored is not None
    assert stored.tzinfo is UTC


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        COLUMN.process_bind_param(NOON.replace(tzinfo=None), DIALECT)


@pytest.mark.parametrize("returned", [NOON.replace(tzinfo=None), NOON, NOON.astimezone(SHANGHAI)])
def test_times_come_out_aware_and_in_utc_whatever_the_database_returns(returned: datetime) -> None:
    read = COLUMN.process_result_value(returned, DIALECT)
    assert read == NOON
    assert read is not None
    assert read.tzinfo is UTC


def test_no_time_stays_no_time() -> None:
    assert COLUMN.process_bind_param(None, DIALECT) is None
    assert COLUMN.process_result_value(None, DIALECT) is None
