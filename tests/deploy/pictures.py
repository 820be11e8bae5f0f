"""Makes the pictures in docs/pictures: minutes of lively traffic, a Prometheus that looks often, both dashboards drawn.

python -m tests.deploy.pictures [--minutes 4]
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.grafana.answers import Questioner, Span
from deploy.grafana.draw import draw
from tests.deploy.prometheus import CHECKOUT, scraping
from tests.deploy.traffic import STREAMING_DOORS, Mix
from tests.serving.served import serving

FOLDER = CHECKOUT / "docs" / "pictures"
# The file, the dashboard, and how many of its rows, None for all.
PICTURES = (
    ("grafana-glance.png", "overview", 3),
    ("grafana-overview.png", "overview", None),
    ("grafana-door.png", "door", None),
)
CLIENTS = 14
SCRAPE_SECONDS = 4.0
DOORS = ("smart",) * 5 + ("advanced",) * 2 + ("basic",) * 2 + ("chat",)

# As a real one: mostly quick, sometimes slow, seldom wrong; a search is a short sleep of its own.
FUNCTION = """
import random

TEXT = "A rollup takes many payments off the chain and brings back one proof that all of them were right. "


def answer(message, cancelled, progress):
    progress("Searching", 20)
    cancelled.wait(min(random.lognormvariate(-0.5, 0.9), 12))
    fate = random.random() if message == "What is a rollup?" else 1.0
    if fate < 0.03:
        raise ValueError("a search that failed")
    if fate < 0.04:
        cancelled.wait(60)
    return TEXT * random.randint(1, 6)
"""


def main() -> None:
    """Serve, ask, watch, draw."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=4.0)
    minutes = parser.parse_args().minutes
    # The server and Prometheus are ended on the way out, also when this is ended from outside.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pictured_function.py").write_text(FUNCTION, encoding="utf-8")
        options = ["--process-query", "pictured_function:answer", "--log-level", "error", "--max-running", "8"]
        options += ["--max-queued", "16", "--process-timeout", "15"]
        with (
            serving(folder, *options) as served,
            scraping(folder, served.url.removeprefix("http://"), every=f"{SCRAPE_SECONDS:.0f}s") as prometheus,
        ):
            prometheus.until(lambda: bool(prometheus.figures("streamchat_connections")), "the server")
            start = time.time()
            _ask_for(served.url, minutes * 60)
            span = Span(start=start, end=start + minutes * 60, scrape_seconds=SCRAPE_SECONDS)
            for picture, dashboard, rows in PICTURES:
                draw(dashboard, Questioner(prometheus.url, span, {"door": "smart"}), FOLDER / picture, rows)


def _ask_for(url: str, seconds: float) -> None:
    """Many clients, each asking one question after the other; now and then one that errs or comes back."""
    end = time.monotonic() + seconds

    def client(number: int) -> None:
        mix = Mix(url)
        choose = random.Random(number)
        time.sleep(seconds / 2 * number / CLIENTS)  # they come one after the other
        while time.monotonic() < end:
            _act(mix, choose)

    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(client, range(CLIENTS)))


def _act(mix: Mix, choose: random.Random) -> None:
    what = choose.random()
    if what < 0.02:
        mix.ask_wrongly()
    elif what < 0.05:
        mix.leave_for_good("smart")
    elif what < 0.12:
        mix.leave_and_come_back(choose.choice(list(STREAMING_DOORS)))
    else:
        mix.ask(choose.choice(DOORS), message="What is a rollup?", pace="natural")


if __name__ == "__main__":
    main()
