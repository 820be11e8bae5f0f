"""One server, one Prometheus and one run of the traffic, that all tests of what can be seen share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.deploy.prometheus import Prometheus, scraping
from tests.deploy.traffic import FUNCTION, MAX_QUEUED, MAX_RUNNING, Mix
from tests.serving.served import serving


@dataclass(frozen=True, slots=True)
class Observed:
    """A server after its traffic, and a Prometheus that has seen all of it."""

    url: str
    prometheus: Prometheus
    mix: Mix


@pytest.fixture(scope="session")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    folder = tmp_path_factory.mktemp("observed")
    (folder / "observed_function.py").write_text(FUNCTION, encoding="utf-8")
    options = ["--process-query", "observed_function:answer", "--log-level", "error"]
    options += ["--max-running", str(MAX_RUNNING), "--max-queued", str(MAX_QUEUED)]
    with serving(folder, *options) as served, scraping(folder, served.url.removeprefix("http://")) as prometheus:
        # A rate needs the figures from before.
        prometheus.until(lambda: bool(prometheus.figures("streamchat_connections")), "the server")
        mix = Mix(served.url)
        mix.run()
        _see(prometheus, mix)
        yield Observed(served.url, prometheus, mix)


def _see(prometheus: Prometheus, mix: Mix) -> None:
    """Wait until all has been scraped, once more in full, and every rule evaluated over that."""
    prometheus.until_reaches("sum(streamchat_stream_ends_total)", mix.ends.total())
    prometheus.until_reaches('sum(streamchat_requests_total{door!="metrics"})', mix.requests.total())
    for last in ("streamchat_connections", "instance:streamchat_workers_busy:ratio"):
        prometheus.until_reaches(f"min(timestamp({last}))", prometheus.figure("vector(time())"))
