"""The EventSource of a real browser, on a page of our server's own address, with our scripts put beside it."""

from __future__ import annotations

import subprocess
from dataclasses import asdict

from playwright.async_api import Route, async_playwright

from tests.conformance.client import Dialect, Missing
from tests.conformance.node_clients import EVENT_SOURCE_CANNOT
from tests.conformance.node_packages import HERE
from tests.conformance.seen import Errand, Seen
from tests.web.conftest import ARGUMENTS, CHROMIUM

_RUN = 'async told => (await import("/conformance/event_source_page.mjs")).run(told, EventSource)'


class ChromiumEventSource:
    """What ``new EventSource`` is in Chromium; the stream it follows comes from another origin."""

    key = "chromium"
    name = "Chromium's EventSource"
    dialect: Dialect = "events"
    cannot = EVENT_SOURCE_CANNOT

    def version(self) -> str:
        if not CHROMIUM.exists():
            raise Missing(f"{CHROMIUM} is not installed")
        return subprocess.run([CHROMIUM, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]

    async def run(self, errand: Errand) -> Seen:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            page = await browser.new_page()
            await page.route("**/conformance/*", _fulfil)
            # A page that really comes from there: one that was made up may not reach this machine's own addresses.
            await page.goto(f"{errand.beside}/healthz")
            told = await page.evaluate(_RUN, {**asdict(errand), "body": errand.body})
            await browser.close()
        return Seen(**told)


async def _fulfil(route: Route) -> None:
    name = route.request.url.rpartition("/")[2]
    await route.fulfill(content_type="text/javascript", path=HERE / name)
