"""The table in the docs: ``python -m tests.conformance.table`` runs everything, and writes what it has shown."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

from tests.conformance.client import Client, Dialect
from tests.conformance.clients import CLIENTS
from tests.conformance.matrix import Matrix
from tests.conformance.scenarios import SCENARIOS, Scenario

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "conformance.md"

HEADING = """\
# Conformance

Other people's clients, each used as its documentation says, against this server: what their user gets to see. Every
cell is a test, and this page is what a run has shown: `python -m tests.conformance.table` writes it anew, and a test
(`pytest -m slow tests/conformance`) fails where it says something else.

"yes" means that the user has seen all that there was to see, to the byte, and nothing else. At an error it says which
of the HTTP status, our code and our sentence the client tells. "–" is what a client has no way to do; the reason is
below its table.

Who stops has asked with `on_disconnect: "cancel"`, the OpenAI dialect's default: closing the connection then stops the
work, and the function is seen to be told. The cut is a network's: the connection is gone in the middle. An EventSource
comes back by itself, `Chat` by `resumeStream()`, and the user of the others asks for the rest with the last id.

The Python packages are those of `.[test]`, the others those of `tests/conformance/package.json`, on Node 24.
"""
TITLES: dict[Dialect, str] = {
    "events": "The three streaming doors, by clients of server-sent events",
    "openai": "The OpenAI dialect",
    "ui_messages": "The AI SDK's, by `Chat` with `DefaultChatTransport`",
}
# Of these the machine has the version that it has.
_OF_THE_SYSTEM = re.compile(r"(curl|Chromium's EventSource) [\d.]+")


def document(matrix: Matrix) -> str:
    """The whole page. Raises Missing when a client can't run here, AssertionError when one failed."""
    parts = [HEADING]
    for dialect, title in TITLES.items():
        clients = [client for client in CLIENTS if client.dialect == dialect]
        parts += [f"\n## {title}\n\n", *_table(matrix, clients), *_reasons(clients)]
    return "".join(parts)


def without_system_versions(page: str) -> str:
    """The page without what depends on the machine."""
    return _OF_THE_SYSTEM.sub(r"\1", page)


def _table(matrix: Matrix, clients: list[Client]) -> Iterator[str]:
    yield _row("", *(f"{client.name} {client.version()}" for client in clients))
    yield "|---" * (len(clients) + 1) + "|\n"
    for scenario in SCENARIOS:
        yield _row(scenario.title, *(_cell(matrix, client, scenario) for client in clients))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"


def _cell(matrix: Matrix, client: Client, scenario: Scenario) -> str:
    if scenario.name in client.cannot:
        return "–"
    remark = matrix.cell(client, scenario)
    return f"yes: {remark}" if remark else "yes"


def _reasons(clients: list[Client]) -> Iterator[str]:
    """One line for each reason, with all whom it concerns."""
    yield "\n"
    for scenario in SCENARIOS:
        reasons: dict[str, list[str]] = {}
        for client in clients:
            if scenario.name in client.cannot:
                reasons.setdefault(client.cannot[scenario.name], []).append(client.name)
        for reason, names in reasons.items():
            whose = "" if len(names) == len(clients) else f" ({', '.join(names)})"
            yield f"- – {scenario.title}{whose}: {reason}.\n"


if __name__ == "__main__":
    logging.disable()  # functions fail here because they are to
    DOCUMENT.write_text(document(Matrix()), encoding="utf-8")
