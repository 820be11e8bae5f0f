"""The committed dashboards as a test reads them: panels, expressions, and what Grafana would put in for variables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.deploy.prometheus import CHECKOUT

GRAFANA = CHECKOUT / "deploy" / "grafana"
NAMES = ("overview", "door")
# $__rate_interval is at least a minute with the scrape interval that we ship.
VARIABLES = {"instance": ".+", "__rate_interval": "1m"}


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel that shows something."""

    dashboard: str
    json: Mapping[str, Any]

    @property
    def title(self) -> str:
        title: str = self.json["title"]
        return title

    def expressions(self, **chosen: str) -> list[str]:
        """The PromQL of its targets with every variable put in."""
        return [put_in(target["expr"], VARIABLES | chosen) for target in self.json["targets"]]


def load(name: str) -> dict[str, Any]:
    """A dashboard's JSON."""
    text = (GRAFANA / "dashboards" / f"{name}.json").read_text(encoding="utf-8")
    dashboard: dict[str, Any] = json.loads(text)
    return dashboard


def panels(name: str) -> list[Panel]:
    """A dashboard's panels without its rows."""
    return [Panel(name, json) for json in load(name)["panels"] if json["type"] != "row"]


def put_in(expression: str, variables: Mapping[str, str]) -> str:
    """The expression as Grafana would send it."""
    for name, value in variables.items():
        expression = expression.replace(f"${name}", value)
    return expression
