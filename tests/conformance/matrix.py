"""Every client through every scenario, each on a server of its own."""

from __future__ import annotations

import asyncio

from tests.conformance.client import Client
from tests.conformance.clients import CLIENTS
from tests.conformance.scenarios import SCENARIOS, Scenario
from tests.conformance.seen import Errand
from tests.conformance.stage import Stage
from tests.handlers.house import House, with_server
from tests.web.cutting_proxy import CuttingProxy


class Matrix:
    """What has been shown so far: for a client and a scenario what its cell says."""

    def __init__(self) -> None:
        self._shown: dict[tuple[str, str], str] = {}

    def cell(self, client: Client, scenario: Scenario) -> str:
        """What the client showed beyond "yes". Raises AssertionError where it did not see what it should."""
        assert scenario.name not in client.cannot
        key = (client.key, scenario.name)
        if key not in self._shown:
            self._shown[key] = _play(client, scenario)
        return self._shown[key]


def pairs() -> list[tuple[Client, Scenario]]:
    """Who is to show what."""
    return [(client, scenario) for client in CLIENTS for scenario in SCENARIOS if scenario.name not in client.cannot]


def _play(client: Client, scenario: Scenario) -> str:
    stage, remarks = Stage(), list[str]()

    async def main(house: House) -> None:
        wire = CuttingProxy(house.port, stage.watch)
        stage.cut = wire.cut
        await wire.open()
        errand = Errand(
            act=scenario.act,
            url=f"http://127.0.0.1:{wire.port}",
            beside=f"http://127.0.0.1:{house.port}",
            token=scenario.token,
            profile=scenario.profile,
            message="What is a rollup?",
        )
        try:
            seen = await client.run(errand)
            # It may wait for the server, which goes on meanwhile.
            told = await asyncio.to_thread(scenario.look, seen, stage)
            remarks.append(told or seen.remark)
        finally:
            await wire.close()

    with_server(scenario.function(stage), main, **scenario.settings)
    return remarks[0]
