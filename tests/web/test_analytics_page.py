"""The analytics page in a real browser, on a real server with records of several days."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from streamchat.stores.analytics import AnalyticsStore, TurnRecord
from streamchat.stores.database import Database
from tests.serving.served import TOKEN, Served, serving, users_folder

pytestmark = pytest.mark.slow

ADMIN = "secret-ops"
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
RECORD = TurnRecord(
    asked_at=TODAY,
    door="smart",
    profile="<b>Ada</b>",
    caller="alice",
    lang="en",
    pace="natural",
    cause="complete",
    code="",
    accepted_seconds=0.01,
    queued_seconds=0.0,
    processing_seconds=2.0,
    streaming_seconds=4.0,
    total_seconds=6.0,
    first_frame_seconds=0.01,
    first_answer_seconds=2.5,
    characters=400,
    chunks=20,
    characters_per_second=100.0,
)
# Today: one of alice's. Two days ago: an error of alice's, and one of bob's that took longer. Nothing in between.
RECORDS = [
    RECORD,
    replace(
        RECORD,
        record_id="2",
        asked_at=TODAY - timedelta(days=2),
        cause="error",
        code="processing_error",
        first_answer_seconds=None,
        characters_per_second=None,
    ),
    replace(RECORD, record_id="3", asked_at=TODAY - timedelta(days=2), caller="bob", first_answer_seconds=7.5),
]


async def _keep(url: str, records: list[TurnRecord]) -> None:
    database = Database(url)
    await database.open()
    await AnalyticsStore(database).add(*records)
    await database.close()


@pytest.fixture(scope="module")
def served(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = users_folder(tmp_path_factory.mktemp("analytics"))
    with ThreadPoolExecutor(1) as elsewhere:  # this thread has the browser's loop
        elsewhere.submit(asyncio.run, _keep(f"sqlite:///{folder}/test.db", RECORDS)).result()
    options = ("--process-query", "answers:answer", "--token", f"ops={ADMIN}", "--admin", "ops")
    with serving(folder, *options) as running:
        yield running


def show(page: Page, served: Served, token: str = ADMIN) -> None:
    page.goto(f"{served.url}/analytics")
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Show").click()


def chart(page: Page, place: str, number: int) -> Any:
    """What a chart is drawn from: its labels, and its values by the name of the series."""
    return (
        page.locator(f"#{place} canvas")
        .nth(number)
        .evaluate(
            """canvas => {
            const { labels, datasets } = Chart.getChart(canvas).data;
            return { labels, ...Object.fromEntries(datasets.map(({ label, data }) => [label, data])) };
        }"""
        )
    )


def test_an_admin_sees_the_figures_of_all_callers_by_day_with_the_gaps(page: Page, served: Served) -> None:
    show(page, served)
    expect(page.locator("#state")).to_have_text("Questions of all callers; records are kept for 90 days.")
    expect(page.locator("#totals")).to_contain_text("Questions3")
    expect(page.locator("#totals")).to_contain_text("Callers2")
    expect(page.locator("#totals")).to_contain_text("Answered in full66.7%")
    use, waiting, speed, ends = (chart(page, "day", number) for number in range(4))
    assert len(use["labels"]) == 30
    assert use["Questions"][-3:] == [2, 0, 1]
    assert waiting["Typical (half)"][-3:] == [7.5, None, 2.5]
    assert waiting["Slow (95%)"][-3:] == [7.5, None, 2.5]
    assert speed["Typical speed"][-3:] == [100, None, 100]
    assert (ends["Complete"][-3:], ends["Error"][-3:]) == ([1, 0, 1], [1, 0, 0])
    assert "Timeout" not in ends


def test_a_caller_sees_their_own_only(page: Page, served: Served) -> None:
    show(page, served, TOKEN)
    expect(page.locator("#state")).to_have_text("Your own questions; records are kept for 90 days.")
    assert chart(page, "day", 0)["Questions"][-3:] == [1, 0, 1]


def test_the_groups_are_what_is_chosen_and_a_name_is_never_markup(page: Page, served: Served) -> None:
    show(page, served)
    expect(page.get_by_role("heading", name="By profile")).to_be_visible()
    assert chart(page, "group", 0) == {"labels": ["<b>Ada</b>"], "Questions": [3]}
    page.locator("#group summary").first.click()
    expect(page.locator("#group tbody th").first).to_have_text("<b>Ada</b>")
    page.get_by_label("Group by").select_option("caller")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", name="By caller")).to_be_visible()
    assert chart(page, "group", 0) == {"labels": ["alice", "bob"], "Questions": [2, 1]}


def test_every_chart_has_a_name_and_a_table_that_the_keyboard_reaches(page: Page, served: Served) -> None:
    show(page, served)
    expect(page.locator("canvas")).to_have_count(8)
    assert page.get_by_role("img").count() == 8
    summary = page.locator("#day summary").nth(1)
    summary.focus()
    page.keyboard.press("Enter")
    table = page.get_by_role("region", name="Waiting time: table").first
    expect(table).to_be_visible()
    assert table.locator("thead").inner_text().strip().split("\t") == ["Day", "Typical (half)", "Slow (95%)"]
    assert [row.inner_text().split("\t")[1:] for row in table.locator("tbody tr").all()][-3:] == [
        ["7.5", "7.5"],
        ["–", "–"],
        ["2.5", "2.5"],
    ]
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Waiting time: table"


def test_the_period_is_the_one_that_is_typed_or_pressed(page: Page, served: Served) -> None:
    show(page, served)
    days = page.locator("#day figure").first.locator("tbody tr")
    expect(days).to_have_count(30)
    page.get_by_role("button", name="7 days").click()
    expect(days).to_have_count(7)
    two_days_ago = (TODAY - timedelta(days=2)).date().isoformat()
    page.get_by_label("From").fill(two_days_ago)
    page.get_by_label("To (UTC)").fill(two_days_ago)
    page.get_by_role("button", name="Show").click()
    expect(days).to_have_count(1)
    assert chart(page, "day", 0)["Questions"] == [2]


def test_a_period_without_a_question_and_a_wrong_one_are_told(page: Page, served: Served) -> None:
    show(page, served)
    expect(page.locator("#report")).to_be_visible()
    page.get_by_label("From").fill("2020-01-01")
    page.get_by_label("To (UTC)").fill("2020-01-02")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#state")).to_have_text("Nothing was asked in this period.")
    expect(page.locator("#report")).to_be_hidden()
    page.get_by_label("From").fill("2020-01-03")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#state")).to_contain_text("Could not be loaded")
    expect(page.locator("#state")).to_contain_text("from")


def test_a_wrong_token_is_told_and_a_right_one_kept_for_the_tab_alone(page: Page, served: Served) -> None:
    show(page, served, "wrong")
    expect(page.locator("#state")).to_contain_text("Could not be loaded")
    assert page.evaluate("sessionStorage.length") == 0
    show(page, served)
    expect(page.locator("#report")).to_be_visible()
    page.reload()
    expect(page.locator("#report")).to_be_visible()
    expect(page.get_by_label("Token")).to_have_value(ADMIN)
    assert page.evaluate("localStorage.length") == 0
    other = page.context.new_page()
    other.goto(f"{served.url}/analytics")
    expect(other.get_by_label("Token")).to_have_value("")


def test_the_language_changes_without_asking_again(page: Page, served: Served) -> None:
    show(page, served)
    expect(page.locator("#report")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_label("Language").select_option("zh")
    expect(page.get_by_role("heading", name="使用分析")).to_be_visible()
    assert chart(page, "day", 0)["提问"][-3:] == [2, 0, 1]
    assert page.evaluate("document.documentElement.lang") == "zh"
    assert asked == []


def test_the_charts_take_the_colours_of_the_theme(page: Page, served: Served) -> None:
    show(page, served)
    expect(page.locator("#report")).to_be_visible()
    colour = "Chart.getChart(document.querySelector('#day canvas')).data.datasets[0].backgroundColor"
    page.emulate_media(color_scheme="light")
    light = page.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"light => {colour} !== light", arg=light)


def test_it_fits_a_phone(page: Page, served: Served) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    show(page, served)
    expect(page.locator("#report")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_the_charting_library_is_the_one_that_its_version_file_names() -> None:
    vendor = Path(__file__).parents[2] / "web" / "vendor" / "chartjs"
    assert sha256((vendor / "chart.umd.min.js").read_bytes()).hexdigest() in (vendor / "VERSION.md").read_text()
