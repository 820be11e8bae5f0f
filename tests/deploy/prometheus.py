"""A real Prometheus that scrapes a server with our own configuration, and what can be asked of it.

Nothing here sleeps: what a test waits for is asked for again and again until it is so, or patience is at its end.
"""

from __future__ import annotations

import math
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.deploy.machine import free_port, program

CHECKOUT = Path(__file__).resolve().parents[2]
RULES = CHECKOUT / "deploy" / "prometheus"
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One series of an answer, and its value at the moment of the question."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running Prometheus, asked over one connection."""

    url: str
    client: httpx.Client

    def query(self, expression: str) -> list[Sample]:
        """What the expression is now. One that Prometheus does not understand fails the test."""
        result = self._ask("query", query=expression)["result"]
        return [Sample(series["metric"], float(series["value"][1])) for series in result]

    def figures(self, expression: str) -> list[float]:
        """The values that are numbers."""
        return [sample.value for sample in self.query(expression) if math.isfinite(sample.value)]

    def figure(self, expression: str) -> float:
        """The one value; 0 of none."""
        return sum(self.figures(expression))

    def label_values(self, label: str, metric: str) -> list[str]:
        """What Grafana's ``label_values(metric, label)`` offers."""
        response = self.client.get(f"/api/v1/label/{label}/values", params={"match[]": metric})
        values: list[str] = response.json()["data"]
        return values

    def rules(self) -> list[dict[str, Any]]:
        """Every rule with its health and when it was last evaluated."""
        groups = self.client.get("/api/v1/rules").json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Ask until it is so."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"Prometheus never saw {what}"

    def until_reaches(self, expression: str, figure: float) -> None:
        """Ask until the expression is as high."""
        self.until(lambda: self.figure(expression) >= figure, f"{figure} of {expression}")

    def is_ready(self) -> bool:
        try:
            return self.client.get("/-/ready").is_success
        except httpx.TransportError:
            return False

    def _ask(self, path: str, **parameters: str) -> dict[str, Any]:
        response = self.client.post(f"/api/v1/{path}", data=parameters)
        answer = response.json()
        assert answer["status"] == "success", f"{parameters}: {answer['error']}"
        data: dict[str, Any] = answer["data"]
        return data


@contextmanager
def scraping(folder: Path, target: str, *, every: str = "1s", token_file: Path | None = None) -> Iterator[Prometheus]:
    """Run Prometheus over the server at ``target`` until the end of the block; it is ready when the block begins."""
    config = folder / "prometheus.yml"
    config.write_text(yaml.safe_dump(hurried(target, every, token_file=token_file)), encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [
            program("prometheus"),
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}",
            "--log.level=error",
        ],
        cwd=folder,
    )
    url = f"http://{address}"
    with process, httpx.Client(base_url=url, timeout=PATIENCE_SECONDS) as client:
        prometheus = Prometheus(url, client)
        try:
            prometheus.until(prometheus.is_ready, "its own readiness")
            yield prometheus
        finally:
            process.terminate()


def hurried(target: str, every: str, *, token_file: Path | None = None) -> dict[str, Any]:
    """Our configuration as it is shipped, but for the server it scrapes and how often.

    With a token file, the lines that are commented out for this are taken in.
    """
    text = (RULES / "prometheus.yml").read_text(encoding="utf-8")
    if token_file is not None:
        text = re.sub(r"# (authorization:|  type:|  credentials_file:)", r"\1", text)
    config: dict[str, Any] = yaml.safe_load(text)
    config["global"] = {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every}
    config["rule_files"] = [str(RULES / name) for name in config["rule_files"]]
    (job,) = config["scrape_configs"]
    job["static_configs"] = [{"targets": [target]}]
    if token_file is not None:
        job["authorization"]["credentials_file"] = str(token_file)
    return config


def rules_of(name: str) -> list[dict[str, Any]]:
    """The rules of a file that we ship."""
    groups = yaml.safe_load((RULES / name).read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]
