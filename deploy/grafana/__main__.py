"""Write the dashboards as Grafana reads them: ``python -m deploy.grafana``, in the checkout, after a change here."""

from __future__ import annotations

import json
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.grafana.door import door
from deploy.grafana.overview import overview

FOLDER = Path(__file__).resolve().parent / "dashboards"
DASHBOARDS = {"overview": overview, "door": door}


def to_json(name: str) -> str:
    """The dashboard's text, the same each time."""
    return json.dumps(DASHBOARDS[name]().build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


def main() -> None:
    """Write every dashboard to its file."""
    for name in DASHBOARDS:
        (FOLDER / f"{name}.json").write_text(to_json(name), encoding="utf-8")


if __name__ == "__main__":
    main()
