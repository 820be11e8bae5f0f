"""A kept tool reads the description, asks a running server whatever that allows and forbids, and believes no answer."""

from __future__ import annotations

import asyncio
import sysconfig
from pathlib import Path

import pytest

import streamchat
from tests.handlers.house import ALICE

pytestmark = pytest.mark.slow

SCHEMATHESIS = Path(sysconfig.get_path("scripts")) / "st"
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
MINUTES = 5


def test_the_server_is_what_its_description_says(tmp_path: Path) -> None:
    async def main() -> tuple[int | None, str]:
        server = await streamchat.make_app(
            lambda message: "Hello.", port=0, token=(f"alice={ALICE}",), database_url=f"sqlite:///{tmp_path}/test.db"
        )
        try:
            tool = await asyncio.create_subprocess_exec(
                *(SCHEMATHESIS, "--config-file", CONFIGURATION),
                *("run", f"http://127.0.0.1:{server.port}/openapi.json", "--header", f"Authorization: Bearer {ALICE}"),
                # A handshake is not for a client of HTTP.
                *("--phases", "examples,coverage,fuzzing", "--exclude-operation-id", "open_socket"),
                *("--max-examples", "3", "--seed", "1", "--generation-database", "none", "--no-color"),
                cwd=tmp_path,
                stdout=asyncio.subprocess.PIPE,
            )
            async with asyncio.timeout(60 * MINUTES):
                said, _ = await tool.communicate()
            return tool.returncode, said.decode()
        finally:
            await server.drain()
            await server.close()

    status, said = asyncio.run(main())
    assert status == 0, said
    # It has found the operations, and has been let in.
    assert "Tested: 25" in said
    assert "401" not in said
