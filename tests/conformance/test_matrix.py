"""Other people's clients against this server, all through the same scenarios; ``docs/conformance.md`` shows it."""

from __future__ import annotations

import pytest

from tests.conformance.client import Client, Missing
from tests.conformance.clients import CLIENTS
from tests.conformance.matrix import Matrix, pairs
from tests.conformance.scenarios import SCENARIOS, Scenario
from tests.conformance.table import DOCUMENT, document, without_system_versions

pytestmark = pytest.mark.slow


def _name(of: Client | Scenario) -> str:
    return of.name if isinstance(of, Scenario) else of.key


@pytest.mark.parametrize(("client", "scenario"), pairs(), ids=_name)
def test_a_client_sees_what_it_should(client: Client, scenario: Scenario, matrix: Matrix) -> None:
    try:
        client.version()
    except Missing as reason:
        pytest.skip(str(reason))
    matrix.cell(client, scenario)


def test_the_page_in_the_docs_is_what_this_run_has_shown(matrix: Matrix) -> None:
    try:
        page = document(matrix)
    except Missing as reason:
        pytest.skip(f"not all clients are here: {reason}")
    assert without_system_versions(DOCUMENT.read_text(encoding="utf-8")) == without_system_versions(page)


def test_no_client_has_a_reason_that_is_for_nothing() -> None:
    names = {scenario.name for scenario in SCENARIOS}
    assert not [(client.key, name) for client in CLIENTS for name in client.cannot if name not in names]
    assert len({client.key for client in CLIENTS}) == len(CLIENTS)


def test_every_scenario_has_clients_that_show_it() -> None:
    assert {scenario.name for _, scenario in pairs()} == {scenario.name for scenario in SCENARIOS}
