"""Old records of turns are deleted at start and again later, whatever the store does meanwhile."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from streamchat.serving import retention
from streamchat.serving.retention import Retention
from streamchat.stores.database import StoreDown
from tests.handlers.house import until


class Shelf:
    """A store that notes from when on it may keep records, and fails as it is told."""

    def __init__(self) -> None:
        self.moments: list[datetime] = []
        self.errors: list[Exception] = []

    async def remove_before(self, moment: datetime) -> int:
        self.moments.append(moment)
        if self.errors:
            raise self.errors.pop(0)
        return 3


@pytest.fixture
def shelf(io_loop: object) -> Shelf:
    return Shelf()


@pytest.mark.parametrize("days", [0, 90])
@pytest.mark.gen_test
async def test_what_is_older_is_deleted_at_start(shelf: Shelf, days: int) -> None:
    before = datetime.now(UTC)
    kept = Retention(cast("Any", shelf), days)
    kept.open()
    await until(lambda: len(shelf.moments) == 1)
    await kept.close()
    assert before <= shelf.moments[0] + timedelta(days=days) <= datetime.now(UTC)


@pytest.mark.gen_test
async def test_it_is_looked_at_again_though_the_store_was_down_or_broken(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(retention, "EVERY_SECONDS", 0.0)
    shelf.errors = [StoreDown("gone"), RuntimeError("unforeseen")]
    kept = Retention(cast("Any", shelf), 90)
    kept.open()
    await until(lambda: len(shelf.moments) >= 3)
    await kept.close()
    assert "can't be deleted now: gone" in caplog.text
    assert "unforeseen" in caplog.text


@pytest.mark.gen_test
async def test_between_two_looks_it_sleeps_and_a_close_wakes_it(shelf: Shelf) -> None:
    kept = Retention(cast("Any", shelf), 90)
    kept.open()
    await until(lambda: len(shelf.moments) == 1)
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(shelf.moments) == 1
    await kept.close()
    assert [task for task in asyncio.all_tasks() if task.get_name() == "delete old records"] == []


@pytest.mark.gen_test
async def test_closing_what_was_never_opened_is_harmless(shelf: Shelf) -> None:
    await Retention(cast("Any", shelf), 90).close()
    assert shelf.moments == []
